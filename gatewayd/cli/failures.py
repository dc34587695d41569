"""How a command that did not end well tells so: one line that says what to do, and an exit code."""

from __future__ import annotations

import os
import select
import sys
import traceback

from gatewayd.errors import ConfigurationInvalid, ExitCode, GatewayError
from gatewayd.failures import leaves, place
from gatewayd.text import one_line

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it (128 + SIGINT). Commands for which Ctrl-C is the way to end return 0."""


def report(error: BaseException, *, debug: bool) -> int:
    """Tell on stderr what ended the command and return the exit code for it.

    Groups, as trio's nurseries raise them, are looked into. What is not a `GatewayError` is a bug: it is named by type
    and place only, because its text may hold a secret; with `debug` its traceback is printed.
    """
    errors = list(leaves(error))
    bug = next((leaf for leaf in errors if not _is_expected(leaf)), None)
    if bug is not None:
        _say(
            f"gatewayd: internal error: {type(bug).__name__} at {place(bug)} "
            "(a bug; please report it with what `--log-level debug` shows)"
        )
        if debug:
            _say("".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip())
        return ExitCode.INTERNAL
    refusals = [leaf for leaf in errors if isinstance(leaf, GatewayError)]
    for refusal in refusals:
        _say(_told(refusal))
    if refusals:
        return int(refusals[0].exit_code)
    if any(isinstance(leaf, KeyboardInterrupt) for leaf in errors):
        return INTERRUPTED
    if any(isinstance(leaf, BrokenPipeError) for leaf in errors):
        return ExitCode.OK
    return next((leaf.code for leaf in errors if isinstance(leaf, SystemExit) and isinstance(leaf.code, int)), 0)


def finish_output(exit_code: int) -> int:
    """Flush stdout and return the process's exit code: the given one, unless what was printed could not be written.

    Whatever cannot be written goes nowhere, or Python complains about it while it shuts down.
    """
    if sys.stdout is None:  # closed by whoever started the command
        return exit_code
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _give_up_stdout()
    except OSError as error:
        _give_up_stdout()
        _say(f"gatewayd: cannot write the output: {error.strerror}")
        return exit_code or ExitCode.UNAVAILABLE
    return exit_code


def _is_expected(error: BaseException) -> bool:
    if isinstance(error, BrokenPipeError):
        return _stdout_is_broken()
    return isinstance(error, (GatewayError, KeyboardInterrupt, SystemExit))


def _told(error: GatewayError) -> str:
    """The error as a person reads it. Problems of configuration begin with the file, as compilers do it."""
    lines = [one_line(line) for line in str(error).split("\n")]
    return "\n".join(lines) if isinstance(error, ConfigurationInvalid) else f"gatewayd: {' '.join(lines)}"


def _stdout_is_broken() -> bool:
    """Whether it is our reader that left (`gatewayd … | head`): poll says POLLERR for a pipe without a reader."""
    try:
        polled = select.poll()
        polled.register(sys.stdout.fileno(), 0)
        return bool(polled.poll(0))
    except (OSError, ValueError, AttributeError):
        return False


def _give_up_stdout() -> None:
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)


def _say(text: str) -> None:
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        return  # nobody reads stderr either; the exit code still tells
