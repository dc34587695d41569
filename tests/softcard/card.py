"""Software sound cards, driven from Python: plug in, let them hear, look at what they played, break them.

    rack = SoundRack(folder)
    rack.activate()                                  # or hand rack.environment to another process
    card = rack.plug_in("Array", StreamDefinition(formats=("S32_LE",), rates_hz=(48_000,), channels=(2,)))
    card.play_in(sound)                              # what its microphone hears
    ...                                              # anything opens hw:CARD=Array,DEV=0
    card.unplug()

What the card does, its files and its commands are described in softcard.c. Needs gcc, make, pkg-config and
libasound2-dev; the library is built when it is missing or older than its source.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tests.softcard.mixer import SoftMixer
from tests.softcard.timeline import Direction, EventKind, Timeline, parse_timeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SOURCE = Path(__file__).resolve().parent
BUILD = SOURCE.parents[1] / "build" / "softcard"
LIBRARY = BUILD / "libasound_module_pcm_softcard.so"
CONFIGURATION = SOURCE / "asound.conf.in"
BOTH = (Direction.CAPTURE, Direction.PLAYBACK)


class CardNotOpen(RuntimeError):
    """A command was given to a stream that no process has open."""


@dataclass(frozen=True)
class StreamDefinition:
    """What one direction of a card offers, and how its clock runs."""

    formats: tuple[str, ...] = ("S16_LE",)
    """ALSA's names."""
    rates_hz: tuple[int, ...] = (48_000,)
    channels: tuple[int, ...] = (2,)
    clock: Literal["real", "manual"] = "real"
    """`manual`: no frame goes by except by `SoftCard.advance`."""
    ppm: float = 0.0
    """Clock error in parts per million; positive is fast."""
    speed: float = 1.0
    """Times real time."""
    loop: bool = True
    """Whether the captured sound begins anew at its end; otherwise silence follows."""
    period_bytes: tuple[int, int] = (64, 1 << 20)
    """Smallest and largest."""
    periods: tuple[int, int] = (2, 1024)
    """Smallest and largest count in a buffer."""

    def lines(self, direction: Direction) -> list[str]:
        """The lines of the definition file that say this."""
        properties: dict[str, Sequence[object]] = {
            "formats": self.formats,
            "rates": self.rates_hz,
            "channels": self.channels,
            "clock": [self.clock],
            "ppm": [self.ppm],
            "speed": [self.speed],
            "loop": ["yes" if self.loop else "no"],
            "period_bytes": self.period_bytes,
            "periods": self.periods,
        }
        return [f"{direction.value}.{name} {' '.join(map(str, values))}" for name, values in properties.items()]


