"""The package, put on a running system, and taken away again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.container.device import SOCKET, UNIT

if TYPE_CHECKING:
    from tests.container.device import Device
    from tests.vm.guest.transcript import Transcript

PACKAGE = "/root/gatewayd.deb"
INSTALL_LIMIT_S = 120.0
CONVERSING_S = 15.0
NOT_RESTARTED_S = 3.0
"""Three times the unit's `RestartSec=`."""
UNITS = 2
"""The daemon's, and the one that serves its metrics."""
CONFIGURATION_EXIT = "78"


def install(transcript: Transcript, device: Device) -> None:
    """Nothing is fetched or compiled, and nothing is started that has no configuration."""
    transcript.note("install the package")
    compilers = device.run("sh", "-c", "command -v gcc cc make pip").stdout
    transcript.check("there is no compiler", compilers == "", compilers or "none of gcc, cc, make, pip")
    done = device.run("dpkg", "--install", PACKAGE, limit_s=INSTALL_LIMIT_S)
    transcript.check("it installs", done.exit_code == 0, device.run("gatewayd", "--version").stdout.strip())
    enabled = device.run("systemctl", "is-enabled", UNIT).stdout.strip()
    transcript.check("the unit is enabled", enabled == "enabled", enabled)


def unconfigured(transcript: Transcript, device: Device) -> None:
    """Started with the configuration as shipped, it says what is missing, once."""
    transcript.note("start it with the configuration as it is shipped")
    code = device.run("systemctl", "start", UNIT).exit_code
    state = device.properties("ExecMainStatus", "Result", "ActiveState")
    transcript.check("starting it fails", code != 0, f"systemctl: {code}")
    left = state["ExecMainStatus"]
    transcript.check("it leaves with 78", left == CONFIGURATION_EXIT, f"{left}, {state['ActiveState']}")
    time.sleep(NOT_RESTARTED_S)
    state = device.properties("NRestarts", "ActiveState")
    calm = state == {"NRestarts": "0", "ActiveState": "failed"}
    transcript.check("it is not started again", calm, f"{state['NRestarts']} restarts in {NOT_RESTARTED_S:g} s")
    told = [str(record["MESSAGE"]) for record in device.journal()]
    missing = [line for line in told if "is missing" in line]
    named = all(any(key in line for line in missing) for key in ("agent.url", "agent.token.url"))
    transcript.check("the journal names what is missing", named, f"{len(missing)} lines, the first: {missing[:1]}")
    traces = [line for line in told if "Traceback" in line]
    transcript.check("without a traceback", not traces, f"{len(told)} lines in all")


def upgraded(transcript: Transcript, device: Device) -> None:
    """Installed over itself while it runs."""
    transcript.note("install the package once more, over the running one")
    before = device.main_process()
    done = device.run("dpkg", "--install", PACKAGE, limit_s=INSTALL_LIMIT_S)
    transcript.check("it installs", done.exit_code == 0, done.stderr.strip() or "nothing to say")
    after = device.main_process()
    transcript.check("the new daemon runs", after not in (0, before), f"process {before} before, {after} now")
    transcript.within(CONVERSING_S, "it converses, configured as before", device.conversing)


def purged(transcript: Transcript, device: Device) -> None:
    """Taken away while it runs."""
    transcript.note("purge the package while it runs")
    running = _running(device)
    transcript.check("daemon and metrics run", len(running) == UNITS, ", ".join(running))
    done = device.run("dpkg", "--purge", "gatewayd", limit_s=INSTALL_LIMIT_S)
    transcript.check("it goes", done.exit_code == 0, "exit code 0" if done.exit_code == 0 else done.stderr)
    running = _running(device)
    transcript.check("nothing of it runs", not running, ", ".join(running) or "no process")
    gone = [
        path for path in (SOCKET, "/var/lib/gatewayd", "/etc/gatewayd/conf.d") if device.machine.inside(path).exists()
    ]
    transcript.check("socket, state and configuration are gone", not gone, ", ".join(gone) or "all of them")


def _running(device: Device) -> list[str]:
    return [command for command in device.machine.commands() if "/usr/bin/gatewayd" in command]
