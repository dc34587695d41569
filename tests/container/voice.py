"""The local voice service (`gatewayd sim`) at the other end of the wire, and what its recordings tell."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.container.debian import ROOT
from tests.container.network import SERVICE_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.container.network import Network

PORT = 8443
START_LIMIT_S = 30.0
STOP_LIMIT_S = 10.0
_NS_PER_MS = 1_000_000


class Heard(NamedTuple):
    """A frame as it arrived."""

    session: int
    monotonic_ns: int


class VoiceService:
    """A running service."""

    def __init__(self, folder: Path, addresses: Mapping[str, str]) -> None:
        self.addresses = addresses
        self._folder = folder

    @property
    def ca_file(self) -> Path:
        """The authority that the device is to trust."""
        return Path(self.addresses["ca_file"])

    def sessions(self) -> int:
        """How many sessions began so far."""
        return len(list(self._folder.glob("*-frames.csv")))

    def heard(self, session: int) -> list[Heard]:
        """The frames of a session so far, a second's worth at a time."""
        frames = []
        text = (self._folder / f"{session:04d}-frames.csv").read_text()
        for line in text[: text.rfind("\n") + 1].splitlines()[1:]:
            direction, _, monotonic_ns, _ = line.split(",")
            if direction == "heard":
                frames.append(Heard(session, int(monotonic_ns)))
        return frames

    def heard_between(self, begin_ns: int, end_ns: int) -> dict[int, list[Heard]]:
        """The frames that arrived between two times of CLOCK_MONOTONIC, by session."""
        found: dict[int, list[Heard]] = {}
        for session in range(1, self.sessions() + 1):
            frames = [frame for frame in self.heard(session) if begin_ns <= frame.monotonic_ns <= end_ns]
            if frames:
                found[session] = frames
        return found


def longest_distance_ms(frames: list[Heard]) -> float:
    """Between one frame and the next."""
    times = [frame.monotonic_ns for frame in frames]
    return max((after - before) / _NS_PER_MS for before, after in itertools.pairwise(times))


@contextmanager
def voice_service(network: Network, folder: Path, credential: str) -> Iterator[VoiceService]:
    """Start it, with TLS and an agent that echoes; token requests must carry `credential`. Everything goes to `folder`.

    Raises `TimeoutError` when it does not come up.
    """
    recordings, key = folder / "recordings", folder / "credential"
    recordings.mkdir()
    key.touch(mode=0o600)
    key.write_text(credential)
    command = [sys.executable, "-m", "gatewayd", "sim", "--listen", f"{SERVICE_ADDRESS}:{PORT}", "--tls"]
    command += ["--record", str(recordings), "--credential-file", str(key), "--agent", "echo"]
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(
            network.entered_by_service(*command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            start_new_session=True,
        )
    limit = threading.Timer(START_LIMIT_S, process.kill)
    limit.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        limit.cancel()
        if not line:
            raise TimeoutError(f"the voice service did not start:\n{(folder / 'service.log').read_text()}")
        yield VoiceService(recordings, json.loads(line))
    finally:
        limit.cancel()
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
