"""Collects what support needs into a bundle. Whatever cannot be had is told in the manifest, and holds up nothing."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gatewayd.configuration.load import DROP_INS, read_sources, toml_files
from gatewayd.configuration.report import Report
from gatewayd.configuration.secrets import names_secret
from gatewayd.diagnosis.archive import FILE_BYTES_MAX
from gatewayd.diagnosis.configured import SERVICE_CREDENTIALS
from gatewayd.diagnosis.recorded_root import record_root
from gatewayd.errors import ConfigurationInvalid, Unavailable
from gatewayd.hardware.profiles import USER_PROFILES
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatewayd.diagnosis.archive import Bundle
    from gatewayd.diagnosis.scrubbing import Scrubber

UNIT = "gatewayd.service"
JOURNAL_LINES = 5000
KERNEL_LINES = 20_000
"""Looked through for what is about sound and USB."""
PROGRAM_LIMIT_S = 20.0
"""For one program; a journal on a slow card takes seconds."""
JOURNAL_BYTES_MAX = 12 * 1024 * 1024
"""Read of what journalctl prints: 5 000 records with all their fields are about 6 MB."""
SYSTEM_BYTES_MAX = 64 * 1024
KNOWN_BYTES_MAX = 8192
"""Read of a credential, to know what must be left out."""

_JOURNAL_FIELDS = re.compile(
    r"__REALTIME_TIMESTAMP|__MONOTONIC_TIMESTAMP|_BOOT_ID|PRIORITY|MESSAGE|MESSAGE_ID|SYSLOG_IDENTIFIER|_PID|UNIT|"
    r"CODE_(FILE|FUNC|LINE)|GATEWAYD_[A-Z_]{1,60}|JOB_RESULT|EXIT_CODE|EXIT_STATUS|N_RESTARTS"
)
_SECRET_FILE = re.compile(r"(?:credential|client_key)[\"']?[ \t]*=[ \t]*([\"'])(/[^\"'\n]+)\1")
_KERNEL_ABOUT = re.compile(
    r"snd|sound|audio|alsa|asoc|i2s|codec|usb|xhci|dwc|hub|under-?voltage|oom|out of memory|gatewayd", re.IGNORECASE
)
_SHOWN_OF_UNIT = (
    "Id,LoadState,ActiveState,SubState,Result,UnitFileState,FragmentPath,DropInPaths,NeedDaemonReload,NRestarts,"
    "ActiveEnterTimestamp,InactiveEnterTimestamp,ExecMainStartTimestamp,ExecMainExitTimestamp,ExecMainCode,"
    "ExecMainStatus,MainPID,StatusText,StatusErrno,WatchdogUSec,WatchdogTimestamp,Restart,RestartUSec,Type,NotifyAccess,"
    "User,Group,DynamicUser,SupplementaryGroups,MemoryCurrent,MemoryPeak,CPUUsageNSec,TasksCurrent,LimitNOFILE,"
    "DevicePolicy,DeviceAllow"
)
"""Properties of the unit: none of those that may hold a secret (Environment, SetCredential, ExecStart)."""
_SYSTEM_FILES = ("/etc/os-release", "/proc/version", "/proc/uptime", "/proc/loadavg", "/proc/meminfo")
_PACKAGES = (
    *("gatewayd", "h11", "numpy", "prometheus-client", "pyalsaaudio", "pyudev"),
    *("systemd-python", "tomli", "trio", "trio-websocket", "wsproto"),
)


class Programs(Protocol):
    """Runs a program; `diagnosis.programs.output_of` is the one of the real world."""

    def __call__(self, command: Sequence[str], *, timeout_s: float, bytes_max: int) -> bytes:
        """What it prints; raises `Unavailable`."""
        ...


@dataclass(frozen=True)
class Device:
    """Where things are collected from."""

    config: Path
    root: Path
    run: Programs
    environment: Mapping[str, str]


def known_secrets(device: Device) -> Iterator[str]:
    """The secrets of this device that can be read: to be left out, whole and in part."""
    yield from (value for name, value in device.environment.items() if names_secret(name))
    handed = device.environment.get("CREDENTIALS_DIRECTORY")
    folders = [Path(handed)] if handed else []
    for folder in (*folders, SERVICE_CREDENTIALS):
        yield from _contents(_listed(folder))
    drop_ins = toml_files(device.config.parent / DROP_INS, Report())
    for source in read_sources([device.config, *drop_ins], Report()):
        # Not from the configuration as it is loaded: it may be broken, and the bundle is wanted for that.
        names = _SECRET_FILE.findall(source.data.decode(errors="replace"))
        yield from _contents([Path(name) for _, name in names])


def _contents(files: Sequence[Path]) -> Iterator[str]:
    """Their lines, and of `user:password` the second part."""
    for file in files:
        try:
            if not file.is_file():
                continue
            with file.open("rb") as opened:
                content = opened.read(KNOWN_BYTES_MAX).decode(errors="replace")
        except OSError:
            continue  # what cannot be read here, nothing here can hold
        for line in content.splitlines():
            yield line.strip()
            yield line.strip().partition(":")[2]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def collect_configuration(bundle: Bundle, device: Device, scrubber: Scrubber) -> None:
    """The configuration with its drop-ins, and the user's own profiles."""
    report = Report()
    own = device.root / USER_PROFILES.relative_to("/")
    places = [
        ("configuration", "the configuration", [device.config]),
        (f"configuration/{DROP_INS}", "a drop-in", toml_files(device.config.parent / DROP_INS, report)),
        ("configuration/hw-profiles", "a hardware profile of this device's own", toml_files(own, report)),
    ]
    for folder, what, files in places:
        for source in read_sources(files, report):
            text = source.data.decode(errors="replace")
            bundle.add(f"{folder}/{Path(source.name).name}", scrubber.toml(text).encode(), what)
    try:
        report.raise_if_any()
    except ConfigurationInvalid as error:
        for problem in error.problems:
            bundle.miss("configuration", scrubber.text(str(problem)))


