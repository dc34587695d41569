"""What must hold on a real kernel: real cards, real uevents, real errors. Runs in the guest of `python -m tests.vm`."""

from __future__ import annotations

import faulthandler
import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from gatewayd.hardware.usb import UsbPorts
from tests.vm.guest.gateway import (
    CONFIGURATION,
    LOG,
    LOOP_PARAMETERS,
    WORK,
    Plug,
    card_number,
    daemon,
    dominant_hz,
    gatewayd,
    latest_heard,
    service,
    station,
    tone_in_the_loop,
)
from tests.vm.guest.transcript import Transcript, say

if TYPE_CHECKING:
    from collections.abc import Callable

HEARD_AGAIN_S = 2.0
"""From when the kernel has the card until sound flows again."""
NOTICED_S = 4.0
"""Twice what a device may be without a sample before it counts as stalled."""
ABSENT_S = 5.0
"""A microphone may be gone for 3 s before its session ends."""
STALL_OVER_S = 10.0
"""A stalled device is closed, waited for and opened again in turns of up to 4 s, and may be reset in between."""
RESET_OVER_S = 5.0
"""A reset device may first have to be noticed to stand still."""
TALKING_S = 10.0
STUCK_AFTER_S = 150.0
"""The story takes a minute; after so long it is shown where it stands."""
KERNEL_S = 10.0
"""For the kernel itself to notice a plug."""
MICROPHONE, YETI = "1d6b:0101 Emulated USB Mic", "b58e:9e84 Yeti Stereo Microphone"
_LOOPBACK_DRIVER = Path("/sys/bus/platform/drivers/snd_aloop")


def flows(name: str) -> Callable[[], bool]:
    """Whether a station captures sound from now on."""
    before = station(name)["capture"]["frames"]
    return lambda: station(name)["capture"]["frames"] > before


def in_state(name: str, state: str) -> Callable[[], bool]:
    """Whether a station's session is in that state."""
    return lambda: station(name)["state"] == state


def healthy(name: str) -> Callable[[], bool]:
    """Whether a station's microphone is judged to give sound."""
    return lambda: station(name)["capture"]["health"] == "ok"


def run(transcript: Transcript) -> None:
    """The whole story."""
    transcript.note(f"Linux {platform.release()}, Python {platform.python_version()}")
    with Plug() as plug, service() as addresses, daemon(addresses) as process:
        nothing_at_boot(transcript)
        plugged_in(transcript, plug)
        pulled_out_and_back_under_another_number(transcript, plug)
        loopback(transcript)
        stalled(transcript, plug)
        reset(transcript)
        busy(transcript, process.pid)
        process.terminate()
        transcript.check("SIGTERM ends the daemon with 0", process.wait(10) == 0, process.returncode)
        recorded(transcript)
        recognised(transcript, plug)


def nothing_at_boot(transcript: Transcript) -> None:
    """The daemon is up without a single card."""
    transcript.note("no sound card at boot")
    transcript.within(ABSENT_S, "the station says that its device is missing", in_state("usb", "no_device"))


def plugged_in(transcript: Transcript, plug: Plug) -> None:
    """A microphone that was never there before is found, recognised and heard."""
    transcript.note("plug in a USB microphone")
    heard = flows("usb")
    plug.do(f"plug {MICROPHONE}")
    transcript.within(KERNEL_S, "the kernel has it", lambda: card_number("Emulated") is not None)
    transcript.within(HEARD_AGAIN_S, "sound flows", heard)
    transcript.check(
        "its profile is generic-usb", station("usb")["profile"] == "generic-usb", station("usb")["profile"]
    )
    transcript.within(TALKING_S, "the agent is ready", in_state("usb", "agent_ready"))
    transcript.within(TALKING_S, "the microphone is judged ok", healthy("usb"))
    transcript.within(
        TALKING_S, "three seconds of it are sent", lambda: station("usb")["session"]["frames_sent"] >= 150
    )
    level_dbfs = station("usb")["capture"]["level_dbfs"]
    transcript.check("at the level of its tone, -10.3 dBFS", abs(level_dbfs + 10.3) < 0.5, f"{level_dbfs:.1f}")


def pulled_out_and_back_under_another_number(transcript: Transcript, plug: Plug) -> None:
    """While it is out another card takes its number."""
    number = card_number("Emulated")
    transcript.note(f"unplug it; it was card {number}")
    plug.do("unplug")
    transcript.within(
        HEARD_AGAIN_S, "its health is `missing`", lambda: station("usb")["capture"]["health"] == "missing"
    )
    transcript.within(ABSENT_S, "the session ends for want of a device", in_state("usb", "no_device"))
    subprocess.run(["modprobe", "snd-aloop", "pcm_substreams=1"], check=True)  # so that one program has all of it
    transcript.check("another card has its number", card_number("Loopback") == number, card_number("Loopback"))
    transcript.note("plug it in again")
    heard = flows("usb")
    plug.do(f"plug {MICROPHONE}")
    transcript.within(KERNEL_S, "the kernel has it", lambda: card_number("Emulated") is not None)
    transcript.check("under another number", card_number("Emulated") != number, card_number("Emulated"))
    transcript.within(HEARD_AGAIN_S, "sound flows", heard)
    transcript.within(TALKING_S, "the agent is ready", in_state("usb", "agent_ready"))


