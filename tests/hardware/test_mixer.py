"""A card's mixer set through ALSA, on the software card's mixer."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewayd.hardware.alsa.mixer import AlsaMixer
from gatewayd.hardware.settings import MixerSetting, Side
from gatewayd.seams.hardware import MixerReport
from tests.hardware.sounds import open_descriptors
from tests.softcard.mixer import SoftChoice, SoftSwitch, SoftVolume

if TYPE_CHECKING:
    from tests.softcard.card import SoftCard
    from tests.softcard.mixer import SoftControl, SoftMixer

GAIN = "PGA Capture Volume"
CONTROLS: tuple[SoftControl, ...] = (
    SoftVolume(GAIN, 2, 40, high=127, low_db=-12.0),
    SoftSwitch("Mic Capture Switch", 2),
    SoftSwitch("Speaker Playback Switch", 2),
    SoftVolume("Mic Boost Volume", high=3),
    SoftVolume("Headset Capture Volume", 2, 10, high=60),
    SoftVolume("Headset Playback Volume", 2, 20, high=30),
    SoftSwitch("Headset Capture Switch"),
    SoftSwitch("Headset Playback Switch"),
    SoftChoice("ADC Input", items=("Mic", "Line In")),
    SoftVolume("Weak Capture Volume", at_most=60),
    SoftVolume("Stuck Capture Volume", value=5, write_error=errno.EIO),
    SoftChoice("Stuck Input", items=("Mic", "Line In"), write_error=errno.EIO),
    SoftVolume("Line Capture Volume"),
    SoftVolume("Line Capture Volume", index=1),
)
SET = {
    MixerSetting("PGA", raw=52): (GAIN, [52, 52], "PGA: 40 -> 52"),
    MixerSetting("PGA", percent=80): (GAIN, [102, 102], "PGA: 40 -> 102"),
    MixerSetting("PGA", db=20): (GAIN, [64, 64], "PGA: 40 -> 64"),
    MixerSetting("PGA", db=20.2): (GAIN, [64, 64], "PGA: 40 -> 64"),
    MixerSetting("PGA", db=20.3): (GAIN, [65, 65], "PGA: 40 -> 65"),
    MixerSetting("Mic Boost", raw=3): ("Mic Boost Volume", [3], "Mic Boost: 0 -> 3"),
    MixerSetting("Mic Boost", raw=3, side=Side.CAPTURE): ("Mic Boost Volume", [3], "Mic Boost (capture): 0 -> 3"),
    MixerSetting("Mic", switch=True): ("Mic Capture Switch", [1, 1], "Mic: off -> on"),
    MixerSetting("Speaker", switch=True): ("Speaker Playback Switch", [1, 1], "Speaker: off -> on"),
    MixerSetting("Headset", raw=60, side=Side.CAPTURE): (
        *("Headset Capture Volume", [60, 60]),
        "Headset (capture): 10 -> 60",
    ),
    MixerSetting("Headset", percent=100, side=Side.PLAYBACK): (
        *("Headset Playback Volume", [30, 30]),
        "Headset (playback): 20 -> 30",
    ),
    MixerSetting("ADC Input", choice="Line In"): ("ADC Input", [1], 'ADC Input: "Mic" -> "Line In"'),
    MixerSetting("Line", index=1, raw=9): ("Line Capture Volume,1", [9], "Line,1: 0 -> 9"),
}


@pytest.fixture
def card_mixer(sound_card: SoftCard) -> SoftMixer:
    mixer = sound_card.mixer
    mixer.define(*CONTROLS)
    return mixer


def apply(*settings: MixerSetting) -> MixerReport:
    return AlsaMixer().apply("Array", settings)


def problem(setting: MixerSetting) -> str:
    """The one thing that is wrong, without the beginning that all problems of a control have."""
    report = apply(setting)
    [line] = report.problems
    beginning, what = line.split(": ", maxsplit=1)
    assert beginning.startswith(f"card Array, mixer control {setting.control}")
    return what


# Setting


@pytest.mark.parametrize("setting", list(SET))
def test_a_control_is_set_on_all_channels_and_a_second_time_changes_nothing(
    card_mixer: SoftMixer, setting: MixerSetting
) -> None:
    key, values, line = SET[setting]
    assert apply(setting) == MixerReport(changed=(line,))
    assert card_mixer.values(key) == values
    card_mixer.forget_writes()
    assert apply(setting) == MixerReport()
    assert card_mixer.writes() == []


def test_a_channel_that_stands_apart_is_set_too(card_mixer: SoftMixer) -> None:
    card_mixer.set(GAIN, 52, 3)
    assert apply(MixerSetting("PGA", raw=52)).changed == ("PGA: 52/3 -> 52",)
    assert card_mixer.writes() == [(GAIN, [52, 52])]


def test_several_are_set_in_order_and_one_fault_hides_no_other(card_mixer: SoftMixer) -> None:
    report = apply(
        MixerSetting("PGA", raw=52),
        MixerSetting("Nothing", raw=1),
        MixerSetting("Mic", switch=True),
        MixerSetting("ADC Input", raw=1),
    )
    assert report.changed == ("PGA: 40 -> 52", "Mic: off -> on")
    first, second = report.problems
    assert first.startswith("card Array, mixer control Nothing: wanted 1, it is not there; `amixer")
    assert second.startswith('card Array, mixer control ADC Input: it has no volume, but the choices "Mic", "Line In"')


def test_what_another_program_changed_is_set_again(card_mixer: SoftMixer) -> None:
    apply(MixerSetting("PGA", raw=52))
    card_mixer.set(GAIN, 0, 0)
    assert apply(MixerSetting("PGA", raw=52)).changed == ("PGA: 0 -> 52",)


def test_nothing_to_set_does_not_even_look_for_the_card() -> None:
    assert AlsaMixer().apply("Nowhere", ()) == MixerReport()


# What falls short


def test_more_than_there_is_becomes_the_nearest_end_and_is_told_each_time(card_mixer: SoftMixer) -> None:
    for _ in range(2):
        assert problem(MixerSetting("PGA", raw=200)) == (
            "wanted 200, its range is 0 to 127: it is at 127; correct it in the profile"
        )
    assert len(card_mixer.writes()) == 2  # one for each channel, the first time
    assert problem(MixerSetting("PGA", db=60)) == (
        "wanted 60 dB, its range is -12 to 51.5 dB: it is at 127; correct it in the profile"
    )


def test_a_driver_that_takes_another_value_is_told_with_it(card_mixer: SoftMixer) -> None:
    assert problem(MixerSetting("Weak", raw=100)) == (
        "wanted 100, the driver took 60; set the profile to what it takes, or see `dmesg`"
    )
    assert problem(MixerSetting("Weak", percent=90)) == (
        "wanted 90 %, step 90, the driver kept 60; set the profile to what it takes, or see `dmesg`"
    )


@pytest.mark.parametrize(
    ("setting", "wanted", "kept"),
    [
        (MixerSetting("Stuck", raw=7), "7", "5"),
        (MixerSetting("Stuck Input", choice="Line In"), '"Line In"', '"Mic"'),
    ],
)
def test_a_driver_that_refuses_is_told(card_mixer: SoftMixer, setting: MixerSetting, wanted: str, kept: str) -> None:
    assert problem(setting) == (
        f"wanted {wanted}, the driver kept {kept}; set the profile to what it takes, or see `dmesg`"
    )


def test_a_missing_control_is_a_problem_unless_it_is_optional(card_mixer: SoftMixer) -> None:
    setting = MixerSetting("PGAs", raw=1)
    assert problem(setting) == 'wanted 1, it is not there; did you mean "PGA"?'
    assert problem(MixerSetting("PGA", index=2, raw=1)) == "wanted 1, it is not there; of that name it has index 0"
    assert apply(replace(setting, optional=True)) == MixerReport()


def test_decibels_of_a_volume_that_has_none(card_mixer: SoftMixer) -> None:
    assert problem(MixerSetting("Weak", db=3)) == (
        "its volume has no decibels; give it in steps of 0 to 100, with `raw`"
    )


def test_a_control_with_both_sides_needs_one_named(card_mixer: SoftMixer) -> None:
    assert "say which with `side" in problem(MixerSetting("Headset", raw=5))


def test_a_text_that_is_no_text_ends_nothing(card_mixer: SoftMixer) -> None:
    """A USB device names its controls itself, and the kernel may cut such a name off within a character."""
    torn = b"M\xc3".decode(errors="surrogateescape")
    card_mixer.define(SoftVolume(f"{torn} Capture Volume"), SoftChoice("Source", items=("Mic", torn)))
    assert AlsaMixer().controls("Array") == frozenset({"M\N{REPLACEMENT CHARACTER}", "Source"})
    assert problem(MixerSetting("Source", choice="Mic")).startswith("it has no choices that could be read")
    assert problem(MixerSetting("M\N{REPLACEMENT CHARACTER}", raw=1)).startswith("it could not be read or set")
    assert AlsaMixer().capture_switched_off("Array") == "M\N{REPLACEMENT CHARACTER}"


# Cards that go


def test_a_card_that_is_not_there(sound_card: SoftCard, card_mixer: SoftMixer) -> None:
    sound_card.unplug()
    assert apply(MixerSetting("PGA", raw=52), MixerSetting("Mic", switch=True)) == MixerReport(
        problems=("card Array: its mixer is not there, and is set when the card is opened again (No such device)",)
    )


def test_a_card_that_goes_in_the_middle_is_one_problem_and_is_set_after_its_return(card_mixer: SoftMixer) -> None:
    fatal = SoftVolume("Fatal Capture Volume", unplugs=True)
    card_mixer.define(*CONTROLS, fatal)
    wanted = (MixerSetting("PGA", raw=52), MixerSetting("Fatal", raw=1), MixerSetting("Mic", switch=True))
    report = apply(*wanted)
    assert report.changed == ("PGA: 40 -> 52",)
    [line] = report.problems
    assert line.startswith("card Array: its mixer is not there")
    assert card_mixer.values("Mic Capture Switch") == [0, 0]
    card_mixer.come_back()
    card_mixer.define(*CONTROLS, replace(fatal, unplugs=False))
    assert apply(*wanted).changed == ("PGA: 40 -> 52", "Fatal: 0 -> 1", "Mic: off -> on")


def test_after_a_replug_under_another_name_it_is_set_there(sound_card: SoftCard, card_mixer: SoftMixer) -> None:
    sound_card.unplug()
    sound_card.replug("Array_1")
    assert apply(MixerSetting("PGA", raw=52)).changed == ()
    assert AlsaMixer().apply("Array_1", [MixerSetting("PGA", raw=52)]).changed == ("PGA: 40 -> 52",)


def test_a_mixer_that_this_user_may_not_open(card_mixer: SoftMixer) -> None:
    with card_mixer.denied():
        [line] = apply(MixerSetting("PGA", raw=52)).problems
        assert AlsaMixer().controls("Array") is None
        assert AlsaMixer().capture_switched_off("Array") == ""
    assert line == (
        "card Array: no permission for its mixer; add this user to group `audio`, or "
        "`DeviceAllow=char-alsa rw` to the systemd unit (Permission denied)"
    )


def test_a_control_that_cannot_be_read_takes_the_whole_mixer_with_it(card_mixer: SoftMixer) -> None:
    card_mixer.define(*CONTROLS, SoftVolume("Broken Capture Volume", read_error=errno.ETIMEDOUT))
    [line] = apply(MixerSetting("PGA", raw=52)).problems
    assert line.startswith("card Array: its mixer does not answer; `amixer -D hw:CARD=Array` shows")
    assert "Connection timed out" in line


def test_what_libasound_says_goes_into_the_problem_and_not_to_stderr(
    sound_card: SoftCard, capfd: pytest.CaptureFixture[str]
) -> None:
    (sound_card.folder / "mixer").write_text("loudness 11\n")
    [line] = apply(MixerSetting("PGA", raw=52)).problems
    assert "softcard: line 1 of the card's mixer is not understood" in line
    assert AlsaMixer().controls("Array") is None
    assert AlsaMixer().capture_switched_off("Array") == ""
    assert capfd.readouterr().err == ""


# Asking


def test_the_names_of_the_controls_are_those_of_amixer(sound_card: SoftCard, card_mixer: SoftMixer) -> None:
    assert AlsaMixer().controls("Array") == frozenset(
        ("PGA", "Mic", "Speaker", "Mic Boost", "Headset", "ADC Input", "Weak", "Stuck", "Stuck Input", "Line")
    )
    sound_card.unplug()
    assert AlsaMixer().controls("Array") is None


def test_a_card_without_controls_has_none_and_says_so(sound_card: SoftCard) -> None:
    assert AlsaMixer().controls("Array") == frozenset()
    assert problem(MixerSetting("PGA", raw=52)) == "wanted 52, it is not there; the card has no mixer controls"


@pytest.mark.parametrize(
    ("controls", "muting"),
    [
        ((SoftSwitch("Mic Capture Switch", 2, 0), SoftVolume("Mic Capture Volume", value=9)), "Mic"),
        ((SoftSwitch("Mic Capture Switch", 2, 1), SoftVolume("Mic Capture Volume", value=9)), ""),
        ((SoftSwitch("Mic Capture Switch", 2, 1), SoftVolume("Mic Capture Volume", value=0)), "Mic"),
        ((SoftSwitch("Mic Capture Switch", index=1),), "Mic,1"),
        ((SoftSwitch("Speaker Playback Switch"), SoftVolume("PCM Playback Volume")), ""),
        ((SoftSwitch("Zero Cross Switch"), SoftVolume("Mic Boost Volume")), ""),
        ((SoftVolume("Mic Boost Volume"), SoftSwitch("Mic Boost Capture Switch", value=1)), ""),
    ],
)
def test_whether_the_microphone_is_muted(sound_card: SoftCard, controls: tuple[SoftControl, ...], muting: str) -> None:
    sound_card.mixer.define(*controls)
    assert AlsaMixer().capture_switched_off("Array") == muting


def test_a_card_that_is_gone_is_not_muted(sound_card: SoftCard, card_mixer: SoftMixer) -> None:
    sound_card.unplug()
    assert AlsaMixer().capture_switched_off("Array") == ""


# What must never happen


def test_a_thousand_applications_leave_no_descriptor(sound_card: SoftCard, card_mixer: SoftMixer) -> None:
    card_mixer.define(CONTROLS[0], CONTROLS[1])
    volumes = [MixerSetting("PGA", raw=52), MixerSetting("PGA", raw=53)]
    apply(*volumes)
    before = open_descriptors()
    for _ in range(250):
        assert len(apply(*volumes).changed) == 2
        assert apply(MixerSetting("Nothing", raw=1), MixerSetting("PGA", db=99)).problems
    sound_card.unplug()
    for _ in range(500):
        assert apply(*volumes).problems
    assert open_descriptors() == before


NAMES = [*(setting.control for setting in SET), "Weak", "Stuck", "Stuck Input", "Broken", ""]


@st.composite
def a_setting(draw: st.DrawFn) -> MixerSetting:
    """Any that a profile may have, most of them for a control that is there."""
    value = draw(
        st.one_of(
            st.fixed_dictionaries({"raw": st.integers(-65_536, 65_536)}),
            st.fixed_dictionaries({"percent": st.integers(0, 100)}),
            st.fixed_dictionaries({"db": st.floats(-130, 60)}),
            st.fixed_dictionaries({"switch": st.booleans()}),
            st.fixed_dictionaries({"choice": st.one_of(st.sampled_from(["Mic", "Line In"]), st.text(max_size=8))}),
        )
    )
    return MixerSetting(
        control=draw(st.one_of(st.sampled_from(NAMES), st.text(max_size=8))),
        index=draw(st.integers(0, 2)),
        side=draw(st.sampled_from([None, *Side])),
        optional=draw(st.booleans()),
        **value,
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.lists(a_setting(), max_size=4))
def test_any_setting_ends_in_a_report_and_what_was_set_without_a_problem_stays(
    card_mixer: SoftMixer, wanted: list[MixerSetting]
) -> None:
    card_mixer.define(*CONTROLS)
    before = open_descriptors()
    report = apply(*wanted)
    assert open_descriptors() == before
    assert len(report.changed) <= len(wanted)
    assert all(line.isprintable() for line in (*report.changed, *report.problems))
    if len({(setting.control, setting.index) for setting in wanted}) == len(wanted):
        again = apply(*wanted)
        assert again.changed == ()
        assert len(again.problems) == len(report.problems)