def collect_root(bundle: Bundle, device: Device, scrubber: Scrubber) -> None:
    """What the kernel shows of the sound cards."""
    copy = record_root(device.root)
    for place, text in copy.files.items():
        bundle.add(f"root{place}", scrubber.text(text).encode(), "", listed=False)
    for place in copy.folders:
        bundle.folder(f"root{place}")
    for place, target in copy.links.items():
        bundle.link(f"root{place}", target)
    if copy.files:
        size = sum(len(text) for text in copy.files.values())
        bundle.list("root/", size, f"{len(copy.files)} files of the kernel, for `gatewayd devices --sysroot root`")
    else:
        bundle.miss("root/", "this kernel shows no sound support: neither /proc/asound nor a device tree is there")
    for problem in copy.problems:
        bundle.miss("root/", problem)


def collect_journal(bundle: Bundle, device: Device, scrubber: Scrubber, *, room: int = FILE_BYTES_MAX) -> None:
    """The last records of the unit, a JSON object a line, newest last; of more than `room` bytes the oldest go."""
    name = "journal.jsonl"
    of_unit = ("journalctl", f"--unit={UNIT}", "--output=json", f"--lines={JOURNAL_LINES}")
    try:
        command = (*of_unit, "--reverse", "--no-pager", "--quiet")
        printed = device.run(command, timeout_s=PROGRAM_LIMIT_S, bytes_max=JOURNAL_BYTES_MAX)
    except Unavailable as error:
        bundle.miss(name, f"{error}; root and the group systemd-journal may read it")
        return
    newest_first: list[bytes] = []
    for line in printed.splitlines():
        record = _record(line, scrubber)
        if record is None:
            continue
        room -= len(record)
        if room < 0:
            break
        newest_first.append(record)
    records = newest_first[::-1]
    bundle.add(name, b"".join(records), f"the last {len(records)} records of {UNIT}")


def _record(line: bytes, scrubber: Scrubber) -> bytes | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None  # the last line, if it was cut
    if not isinstance(record, dict):
        return None
    kept = {name: _text(value) for name, value in record.items() if _JOURNAL_FIELDS.fullmatch(name)}
    return (json.dumps({name: scrubber.text(value) for name, value in kept.items()}) + "\n").encode()


def _text(value: object) -> str:
    """A field: text, or where it is not, the bytes of it."""
    if isinstance(value, list) and all(isinstance(byte, int) and 0 <= byte <= 255 for byte in value):
        return bytes(value).decode(errors="replace")
    return value if isinstance(value, str) else json.dumps(value)


def collect_unit(bundle: Bundle, device: Device, scrubber: Scrubber) -> None:
    """How systemd sees the unit."""
    name = "unit.txt"
    shown = ("systemctl", "show", UNIT, "--no-pager", f"--property={_SHOWN_OF_UNIT}")
    try:
        printed = device.run(shown, timeout_s=PROGRAM_LIMIT_S, bytes_max=SYSTEM_BYTES_MAX)
    except Unavailable as error:
        bundle.miss(name, str(error))
        return
    text = scrubber.text(printed.decode(errors="replace"))
    bundle.add(name, text.encode(), f"systemctl show {UNIT}, without what may hold secrets")


def collect_kernel_log(bundle: Bundle, device: Device, scrubber: Scrubber) -> None:
    """What the kernel says of sound and USB since this boot."""
    name = "kernel.txt"
    wanted = ("journalctl", "--dmesg", "--output=short-iso", f"--lines={KERNEL_LINES}", "--no-pager", "--quiet")
    try:
        try:
            printed = device.run(wanted, timeout_s=PROGRAM_LIMIT_S, bytes_max=JOURNAL_BYTES_MAX)
        except Unavailable:
            printed = device.run(("dmesg",), timeout_s=PROGRAM_LIMIT_S, bytes_max=JOURNAL_BYTES_MAX)
    except Unavailable as error:
        bundle.miss(name, f"{error}; root may read it")
        return
    lines = [line for line in printed.decode(errors="replace").splitlines() if _KERNEL_ABOUT.search(line)]
    bundle.add(name, scrubber.text("\n".join([*lines, ""])).encode(), f"{len(lines)} lines about sound and USB")


def collect_system(bundle: Bundle, device: Device, scrubber: Scrubber) -> None:
    """The operating system, its memory, and the versions of what the program stands on."""
    texts = {}
    for place in _SYSTEM_FILES:
        try:
            with (device.root / place.lstrip("/")).open("rb") as file:
                texts[place] = file.read(SYSTEM_BYTES_MAX).decode(errors="replace")
        except OSError as error:
            bundle.miss(f"system.json: {place}", error.strerror or "cannot be read")
    document = {
        "files": texts,
        "machine": platform.machine(),
        "python": sys.version,
        "packages": {name: _version(name) for name in _PACKAGES},
        "user": {"uid": os.geteuid(), "groups": os.getgroups()},
    }
    bundle.add("system.json", scrubber.json(document), "operating system, memory, versions")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