def loopback(transcript: Transcript) -> None:
    """A card whose driver lets go of it and takes it again."""
    transcript.note("snd_aloop, with a tone at its other end")
    with tone_in_the_loop():
        transcript.within(TALKING_S, "the microphone is judged ok", healthy("loop"))
        transcript.note("unbind its driver")
        (_LOOPBACK_DRIVER / "unbind").write_text("snd_aloop.0")
        transcript.within(
            HEARD_AGAIN_S, "its health is `missing`", lambda: station("loop")["capture"]["health"] == "missing"
        )
    transcript.note("bind it again")
    heard = flows("loop")
    (_LOOPBACK_DRIVER / "bind").write_text("snd_aloop.0")
    transcript.within(KERNEL_S, "the kernel has it", lambda: card_number("Loopback") is not None)
    transcript.within(HEARD_AGAIN_S, "sound flows", heard)
    with tone_in_the_loop():
        transcript.within(TALKING_S, "the microphone is judged ok", healthy("loop"))
    transcript.check("the other station never lost its session", station("usb")["state"] == "agent_ready")


def stalled(transcript: Transcript, plug: Plug) -> None:
    """A device that stays, reports no error and gives nothing more."""
    transcript.note("the USB microphone stalls")
    plug.do("stall")
    transcript.within(NOTICED_S, "that is noticed", lambda: station("usb")["capture"]["health"] != "ok")
    problem = station("usb")["capture"]["problem"]
    transcript.check("and said", bool(problem), problem)
    transcript.note("it goes on")
    heard = flows("usb")
    plug.do("go")
    transcript.within(STALL_OVER_S, "sound flows", heard)


def reset(transcript: Transcript) -> None:
    """The last thing that recovery does to a USB microphone, done to one that a stream is open on."""
    port = Path(f"/sys/class/sound/card{card_number('Emulated')}/device").resolve().parent.name
    transcript.note(f"have the kernel reset the device at USB port {port}")
    trio.run(UsbPorts().reset, port)
    transcript.within(RESET_OVER_S, "sound flows", flows("usb"))


def busy(transcript: Transcript, pid: int) -> None:
    """The kernel tells who has a card open."""
    transcript.note("somebody else wants the loopback card that the daemon has")
    device = ["--device", "hw:CARD=Loopback,DEV=1", *LOOP_PARAMETERS]
    told = gatewayd("record", "/dev/null", "--seconds", "1", *device, "--config", str(WORK / "none.toml"))
    transcript.check("exit code 69", told.returncode == 69, told.returncode)
    transcript.check("its owner is named by the kernel", str(pid) in told.stderr, told.stderr.strip())
    told = gatewayd("meter", "loop", "--config", str(CONFIGURATION))
    transcript.check("and by the daemon itself", "for station loop" in told.stderr, told.stderr.strip())


def recorded(transcript: Transcript) -> None:
    """What the service heard, and what `record` hears now that the card is free."""
    heard = {path.name: round(dominant_hz(path)) for path in latest_heard()}
    transcript.check("the agent heard the tone in every session", set(heard.values()) == {440}, heard)
    path = WORK / "raw.wav"
    told = gatewayd("record", "--raw", str(path), "usb", "--seconds", "2", "--config", str(CONFIGURATION))
    transcript.check("record --raw from the USB microphone", told.returncode == 0, (told.stdout + told.stderr).strip())
    if path.exists():
        transcript.check("it holds the tone", round(dominant_hz(path)) == 440, f"{dominant_hz(path):.1f} Hz")


def recognised(transcript: Transcript, plug: Plug) -> None:
    """A microphone with a profile of its own is known by its USB identity."""
    transcript.note("plug in a Blue Yeti instead")
    plug.do("unplug")
    plug.do(f"plug {YETI}")
    transcript.within(KERNEL_S, "the kernel has it", lambda: card_number("Yeti") is not None)
    found = json.loads(gatewayd("devices", "--json", "--config", str(CONFIGURATION)).stdout)
    transcript.check("devices tells its profile", "blue-yeti" in json.dumps(found))
    told = gatewayd("meter", "usb", "--seconds", "1", "--config", str(CONFIGURATION))
    transcript.check("meter shows it", "1.0 s: ok; ch 0* -10.3 dBFS" in told.stdout, told.stdout.strip() or told.stderr)


def main() -> int:
    """Tell the story; 0 if all of it holds."""
    WORK.mkdir()
    faulthandler.dump_traceback_later(STUCK_AFTER_S)
    transcript = Transcript()
    try:
        run(transcript)
    except Exception as error:  # noqa: BLE001 - whatever it is, the machine must be switched off and the log be shown
        transcript.check(f"no error in between: {type(error).__name__}: {error}", False)
    if transcript.failures and LOG.exists():
        say("-- the daemon's log\n" + LOG.read_text())
    say(f"{transcript.checks - len(transcript.failures)} of {transcript.checks} checks hold")
    return 1 if transcript.failures else 0


if __name__ == "__main__":
    sys.exit(main())
