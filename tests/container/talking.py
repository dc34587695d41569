"""Started without a network, found by its agent when there is one, asked by those who may."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.container import hardened
from tests.container.device import CREDENTIAL_FILE, CREDENTIAL_NAME, SOCKET, STATIONS, UNIT
from tests.container.voice import longest_distance_ms
from tests.softcard.timeline import Direction

if TYPE_CHECKING:
    from tests.container.device import Device
    from tests.container.network import Network
    from tests.container.voice import VoiceService
    from tests.vm.guest.transcript import Transcript

READY_S = 2.0
"""From start to READY, on an idle machine."""
READY_BUSY_S = 10.0
"""The same where other things run, as in CI."""
OFFLINE_S = 45.0
OFFLINE_LINES = 12
"""That one minute of the journal may have: what is wrong is told once, and then summed up."""
ONLINE_S = 15.0
"""The longest wait between attempts that the device is configured to is 4 s."""
MEMORY_LIMIT_BYTES = 55_000_000
"""50 MB with one station; this device has two."""
MUTED_S = 0.1
EVENTS_S = 8.0
"""They are followed for so long, from before the mute until after the unmute."""
_MEMBER, _STRANGER = "caretaker", "stranger"
_MARK = "/run/before-the-start"
_WRITTEN_ELSEWHERE = ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/log/journal", "/srv")


def started_offline(transcript: Transcript, device: Device, voice: VoiceService, credential: str) -> None:
    """Configured, and the wire not plugged in."""
    transcript.note("configure it; the network is down")
    device.plug_in_sound()
    device.configure(voice)
    device.write(CREDENTIAL_FILE, credential, mode=0o600)
    device.drop_in("credentials", f"[Service]\nLoadCredential={CREDENTIAL_NAME}:{CREDENTIAL_FILE}\n")
    hardened.prepare(device)
    device.run("useradd", "--groups", "gatewayd", _MEMBER)
    device.run("useradd", _STRANGER)
    device.run("touch", _MARK)
    code = device.run("systemctl", "start", UNIT).exit_code
    transcript.check("it starts", code == 0, f"systemctl: {code}")
    _started(transcript, device)
    transcript.within(10, "its stations wait", lambda: _states(device) == {"waiting"})
    time.sleep(1.0)
    transcript.note(f"STATUS: {device.properties('StatusText')['StatusText']}")


def _started(transcript: Transcript, device: Device) -> None:
    times = device.properties("ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic", "ActiveState")
    taken_s = int(times["ActiveEnterTimestampMonotonic"]) - int(times["ExecMainStartTimestampMonotonic"])
    told = f"{taken_s / 1e6:.2f} s; {READY_S:g} on an idle machine"
    ready = times["ActiveState"] == "active" and taken_s / 1e6 < READY_BUSY_S
    transcript.check("READY", ready, told)


def _states(device: Device) -> set[str]:
    return {station["state"] for station in device.status().get("stations", {}).values()}


def calm_offline(transcript: Transcript, device: Device) -> None:
    """The sandbox is looked at meanwhile."""
    began_s = time.monotonic()
    before = len(device.journal("--identifier=gatewayd"))
    hardened.tried(transcript, device)
    time.sleep(max(0.0, OFFLINE_S - (time.monotonic() - began_s)))
    lines = device.journal("--identifier=gatewayd")[before:]
    transcript.note(f"offline for {time.monotonic() - began_s:.0f} s")
    transcript.check("the journal stays calm", len(lines) <= OFFLINE_LINES, f"{len(lines)} lines")
    still = _states(device)
    transcript.check("the stations still wait", still <= {"waiting", "connecting"}, ", ".join(sorted(still)))
    restarts = device.properties("NRestarts")["NRestarts"]
    transcript.check("it was not started again", restarts == "0", f"{restarts} restarts")


def online(transcript: Transcript, device: Device, voice: VoiceService, network: Network) -> None:
    """The wire is plugged in, and all is well."""
    transcript.note("plug the network in")
    network.connect()
    transcript.within(ONLINE_S, "all agents are ready", device.conversing)
    transcript.check("a session for each station", voice.sessions() == len(STATIONS), voice.sessions())
    began_ns = time.monotonic_ns()
    time.sleep(5.0)
    flows = voice.heard_between(began_ns, began_ns + 3_000_000_000)
    counts = [len(frames) for frames in flows.values()]
    flowing = len(flows) == len(STATIONS) and min(counts, default=0) > 130
    transcript.check("the service hears 50 frames a second of each", flowing, f"{counts} in 3 s")
    longest = {session: round(longest_distance_ms(frames)) for session, frames in flows.items()}
    transcript.note(f"longest distance between two frames, by session: {longest} ms")
    health = {name: device.station(name)["capture"]["health"] for name in STATIONS}
    transcript.check("the microphones are well", set(health.values()) == {"ok"}, health)
    line = device.properties("StatusText")["StatusText"]
    transcript.check("STATUS says it to a person", line.count("agent ready") == len(STATIONS), line)
    status = Path(f"/proc/{device.main_process()}/status").read_text()
    memory = int(next(row for row in status.splitlines() if row.startswith("VmRSS:")).split()[1]) * 1024
    told = f"{memory / 1e6:.1f} MB with two stations"
    transcript.check("resident memory", memory < MEMORY_LIMIT_BYTES, told)


def wrote_nothing(transcript: Transcript, device: Device) -> None:
    """Nothing on what the device runs from."""
    left_out = [word for path in _WRITTEN_ELSEWHERE for word in ("-path", path, "-prune", "-o")]
    found = device.run("find", "/", *left_out, "-newer", _MARK, "-type", "f", "-print").stdout.split()
    ours = [path for path in found if not path.startswith(("/etc/systemd/system/", "/etc/gatewayd/"))]
    transcript.check("no file was written since the start", not ours, ", ".join(ours) or "none outside /run")


def operated(transcript: Transcript, device: Device, voice: VoiceService) -> None:
    """By root, by a member of the group, and not by a stranger."""
    transcript.note("operate it")
    for who in ("root", _MEMBER):
        told = device.run("runuser", "-u", who, "--", "gatewayd", "status", "--json")
        ready = told.exit_code == 0 and json.loads(told.stdout)["ready"] is True
        transcript.check(f"{who} sees the status", ready, told.stderr.strip() or "ready")
    for command in ("status", "mute", "metrics"):
        refused = device.run("runuser", "-u", _STRANGER, "--", "gatewayd", command)
        transcript.check(f"a stranger is refused `{command}`", refused.exit_code != 0, refused.stderr.strip())
    mode = device.run("stat", "--format=%a %U %G", SOCKET).stdout.strip()
    transcript.check("the control socket", mode == "660 gatewayd gatewayd", mode)
    _muted(transcript, device, voice)
    metrics = device.run("runuser", "-u", _MEMBER, "--", "gatewayd", "metrics")
    whole = metrics.exit_code == 0 and metrics.stdout.endswith("# EOF\n")
    transcript.check("metrics as OpenMetrics text", whole, f"{len(metrics.stdout.splitlines())} lines")
    examined = device.run("gatewayd", "doctor", "--json")
    steps = json.loads(examined.stdout or "[]")
    others = [f"{step['step']} {step['verdict']}: {step['text']}" for step in steps if step["verdict"] != "pass"]
    summary = f"{len(steps)} steps; {'; '.join(others) or 'all pass'}"
    transcript.check("doctor finds nothing that fails", examined.exit_code == 0 and len(steps) > 10, summary)


def _muted(transcript: Transcript, device: Device, voice: VoiceService) -> None:
    card = device.cards["door"]
    transcript.check("the microphone's stream is open", card.is_open(Direction.CAPTURE), card.device)
    followed = ("timeout", f"{EVENTS_S:g}", "gatewayd", "events", "--json")
    events = device.machine.start("runuser", "-u", _MEMBER, "--", *followed)
    time.sleep(2.0)
    done = device.run("runuser", "-u", _MEMBER, "--", "gatewayd", "mute", "door")
    transcript.check("a member of the group mutes it", done.exit_code == 0, (done.stdout + done.stderr).strip())
    transcript.within(MUTED_S, "its stream is closed", lambda: not card.is_open(Direction.CAPTURE))
    began_ns = time.monotonic_ns()
    time.sleep(2.5)
    flows = voice.heard_between(began_ns, began_ns + 1_000_000_000)
    transcript.check("the service hears only the other station", len(flows) == 1, f"{len(flows)} of 2")
    device.run("gatewayd", "unmute", "door")
    transcript.within(5.0, "unmuted, it is open again", lambda: card.is_open(Direction.CAPTURE))
    told = events.communicate(timeout=2 * EVENTS_S)[0].splitlines()
    kinds = [json.loads(line).get("event") for line in told if line.startswith("{")]
    transcript.check("the events tell of it", {"muted", "unmuted"} <= set(kinds), kinds)
