"""pytest fixtures for software sound cards; `tests/conftest.py` hands them to every folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.softcard.card import SoftCard, SoundRack, StreamDefinition

if TYPE_CHECKING:
    from collections.abc import Iterator

I2S_MICROPHONE = StreamDefinition(formats=("S32_LE",), rates_hz=(48_000,), channels=(2,))
"""What an I2S microphone on a Pi offers, and nothing else."""


@pytest.fixture(scope="session")
def whole_rack(tmp_path_factory: pytest.TempPathFactory) -> SoundRack:
    """The one rack of a session, its library built."""
    return SoundRack(tmp_path_factory.mktemp("rack"))


@pytest.fixture
def sound_rack(whole_rack: SoundRack, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundRack]:
    """An empty rack that this process and its children find; cards are thrown away after the test."""
    for name, value in whole_rack.environment.items():
        monkeypatch.setenv(name, value)
    yield whole_rack
    whole_rack.clear()


@pytest.fixture
def sound_card(sound_rack: SoundRack) -> SoftCard:
    """A card `Array` in real time: S32_LE, 48 kHz, 2 channels both ways."""
    return sound_rack.plug_in("Array", I2S_MICROPHONE)


@pytest.fixture
def stepped_card(sound_rack: SoundRack) -> SoftCard:
    """The same card, whose clock moves by `advance` only."""
    stepped = StreamDefinition(formats=("S32_LE",), rates_hz=(48_000,), channels=(2,), clock="manual")
    return sound_rack.plug_in("Array", stepped)
