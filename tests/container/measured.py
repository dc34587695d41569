"""The unit that serves metrics, which is started by whoever wants it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.container.device import Device
    from tests.vm.guest.transcript import Transcript

UNIT = "gatewayd-metrics.service"
SERVED_S = 15.0
_ADDRESS, _FILE = "127.0.0.1:9464", "/run/gatewayd-metrics/gatewayd.prom"
_CONFIGURATION = f'[metrics]\nlisten = "{_ADDRESS}"\ntextfile = "{_FILE}"\ninterval_s = 1\n'
_FETCH = f"import urllib.request; print(urllib.request.urlopen('http://{_ADDRESS}/metrics', timeout=5).read().decode())"
_SCORE_MAX = 1.5


def served(transcript: Transcript, device: Device) -> None:
    """Over HTTP and as a file, from a sandbox of its own, through the daemon's control socket."""
    transcript.note("serve the metrics")
    device.write("/etc/gatewayd/conf.d/metrics.toml", _CONFIGURATION)
    code = device.run("systemctl", "enable", "--now", UNIT).exit_code
    transcript.check("it is enabled and started", code == 0, f"systemctl: {code}")
    transcript.within(SERVED_S, "Prometheus is answered", lambda: "\ngatewayd_up 1.0\n" in _fetched(device))
    transcript.within(
        SERVED_S,
        "node_exporter finds its file",
        lambda: device.machine.inside(_FILE).exists() and "gatewayd_up 1" in device.machine.inside(_FILE).read_text(),
    )
    owner = device.run("stat", "--format=%a", _FILE).stdout.strip()
    transcript.check("which all may read", owner == "644", owner)
    found = re.search(r"level for \S+: ([0-9.]+)", device.run("systemd-analyze", "security", UNIT, "--no-pager").stdout)
    exposure = float(found.group(1)) if found else 10.0
    transcript.check("systemd-analyze security", exposure <= _SCORE_MAX, f"{exposure}, of at most {_SCORE_MAX}")


def without_a_daemon(transcript: Transcript, device: Device) -> None:
    """While the daemon is stopped."""
    transcript.within(
        SERVED_S, "the metrics say that the daemon is down", lambda: "\ngatewayd_up 0.0\n" in _fetched(device)
    )


def _fetched(device: Device) -> str:
    return f"\n{device.run('/usr/bin/python3', '-c', _FETCH).stdout}"
