"""`gatewayd metrics`: what the running daemon measures, as OpenMetrics text; once, or served to Prometheus."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.addresses import parse_endpoint
from gatewayd.cli.status import configured_socket
from gatewayd.control.client import request
from gatewayd.control.protocol import Command
from gatewayd.errors import ConfigurationInvalid, ExitCode, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewayd.configuration.model import MetricsConfiguration

ASK_LIMIT_S = 5.0
"""Longest wait for the daemon; Prometheus gives up after 10 s, if left as it is."""

_log = logging.getLogger("gatewayd.metrics")


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], parents: list[argparse.ArgumentParser]
) -> None:
    """Add `gatewayd metrics`."""
    parser = subparsers.add_parser(
        "metrics",
        parents=parents,
        help="print what the daemon measures, or serve it to Prometheus",
        description="Print what the running daemon measures as OpenMetrics text. With --serve: answer Prometheus and "
        "keep a file for node_exporter, as [metrics] in the configuration says, until SIGTERM or Ctrl-C; while the "
        "daemon is away there is gatewayd_up 0.",
        epilog="Example:\n  gatewayd metrics | grep session_ends\n  gatewayd metrics --serve",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--serve", action="store_true", help="go on serving, as [metrics] says")
    parser.add_argument(
        "--socket", metavar="PATH", type=Path, help="the daemon's control socket (default: as the configuration says)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print or serve. Raises `Unavailable` where no daemon answers, or the port to serve on cannot be had."""
    ask = partial(
        request,
        arguments.socket or configured_socket(arguments.config),
        Command.METRICS,
        timeout_s=ASK_LIMIT_S,
    )
    if arguments.serve:
        _serve(arguments.config, ask)
    else:
        from gatewayd.metrics.exposition import render  # noqa: PLC0415 - its library takes 20 ms, which --help need not

        sys.stdout.write(render(ask(), time.time()).decode())
    return ExitCode.OK


def _serve(configuration_path: Path, ask: Callable[[], dict[str, object]]) -> None:
    """Serve until told to stop. Raises `ConfigurationInvalid` where there is nothing to serve."""
    import trio  # noqa: PLC0415 - printing does without an event loop

    from gatewayd.configuration.load import load  # noqa: PLC0415 - as in `configured_socket`

    configuration = load(configuration_path)
    metrics = configuration.metrics
    if not metrics.listen and not metrics.textfile:
        place = "metrics.listen"
        problem = Problem(
            configuration.origin(place), place, "is empty, and so is metrics.textfile: there is nothing to serve"
        )
        raise ConfigurationInvalid([problem])
    trio.run(_serve_until_signalled, metrics, ask)


async def _serve_until_signalled(metrics: MetricsConfiguration, ask: Callable[[], dict[str, object]]) -> None:
    import trio  # noqa: PLC0415 - as above

    from gatewayd.metrics import http, textfile  # noqa: PLC0415 - as above
    from gatewayd.metrics.source import Source  # noqa: PLC0415 - as above

    source = Source(ask)
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            if metrics.listen:
                host, port = parse_endpoint(metrics.listen)
                await nursery.start(http.serve, host, port, source.for_scraper)
                _log.info("metrics are at http://%s%s", metrics.listen, http.PATH)
            if metrics.textfile:
                nursery.start_soon(textfile.keep, Path(metrics.textfile), metrics.interval_s, source.for_textfile)
                _log.info("metrics are in %s, every %g s", metrics.textfile, metrics.interval_s)
            async for number in signals:
                _log.info("%s: stopping", signal.Signals(number).name)
                nursery.cancel_scope.cancel()
