"""What a live card can do, asked through libasound of software cards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.audio.formats import MAX_CHANNELS, RATES_HZ, SampleFormat
from gatewayd.errors import DeviceBusy, DeviceDenied, DeviceMissing
from gatewayd.hardware.alsa.capabilities import grouped, offers
from gatewayd.hardware.offers import Offer
from tests.hardware.sounds import open_descriptors
from tests.softcard.card import StreamDefinition
from tests.softcard.timeline import Direction

if TYPE_CHECKING:
    from pathlib import Path

    from tests.softcard.card import SoftCard, SoundRack

S16, S32, FLOAT = SampleFormat.S16_LE, SampleFormat.S32_LE, SampleFormat.FLOAT_LE


def test_an_i2s_microphone_offers_one_combination(sound_card: SoftCard) -> None:
    assert offers(sound_card.device, capture=True) == (Offer((S32,), (48_000,), (2,)),)
    assert offers(sound_card.device, capture=False) == (Offer((S32,), (48_000,), (2,)),)
    assert not sound_card.open_directions()
    assert len(sound_card.timeline(Direction.CAPTURE)) == 0  # nothing was set at the card


def test_each_direction_is_asked_for_itself(sound_rack: SoundRack) -> None:
    card = sound_rack.plug_in(
        "Jabra",
        StreamDefinition(rates_hz=(16_000,), channels=(1,)),
        StreamDefinition(rates_hz=(8_000, 16_000, 48_000), channels=(2,)),
    )
    assert offers(card.device, capture=True) == (Offer((S16,), (16_000,), (1,)),)
    assert offers(card.device, capture=False) == (Offer((S16,), (8_000, 16_000, 48_000), (2,)),)


def test_what_this_program_cannot_use_is_left_out(sound_rack: SoundRack) -> None:
    card = sound_rack.plug_in(
        "Odd", StreamDefinition(formats=("S32_BE", "S24_3LE", "U8"), rates_hz=(12_000, 44_100), channels=(2, 32))
    )
    assert offers(card.device, capture=True) == (Offer((SampleFormat.S24_3LE,), (44_100,), (2,)),)


def test_a_card_that_has_nothing_to_offer(sound_rack: SoundRack) -> None:
    card = sound_rack.plug_in("Odd", StreamDefinition(formats=("U8",)))
    assert offers(card.device, capture=True) == ()


def test_through_plughw_everything_is_offered(sound_card: SoftCard) -> None:
    [offer] = offers(sound_card.device.replace("hw:", "plughw:"), capture=True)
    assert set(offer.formats) == set(SampleFormat)
    assert offer.rates_hz == RATES_HZ
    assert offer.channels == tuple(range(1, MAX_CHANNELS + 1))


def test_a_card_that_cannot_be_asked_says_why_as_opening_does(sound_card: SoftCard, tmp_path: Path) -> None:
    status = tmp_path / "proc/asound/card0/pcm0c/sub0/status"
    status.parent.mkdir(parents=True)
    status.write_text(f"state: RUNNING\nowner_pid   : {os.getpid()}\n")
    (tmp_path / "proc/asound/card0/id").write_text("Array\n")
    with sound_card.busy(), pytest.raises(DeviceBusy, match="gatewayd itself holds it"):
        offers(sound_card.device, capture=True, root=tmp_path)
    with sound_card.denied(), pytest.raises(DeviceDenied):
        offers(sound_card.device, capture=True, root=tmp_path)
    sound_card.unplug()
    with pytest.raises(DeviceMissing):
        offers(sound_card.device, capture=True, root=tmp_path)


def test_asking_leaves_no_descriptor_behind(sound_card: SoftCard) -> None:
    offers(sound_card.device, capture=True)
    before = open_descriptors()
    for _ in range(50):
        offers(sound_card.device, capture=True)
    assert open_descriptors() == before


def test_formats_that_can_do_the_same_are_one_offer() -> None:
    assert grouped(
        {
            S16: {1: (16_000,), 2: (16_000, 48_000), 4: (16_000,), 8: ()},
            S32: {1: (16_000,), 2: (16_000, 48_000), 4: (16_000,)},
            FLOAT: {2: (48_000,)},
        }
    ) == (
        Offer((S16, S32), (16_000,), (1, 4)),
        Offer((S16, S32), (16_000, 48_000), (2,)),
        Offer((FLOAT,), (48_000,), (2,)),
    )


rates = st.lists(st.sampled_from(RATES_HZ), unique=True).map(tuple)


@given(st.dictionaries(st.sampled_from(SampleFormat), st.dictionaries(st.integers(1, MAX_CHANNELS), rates)))
def test_grouping_keeps_every_combination_and_adds_none(
    by_format: dict[SampleFormat, dict[int, tuple[int, ...]]],
) -> None:
    given_ones = [
        (format_, rate, count)
        for format_, by_channels in by_format.items()
        for count, rates in by_channels.items()
        for rate in rates
    ]
    offered = [
        (format_, rate, count)
        for offer in grouped(by_format)
        for format_ in offer.formats
        for rate in offer.rates_hz
        for count in offer.channels
    ]
    assert sorted(offered) == sorted(given_ones)
