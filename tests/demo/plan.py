"""What the demo is asked to do, and where it does it."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gatewayd.audio.formats import SampleFormat, StreamParameters
from tests.demo.sentence import CARD_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STATION = "demo"
SOFT_CARD = "Demo"
I2S_MICROPHONE = StreamParameters(CARD_RATE_HZ, SampleFormat.S32_LE, 2)
"""What an I2S microphone on a Pi offers, and nothing else."""
SOCKET_PATH_LIMIT_BYTES = 100
"""A little under what the path of a Unix socket may have (108, unix(7))."""
_MARK = ".gatewayd-demo"


@dataclass(frozen=True)
class CardUnderTest:
    """The sound card of the conversation."""

    device: str
    capture: StreamParameters
    playback: StreamParameters
    pick: tuple[int, ...]
    real: bool
    """Whether it is hardware: then nothing is known of its clock, of what it hears and of what comes out of it."""


SOFTWARE_CARD = CardUnderTest(f"hw:CARD={SOFT_CARD},DEV=0", I2S_MICROPHONE, I2S_MICROPHONE, (0,), real=False)


@dataclass(frozen=True)
class Plan:
    """One run of the demo."""

    card: CardUnderTest
    conversation_s: float
    echo_delay_s: float
    """How long the agent waits before it says again what it heard."""
    lenient_timing: bool
    """Whether delays over their limit are told, but do not fail the run: for machines shared with others."""


class FolderOccupied(Exception):
    """The work folder holds something that no demo made."""


@dataclass(frozen=True)
class Workplace:
    """The folder of one run. Results lie at its top, all else in `run`."""

    folder: Path
    control_socket: Path

    @property
    def run(self) -> Path:
        """Configuration, card, recordings and logs."""
        return self.folder / "run"

    @property
    def bytecode(self) -> Path:
        """What the daemon is run by; made anew each time."""
        return self.run / "bytecode"

    @property
    def recordings(self) -> Path:
        """Where the local service writes what it heard and said, and its certificate authority."""
        return self.run / "service"

    @property
    def configuration(self) -> Path:
        """The daemon's."""
        return self.run / "demo.toml"

    @property
    def daemon_log(self) -> Path:
        """What the daemon wrote to stderr."""
        return self.run / "gatewayd.log"

    @property
    def service_log(self) -> Path:
        """What the local service wrote to stderr."""
        return self.run / "service.log"

    @property
    def heard_wav(self) -> Path:
        """What the agent heard."""
        return self.folder / "heard.wav"

    @property
    def played_wav(self) -> Path:
        """What the software card's speaker played."""
        return self.folder / "played.wav"

    @property
    def said_wav(self) -> Path:
        """What the agent said, where the card is real and nobody knows what it played."""
        return self.folder / "said.wav"

    @property
    def picture(self) -> Path:
        """All of it, to be looked at."""
        return self.folder / "conversation.png"


@contextmanager
def workplace(folder: Path) -> Iterator[Workplace]:
    """Empty the folder of an earlier run and make it anew; on leaving, only the control socket's place goes away.

    Raises `FolderOccupied` where `folder/run` exists and is not from a demo, and `OSError` where it cannot be written.
    """
    folder = folder.resolve()
    run = folder / "run"
    if run.exists():
        if not (run / _MARK).exists():
            raise FolderOccupied(f"{run} exists and was not made by the demo; choose another folder with --output")
        shutil.rmtree(run)
    run.mkdir(parents=True)
    (run / _MARK).touch()
    socket = run / "control.sock"
    if len(bytes(socket)) <= SOCKET_PATH_LIMIT_BYTES:
        place = Workplace(folder, socket)
        place.recordings.mkdir()
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="gatewayd-demo-") as short:
        place = Workplace(folder, Path(short) / "control.sock")
        place.recordings.mkdir()
        yield place


def configuration(card: CardUnderTest, addresses: Mapping[str, str], control_socket: Path) -> str:
    """The daemon's configuration for `card` and the service at `addresses`, as TOML."""
    return f"""\
# Written by the demo for this run.
[agent]
url = {_text(addresses["ws_url"])}
ca_file = {_text(addresses["ca_file"])}

[agent.token]
url = {_text(addresses["token_url"])}
body = {{ agent_id = "demo" }}

[agent.heartbeat]
url = {_text(addresses["heartbeat_url"])}
interval_s = 5

[agent.backoff]
startup_spread_s = 0

[stations.{STATION}.capture]
device = {_text(card.device)}
{_parameters(card.capture)}
pick = [{", ".join(map(str, card.pick))}]

[stations.{STATION}.playback]
device = {_text(card.device)}
{_parameters(card.playback)}

[control]
socket = {_text(str(control_socket))}
"""


def _parameters(parameters: StreamParameters) -> str:
    return (
        f"rate_hz = {parameters.rate_hz}\nformat = {_text(parameters.format.value)}\nchannels = {parameters.channels}"
    )


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are among TOML's."""
    return json.dumps(value, ensure_ascii=False)
