"""What the unit's sandbox keeps from the daemon, tried from inside of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.container import probe
from tests.container.device import SOUND, UNIT

if TYPE_CHECKING:
    from tests.container.device import Device
    from tests.vm.guest.transcript import Transcript

SCORE_MAX = 1.5
_PROBE, _RESULT = f"{SOUND}/probe.py", f"{SOUND}/probe.json"
_DROP_IN = f"[Service]\nExecStartPre=/bin/sh -c 'exec /usr/bin/python3 {_PROBE} >{_RESULT}'\n"
_NODE = ("c", "10", "229")
"""/dev/fuse: on every kernel, and openable by whoever may."""


def prepare(device: Device) -> None:
    """Put there what is to be tried, and have the unit try it before the daemon starts: in the same sandbox."""
    device.write(_PROBE, Path(probe.__file__).read_text())
    device.write(probe.HOME_FILE, "dear")
    device.run("chmod", "755", str(Path(probe.HOME_FILE).parent))
    device.run("mkdir", "--mode=777", probe.OPEN_FOLDER)
    device.run("mknod", "--mode=666", probe.DEVICE_NODE, *_NODE)
    device.drop_in("probe", _DROP_IN)


def tried(transcript: Transcript, device: Device) -> None:
    """What came of it, against the same attempts outside; and what the kernel says of the daemon itself."""
    transcript.note("the sandbox, from inside")
    inside: dict[str, str] = json.loads(device.machine.inside(_RESULT).read_text())
    told = device.run("/usr/bin/python3", _PROBE)
    if told.exit_code != 0:
        raise ValueError(f"the probe ended with {told.exit_code} outside: {told.stderr}")
    outside: dict[str, str] = json.loads(told.stdout)
    device.drop_in("probe", None)
    for name in probe.FORBIDDEN:
        holds = outside[name] == "" and inside[name] != ""
        transcript.check(f"cannot {name}", holds, f"{inside[name]}; root outside can: {outside[name] or 'yes'}")
    for name in probe.ALLOWED:
        transcript.check(f"can {name}", inside[name] == "", inside[name] or "yes")
    _process(transcript, device)
    score = device.run("systemd-analyze", "security", UNIT, "--no-pager").stdout
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", score)
    exposure = float(found.group(1)) if found else 10.0
    transcript.check("systemd-analyze security", exposure <= SCORE_MAX, f"{exposure}, of at most {SCORE_MAX}")
    verified = device.run("systemd-analyze", "verify", "--man=no", UNIT)
    said = (verified.stdout + verified.stderr).strip()
    transcript.check("systemd-analyze verify is silent", verified.exit_code == 0 and not said, said or "nothing said")


def _process(transcript: Transcript, device: Device) -> None:
    status = Path(f"/proc/{device.main_process()}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    transcript.check("the daemon is not root", "0" not in fields["Uid"].split(), f"user {fields['Uid'].split()[0]}")
    capabilities = {fields[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")}
    transcript.check("has no capability, and can get none", capabilities == {"0" * 16}, ", ".join(capabilities))
    transcript.check("gets no new privileges", fields["NoNewPrivs"].strip() == "1", fields["NoNewPrivs"])
    transcript.check("has its system calls filtered", fields["Seccomp"].strip() == "2", fields["Seccomp"])