class SoftCard:
    """One software sound card. Any process may have its streams open; commands reach it there.

    Commands take effect when the process that has the stream open next wakes or calls ALSA, which is at once; a
    command to a stream that is not open raises `CardNotOpen`.
    """

    def __init__(self, rack: SoundRack, name: str) -> None:
        self._rack = rack
        self._name = name
        self._plugged = True
        self.mixer = SoftMixer(lambda: self.folder)
        """Has no controls until they are defined."""

    @property
    def name(self) -> str:
        """The card's id, or its number."""
        return self._name

    @property
    def device(self) -> str:
        """ALSA's name of the card's only device."""
        return f"hw:CARD={self._name},DEV=0"

    @property
    def folder(self) -> Path:
        """Where its files lie now; unplugging and plugging in move it."""
        return (self._rack.cards if self._plugged else self._rack.unplugged) / self._name

    def define(self, capture: StreamDefinition | None, playback: StreamDefinition | None) -> None:
        """What the card is from the next open on; None for a direction it does not have."""
        lines: list[str] = []
        for direction, definition in ((Direction.CAPTURE, capture), (Direction.PLAYBACK, playback)):
            lines += definition.lines(direction) if definition else [f"{direction.value}.present no"]
        _replace(self.folder / "definition", "".join(f"{line}\n" for line in lines).encode())

    # Sound

    def play_in(self, data: bytes) -> None:
        """Let the microphone hear `data`, interleaved in the format that is negotiated; empty for silence.

        A stream that is open hears it from its next frame on, which its timeline tells as a `sound` event; one opened
        later hears it from its first frame on.
        """
        _replace(self.folder / "capture.raw", data)
        if self.is_open(Direction.CAPTURE):
            self.command("sound", Direction.CAPTURE)

    def played(self) -> bytes:
        """What the speaker played, over all openings, interleaved; while it runs, with what waits in its buffer."""
        return _read(self.folder / "playback.raw")

    def timeline(self, direction: Direction) -> Timeline:
        """What that stream did so far, over all openings."""
        return parse_timeline(_read(self.folder / f"{direction.value}.timeline").decode("ascii"))

    # Clock

    def advance(self, frames: int, *directions: Direction) -> None:
        """Let `frames` go by at once, on the streams given or on all that are open."""
        self._command_open(f"adv {frames}", directions)

    def stall(self, *directions: Direction) -> None:
        """Stop the clock: no frame, no error."""
        self._command_open("stall", directions)

    def resume(self, *directions: Direction) -> None:
        """Let a stalled clock run on from where it stood."""
        self._command_open("go", directions)

    def set_clock_error(self, ppm: float, *directions: Direction) -> None:
        """Change the clock error of streams that are open."""
        self._command_open(f"ppm {ppm}", directions)

    def set_speed(self, speed: float, *directions: Direction) -> None:
        """Change how many times faster than real time streams that are open run."""
        self._command_open(f"speed {speed}", directions)

    # Faults

    def unplug(self, *, badfd_first: bool = False) -> None:
        """Pull it out: open streams fail with ENODEV (after one EBADFD with `badfd_first`), and it cannot be found."""
        target = self._rack.unplugged / self._name
        self.folder.rename(target)
        self._plugged = False
        for direction in self.open_directions():
            self.command("gone-badfd" if badfd_first else "gone", direction)
            # Plugged in again, it is a new device: what still has the old one open is nobody to talk to.
            (self.folder / f"{direction.value}.ctl").unlink()

    def replug(self, name: str | None = None) -> None:
        """Plug it in again, under another id or number if given."""
        before = self.folder
        self._name = name or self._name
        self._plugged = True
        before.rename(self.folder)

    @contextmanager
    def busy(self, *directions: Direction) -> Iterator[None]:
        """While inside, opening fails as if another process held it (EBUSY)."""
        with self._marked("busy", directions):
            yield

    @contextmanager
    def denied(self, *directions: Direction) -> Iterator[None]:
        """While inside, opening fails for lack of permission (EACCES)."""
        with self._marked("denied", directions):
            yield

    def fail(self, error: int, direction: Direction) -> None:
        """Let the next transfer fail with this errno, once."""
        self.command(f"err {error}", direction)

    def overrun_or_underrun(self, direction: Direction) -> None:
        """Let the stream, if it runs, lose its synchronisation now: what is in its buffer is lost."""
        self.command("xrun", direction)

    # State and commands

    def is_open(self, direction: Direction) -> bool:
        """Whether any process has that stream open."""
        try:
            os.close(self._open_commands(direction))
        except CardNotOpen:
            return False
        return True

    def open_directions(self) -> list[Direction]:
        """The streams that some process has open."""
        return [direction for direction in BOTH if self.is_open(direction)]

    def wait_until_open(self, direction: Direction, timeout_s: float) -> None:
        """Block until some process has that stream open; raises `TimeoutError`."""
        deadline = time.monotonic() + timeout_s
        while not self.is_open(direction):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.device}: nobody opened it for {direction.value} within {timeout_s} s")
            time.sleep(0.02)

    def wait_for(self, direction: Direction, kind: EventKind, *, count: int = 1, timeout_s: float) -> Timeline:
        """Block until that stream's timeline has `count` events of this kind; the timeline. Raises `TimeoutError`."""
        deadline = time.monotonic() + timeout_s
        while len((timeline := self.timeline(direction)).of(kind)) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.device}: fewer than {count} {kind.value!r} in {direction.value} so far")
            time.sleep(0.02)
        return timeline

    def command(self, command: str, direction: Direction) -> None:
        """Give one of the commands that softcard.c describes. Raises `CardNotOpen`."""
        descriptor = self._open_commands(direction)
        try:
            os.write(descriptor, f"{command}\n".encode("ascii"))
        finally:
            os.close(descriptor)

    def _command_open(self, command: str, directions: tuple[Direction, ...]) -> None:
        chosen = directions or tuple(self.open_directions())
        if not chosen:
            raise CardNotOpen(f"{self.device}: no stream is open for the command {command!r}")
        for direction in chosen:
            self.command(command, direction)

    def _open_commands(self, direction: Direction) -> int:
        path = self.folder / f"{direction.value}.ctl"
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno not in (errno.ENXIO, errno.ENOENT):  # a FIFO without a reader, or never opened
                raise
            raise CardNotOpen(f"{self.device}: no process has it open for {direction.value}") from error

    @contextmanager
    def _marked(self, mark: str, directions: tuple[Direction, ...]) -> Iterator[None]:
        names = [f"{direction.value}.{mark}" for direction in directions or BOTH]
        for name in names:
            (self.folder / name).touch()
        try:
            yield
        finally:
            for name in names:
                (self.folder / name).unlink()


class SoundRack:
    """A folder of software sound cards and the ALSA configuration that leads to them.

    `root` must exist. Building the library and writing the configuration happen here; raises
    `subprocess.CalledProcessError` with the compiler's words when the library does not build.
    """

    def __init__(self, root: Path) -> None:
        build_library()
        self.root = root.resolve()
        self.cards = self.root / "cards"
        self.unplugged = self.root / "unplugged"
        for folder in (self.cards, self.unplugged):
            folder.mkdir(exist_ok=True)
        self.configuration = self.root / "asound.conf"
        template = CONFIGURATION.read_text()
        self.configuration.write_text(template.replace("@LIBRARY@", str(LIBRARY)).replace("@ROOT@", str(self.root)))

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to find these cards, and only these."""
        return {"ALSA_CONFIG_PATH": str(self.configuration)}

    def activate(self) -> None:
        """Let this process find the cards."""
        os.environ.update(self.environment)

    def plug_in(
        self,
        name: str,
        capture: StreamDefinition | None,
        playback: StreamDefinition | Literal["as capture"] | None = "as capture",
    ) -> SoftCard:
        """Add a card of this id (or number). Raises `FileExistsError` if there is one."""
        (self.cards / name).mkdir()
        card = SoftCard(self, name)
        card.define(capture, capture if playback == "as capture" else playback)
        return card

    def clear(self) -> None:
        """Take every card out and throw its files away; streams that are still open fail."""
        for folder in (*self.cards.iterdir(), *self.unplugged.iterdir()):
            card = SoftCard(self, folder.name)
            card._plugged = folder.parent == self.cards
            for direction in card.open_directions():
                card.command("gone", direction)
            shutil.rmtree(folder)


def build_library() -> None:
    """Build the plugin if it is missing or out of date; several processes may do so at once."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "--silent", "--directory", SOURCE], check=True, timeout=120)


def _replace(path: Path, data: bytes) -> None:
    """Write beside and rename: a stream that has the old file mapped keeps it whole."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(data)
    beside.chmod(stat.S_IRUSR | stat.S_IWUSR)
    beside.rename(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
