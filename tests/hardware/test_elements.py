"""What is asked of libasound's simple mixer directly, on the software card's mixer."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewayd.hardware.alsa.elements import capture_sides, decibels, elements
from gatewayd.hardware.mixing import Control, Decibels, Volume
from gatewayd.hardware.settings import Side
from tests.hardware.sounds import open_descriptors
from tests.softcard.mixer import SoftSwitch, SoftVolume

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.softcard.card import SoftCard

ARRAY = "hw:CARD=Array"
Listed = TypeVar("Listed")


@pytest.fixture(autouse=True)
def controls(sound_card: SoftCard) -> None:
    sound_card.mixer.define(
        SoftVolume("PGA Capture Volume", 2, 40, high=127, low_db=-12.0),
        SoftVolume("PCM Playback Volume", high=64, low_db=-64.0, step_db=1.0),
        SoftVolume("Mic Boost Volume", high=3, low_db=0.0, step_db=10.0),
        SoftVolume("Line Capture Volume", value=7),
        SoftSwitch("Line Capture Switch", 2, 1),
        SoftVolume("Line Capture Volume", index=1),
    )


def test_controls_are_listed_with_their_index() -> None:
    assert sorted(elements(ARRAY)) == [("Line", 0), ("Line", 1), ("Mic Boost", 0), ("PCM", 0), ("PGA", 0)]


@pytest.mark.parametrize(
    ("control", "side", "wanted_db", "found"),
    [
        ("PGA", Side.CAPTURE, 20.0, Decibels(64, -12.0, 51.5)),
        ("PGA", Side.CAPTURE, 20.24, Decibels(64, -12.0, 51.5)),
        ("PGA", Side.CAPTURE, 20.26, Decibels(65, -12.0, 51.5)),
        ("PGA", Side.CAPTURE, -13.0, Decibels(0, -12.0, 51.5)),
        ("PGA", Side.CAPTURE, 1e6, Decibels(127, -12.0, 51.5)),
        ("PGA", Side.PLAYBACK, 20.0, None),
        ("PCM", Side.PLAYBACK, -10.0, Decibels(54, -64.0, 0.0)),
        ("Mic Boost", Side.CAPTURE, 20.0, Decibels(2, 0.0, 30.0)),
        ("Mic Boost", Side.PLAYBACK, 20.0, Decibels(2, 0.0, 30.0)),
        ("Line", Side.CAPTURE, 20.0, None),
        ("Nothing", Side.CAPTURE, 20.0, None),
    ],
)
def test_the_step_nearest_to_so_many_decibels(
    control: str, side: Side, wanted_db: float, found: Decibels | None
) -> None:
    assert decibels(ARRAY, control, 0, side, wanted_db) == found


def test_capture_sides_are_those_that_are_captures_alone() -> None:
    assert capture_sides(ARRAY) == {
        ("PGA", 0): Control({Side.CAPTURE: Volume(0, 127, (40, 40))}),
        ("Line", 0): Control({Side.CAPTURE: Volume(0, 100, (7, 7))}, {Side.CAPTURE: (True, True)}),
        ("Line", 1): Control({Side.CAPTURE: Volume(0, 100, (0,))}),
    }


def test_a_mixer_that_does_not_open_says_why_in_an_errno(sound_card: SoftCard) -> None:
    sound_card.unplug()
    for ask in (elements, capture_sides):
        with pytest.raises(OSError, match="No such device") as raised:
            ask(ARRAY)
        assert raised.value.errno == errno.ENODEV


WORDS = st.sampled_from(
    ["control", "type", "range", "value", "item", "db", "channels", "index", "switch", "enumerated"]
)
LINES = st.builds(" ".join, st.tuples(WORDS, st.one_of(WORDS, st.integers().map(str), st.text(max_size=50))))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, max_size=8))
def test_any_mixer_is_listed_or_refused_and_nothing_stays_open(sound_card: SoftCard, lines: list[str]) -> None:
    text = "\n".join(["control PGA Capture Volume", *lines, ""])
    (sound_card.folder / "mixer").write_bytes(text.encode(errors="replace"))
    before = open_descriptors()
    listed, sides = either(elements), either(capture_sides)
    assert open_descriptors() == before
    if isinstance(listed, list) and isinstance(sides, dict):
        assert set(sides) <= set(listed)
    else:
        assert listed == sides == errno.EINVAL


def either(ask: Callable[[str], Listed]) -> Listed | int:
    """What the mixer answers, or the errno with which it refuses."""
    try:
        return ask(ARRAY)
    except OSError as error:
        return error.errno or 0
