"""libasound's own words, collected through ctypes from the real library."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from gatewayd.hardware.alsa import libasound
from tests.softcard.timeline import Direction

if TYPE_CHECKING:
    from tests.softcard.card import SoftCard, SoundRack


@pytest.fixture(autouse=True)
def collecting() -> None:
    libasound.collect_messages()
    libasound.take_messages()


def test_a_message_is_collected_with_its_arguments_filled_in(
    sound_rack: SoundRack, capfd: pytest.CaptureFixture[str]
) -> None:
    libasound.probe("front-desk", capture=True)
    assert libasound.take_messages() == "Unknown PCM front-desk"
    assert libasound.take_messages() == ""
    assert capfd.readouterr().err == ""


def test_of_many_messages_the_first_and_the_last_are_given(sound_rack: SoundRack) -> None:
    for number in range(5):
        libasound.probe(f"desk-{number}", capture=True)
    assert libasound.take_messages() == "Unknown PCM desk-0; Unknown PCM desk-4"


def test_a_message_of_any_length_is_cut_and_harmless(sound_rack: SoundRack) -> None:
    libasound.probe("x" * 5000, capture=True)
    assert libasound.take_messages().startswith("Unknown PCM xxx")


@pytest.mark.parametrize("direction", list(Direction))
def test_probing_tells_why_a_device_does_not_open_and_leaves_it_closed(
    sound_card: SoftCard, direction: Direction
) -> None:
    capture = direction is Direction.CAPTURE
    assert libasound.probe(sound_card.device, capture=capture) == ""
    assert not sound_card.is_open(direction)
    with sound_card.busy(direction):
        assert libasound.probe(sound_card.device, capture=capture) == os.strerror(errno.EBUSY)
    sound_card.unplug()
    assert libasound.probe(sound_card.device, capture=capture) == os.strerror(errno.ENODEV)
