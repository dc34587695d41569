"""The mixer of a software sound card: say which controls it has, read and set them behind a daemon's back, break them.

    mixer = card.mixer                               # has no controls until they are defined
    mixer.define(SoftVolume("PGA Capture Volume", 0, 127, channels=2, value=40), SoftSwitch("Mic Capture Switch"))
    ...                                              # anything opens the mixer hw:CARD=Array
    assert mixer.values("PGA Capture Volume") == [52, 52]

What the mixer does and its files are described in mixer.h and controls.c.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True)
class SoftControl:
    """What all controls have in common."""

    name: str
    """As the kernel names control elements: `Mic Capture Switch`."""
    channels: int = 1
    value: int = 0
    """Of all channels, until set."""
    index: int = 0
    read_error: int | None = None
    """Reading fails with this errno, and with it the whole mixer: so libasound has it."""
    write_error: int | None = None
    unplugs: bool = False
    """Writing it makes the card vanish."""

    @property
    def key(self) -> str:
        """What `SoftMixer` knows it by: its name, with its index unless that is 0."""
        return f"{self.name},{self.index}" if self.index else self.name

    def lines(self) -> list[str]:
        """The lines of the mixer file that say this."""
        lines = [f"control {self.name}", f"index {self.index}", f"channels {self.channels}", f"value {self.value}"]
        lines += [f"read_error {self.read_error}"] if self.read_error else []
        lines += [f"write_error {self.write_error}"] if self.write_error else []
        return lines + (["unplugs"] if self.unplugs else [])


@dataclass(frozen=True)
class SoftVolume(SoftControl):
    """A volume in steps from `low` to `high`."""

    low: int = 0
    high: int = 100
    low_db: float | None = None
    """What the lowest step is; None: it has no decibels."""
    step_db: float = 0.5
    at_most: int | None = None
    """The driver takes a larger value as this, without a word."""

    def lines(self) -> list[str]:
        """See `SoftControl`."""
        lines = [*super().lines(), f"range {self.low} {self.high}"]
        if self.low_db is not None:
            lines.append(f"db {round(100 * self.low_db)} {round(100 * self.step_db)}")
        return lines + ([f"at_most {self.at_most}"] if self.at_most is not None else [])


@dataclass(frozen=True)
class SoftSwitch(SoftControl):
    """On or off."""

    def lines(self) -> list[str]:
        """See `SoftControl`."""
        return [*super().lines(), "type switch"]


@dataclass(frozen=True)
class SoftChoice(SoftControl):
    """One of several texts; its value is the number of one."""

    items: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """See `SoftControl`."""
        return [*super().lines(), "type enumerated", *(f"item {item}" for item in self.items)]


class SoftMixer:
    """A software sound card's mixer, seen from the card's side. Any process may have it open meanwhile."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        """`folder` tells where the card's files lie now."""
        self._folder = folder
        self._controls: dict[str, int] = {}
        self._defaults: dict[str, list[int]] = {}

    def define(self, *controls: SoftControl) -> None:
        """What it has from the next open on; values that were set before are forgotten."""
        for file in self._folder().glob("control.*"):
            file.unlink()
        self._controls = {control.key: number for number, control in enumerate(controls)}
        self._defaults = {control.key: [control.value] * control.channels for control in controls}
        text = "".join(f"{line}\n" for control in controls for line in control.lines())
        self._replace("mixer", text.encode(errors="surrogateescape"))
        self.forget_writes()

    def values(self, key: str) -> list[int]:
        """What a control stands at, one for each channel."""
        try:
            return [int(value) for value in self._file(key).read_text().split()]
        except FileNotFoundError:
            return self._defaults[key]

    def set(self, key: str, *values: int) -> None:
        """Set a control as another program, or a knob on the device, would; one value for each channel."""
        assert len(values) == len(self._defaults[key])
        self._replace(self._file(key).name, " ".join(map(str, values)).encode())

    def writes(self) -> list[tuple[str, list[int]]]:
        """Each write that came through libasound, with what was asked for, since `forget_writes`."""
        path = self._folder() / "mixer.log"
        keys = list(self._controls)
        lines = path.read_text().splitlines() if path.exists() else []
        return [(keys[int(number)], [int(value) for value in values]) for number, *values in map(str.split, lines)]

    def forget_writes(self) -> None:
        """Let `writes` begin anew."""
        (self._folder() / "mixer.log").unlink(missing_ok=True)

    def come_back(self) -> None:
        """After a control that `unplugs`: let the mixer be there again."""
        (self._folder() / "mixer.gone").unlink()

    @contextmanager
    def denied(self) -> Iterator[None]:
        """While inside, opening the mixer fails for lack of permission (EACCES)."""
        mark = self._folder() / "mixer.denied"
        mark.touch()
        try:
            yield
        finally:
            mark.unlink()

    def _file(self, key: str) -> Path:
        return self._folder() / f"control.{self._controls[key]}"

    def _replace(self, name: str, data: bytes) -> None:
        beside = self._folder() / f"{name}.set"
        beside.write_bytes(data)
        beside.rename(self._folder() / name)
