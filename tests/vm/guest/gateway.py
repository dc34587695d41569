"""The daemon and the voice service as they run in the guest, and what stands around them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import wave
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from gatewayd.control.client import request
from gatewayd.control.protocol import Command
from gatewayd.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

WORK = Path("/tmp/kernel")
SOCKET, CONFIGURATION, LOG, HEARD = WORK / "control.sock", WORK / "gatewayd.toml", WORK / "log", WORK / "heard"
LOOP_PARAMETERS = ["--rate-hz", "48000", "--format", "S16_LE", "--channels", "2"]
START_LIMIT_S, END_LIMIT_S = 30.0, 10.0
"""An emulated processor takes its time to import numpy."""

_TEXT = """
[agent]
url = "{ws_url}"
[agent.token]
url = "{token_url}"
[agent.heartbeat]
url = "{heartbeat_url}"
[agent.backoff]
startup_spread_s = 0
[stations.usb]
profile = "auto"
[stations.loop]
activation = "on-demand"
[stations.loop.capture]
device = "hw:CARD=Loopback,DEV=1"
rate_hz = 48000
format = "S16_LE"
channels = 2
[stations.loop.playback]
enabled = false
[control]
socket = "{socket}"
"""


@contextmanager
def service() -> Iterator[dict[str, str]]:
    """The local voice service; its addresses."""
    HEARD.mkdir(parents=True)
    words = [sys.executable, "-m", "gatewayd", "sim", "--listen", "127.0.0.1:0", "--record", str(HEARD)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def daemon(addresses: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`gatewayd run`, once it is ready; killed at the latest at the end."""
    CONFIGURATION.write_text(_TEXT.format(**addresses, socket=SOCKET))
    with LOG.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gatewayd", "run", "--config", str(CONFIGURATION)], stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + START_LIMIT_S
        while not _ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the daemon is not ready (exit code {process.poll()}):\n{LOG.read_text()}")
            time.sleep(0.2)
        yield process
    finally:
        process.kill()
        process.wait()


def _ready() -> bool:
    try:
        return request(SOCKET, Command.STATUS).get("ready") is True
    except Unavailable:
        return False


def station(name: str) -> dict[str, Any]:
    """One station's status."""
    stations: Any = request(SOCKET, Command.STATUS)["stations"]
    found: dict[str, Any] = stations[name]
    return found


def gatewayd(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "gatewayd", *words], capture_output=True, text=True, check=False, timeout=60
    )


@contextmanager
def tone_in_the_loop() -> Iterator[None]:
    """What is played into one end of snd_aloop comes out of the other."""
    device = ["--device", "hw:CARD=Loopback,DEV=0", *LOOP_PARAMETERS]
    words = [sys.executable, "-m", "gatewayd", "tone", "--hz", "440", "--dbfs", "-10", "--seconds", "600", *device]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()  # it says what it plays once it has the card
            yield
        finally:
            process.kill()


@final
class Plug:
    """The hand that plugs the emulated USB microphone in and out; a context manager."""

    def __enter__(self) -> Plug:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.vm.guest.usb_microphone"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            try:
                self._process.communicate(timeout=END_LIMIT_S)
            finally:
                self._process.kill()

    def do(self, command: str) -> None:
        """Have a command carried out; see `tests.vm.guest.usb_microphone`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != "ok\n":
            raise RuntimeError(f"the emulated microphone failed at {command!r}")


def cards() -> str:
    """The kernel's list of sound cards."""
    return Path("/proc/asound/cards").read_text()


def card_number(word: str) -> int | None:
    """The number of the card of whose description `word` is a part; None if there is none."""
    for line in cards().splitlines():
        if word in line and line[:2].strip().isdigit():
            return int(line[:2])
    return None


def dominant_hz(path: Path) -> float:
    """The strongest frequency over all whole seconds of the first channel of a WAV file; 0 for silence."""
    with wave.open(str(path), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")[:: file.getnchannels()]
        rate_hz = file.getframerate()
    seconds = samples[: len(samples) // rate_hz * rate_hz].reshape(-1, rate_hz).astype(float)
    power = (np.abs(np.fft.rfft(seconds * np.hanning(rate_hz), axis=1)) ** 2).sum(axis=0)
    return float(power.argmax())


def latest_heard() -> list[Path]:
    """What the service heard, session by session."""
    return sorted(HEARD.glob("*-heard.wav"))


os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
