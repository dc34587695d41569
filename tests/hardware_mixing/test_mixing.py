"""What a mixer setting asks of a control, and what a person is told of the outcome."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from gatewayd.hardware import mixing
from gatewayd.hardware.mixing import Control, Decibels, Target, Volume
from gatewayd.hardware.settings import MixerSetting, Side

CAPTURE, PLAYBACK = Side.CAPTURE, Side.PLAYBACK

GAIN = Control(volumes={CAPTURE: Volume(0, 127, (40, 40))})
BOTH = Control(
    volumes={CAPTURE: Volume(0, 60, (10,)), PLAYBACK: Volume(0, 30, (20,))},
    switches={CAPTURE: (True,), PLAYBACK: (False,)},
)
COMMON = Control(
    volumes={CAPTURE: Volume(0, 7, (2,)), PLAYBACK: Volume(0, 7, (2,))},
    switches={CAPTURE: (True,), PLAYBACK: (True,)},
    one_volume=True,
    one_switch=True,
)
SOURCE = Control(choices=("Mic", "Line In"), chosen="Mic")


def no_scale(side: Side, wanted_db: float) -> Decibels | None:
    return None


def aim(setting: MixerSetting, control: Control) -> Target | str:
    return mixing.aim(setting, control, no_scale)


# What is aimed at


def test_a_volume_in_the_drivers_own_steps() -> None:
    assert aim(MixerSetting("PGA", raw=52), GAIN) == Target(CAPTURE, 52)


@pytest.mark.parametrize(
    ("raw", "set_to"),
    [(200, 127), (128, 127), (-1, 0), (-65_536, 0)],
)
def test_beyond_the_range_the_nearest_end_is_taken_and_the_range_noted(raw: int, set_to: int) -> None:
    assert aim(MixerSetting("PGA", raw=raw), GAIN) == Target(CAPTURE, set_to, "0 to 127")


@pytest.mark.parametrize(
    ("low", "high", "percent", "raw"),
    [(0, 127, 0, 0), (0, 127, 100, 127), (0, 127, 80, 102), (0, 63, 62, 39), (-64, 0, 50, -32), (5, 5, 50, 5)],
)
def test_percent_are_a_share_of_the_range(low: int, high: int, percent: int, raw: int) -> None:
    control = Control(volumes={CAPTURE: Volume(low, high, (low,))})
    assert aim(MixerSetting("PGA", percent=percent), control) == Target(CAPTURE, raw)


@pytest.mark.parametrize(
    ("wanted_db", "clipped"),
    [(20.0, ""), (20.2, ""), (51.5, ""), (-12.0, ""), (51.51, "-12 to 51.5 dB"), (-130, "-12 to 51.5 dB")],
)
def test_decibels_are_looked_up_on_the_controls_own_scale(wanted_db: float, clipped: str) -> None:
    asked: list[tuple[Side, float]] = []

    def scale(side: Side, wanted_db: float) -> Decibels | None:
        asked.append((side, wanted_db))
        return Decibels(64, -12.0, 51.5)

    assert mixing.aim(MixerSetting("PGA", db=wanted_db), GAIN, scale) == Target(CAPTURE, 64, clipped)
    assert asked == [(CAPTURE, wanted_db)]


def test_a_volume_without_decibels() -> None:
    assert aim(MixerSetting("PGA", db=20), GAIN) == (
        "its volume has no decibels; give it in steps of 0 to 127, with `raw`"
    )


def test_a_switch_and_a_choice() -> None:
    assert aim(MixerSetting("Mic", switch=True, side=PLAYBACK), BOTH) == Target(PLAYBACK, value=True)
    assert aim(MixerSetting("ADC Input", choice="Line In"), SOURCE) == Target(None, "Line In")


@pytest.mark.parametrize("setting", [MixerSetting("Mic 2", raw=5), MixerSetting("Mic 2", switch=False)])
def test_what_is_one_and_the_same_on_both_sides_needs_no_side(setting: MixerSetting) -> None:
    for side in (None, CAPTURE, PLAYBACK):
        assert isinstance(aim(replace(setting, side=side), COMMON), Target)


@pytest.mark.parametrize(
    ("setting", "control", "why"),
    [
        (
            MixerSetting("Headset", raw=5),
            BOTH,
            'it has a capture volume and a playback volume; say which with `side = "capture"` or `"playback"`',
        ),
        (
            MixerSetting("Headset", switch=True),
            BOTH,
            'it has a capture switch and a playback switch; say which with `side = "capture"` or `"playback"`',
        ),
        (
            MixerSetting("PGA", switch=True),
            GAIN,
            "it has no switch, but a capture volume; correct it in the profile",
        ),
        (
            MixerSetting("PGA", raw=1, side=PLAYBACK),
            GAIN,
            "it has no playback volume, but a capture volume; correct it in the profile",
        ),
        (
            MixerSetting("ADC Input", percent=1),
            SOURCE,
            'it has no volume, but the choices "Mic", "Line In"; correct it in the profile',
        ),
        (
            MixerSetting("Mic 2", choice="Mic"),
            COMMON,
            "it has no choices that could be read, but a volume and a switch; correct it in the profile",
        ),
        (
            MixerSetting("Headset", choice="Mic"),
            Control(switches={CAPTURE: (True,)}),
            "it has no choices that could be read, but a capture switch; correct it in the profile",
        ),
        (
            MixerSetting("Odd", raw=1),
            Control(),
            "it has no volume, but nothing that could be read; correct it in the profile",
        ),
        (
            MixerSetting("ADC Input", choice="Lin In"),
            SOURCE,
            'it has no choice "Lin In"; did you mean "Line In"?',
        ),
        (
            MixerSetting("ADC Input", choice="Front"),
            SOURCE,
            'it has no choice "Front"; it has "Mic", "Line In"',
        ),
    ],
)
def test_what_does_not_fit_is_told_with_what_would(setting: MixerSetting, control: Control, why: str) -> None:
    assert aim(setting, control) == why


# What came of it


def standing_at(*values: int) -> Control:
    return Control(volumes={CAPTURE: Volume(0, 127, values)})


def test_it_stands_as_wanted_only_when_all_channels_do() -> None:
    target = Target(CAPTURE, 52)
    assert mixing.stands(standing_at(52, 52), target)
    assert not mixing.stands(standing_at(52, 51), target)
    assert not mixing.stands(Control(), target)
    assert mixing.stands(Control(switches={CAPTURE: (True, True)}), Target(CAPTURE, value=True))
    assert not mixing.stands(Control(switches={CAPTURE: (True, False)}), Target(CAPTURE, value=True))
    assert not mixing.stands(Control(), Target(CAPTURE, value=False))
    assert mixing.stands(SOURCE, Target(None, "Mic"))


@pytest.mark.parametrize(
    ("setting", "target", "before", "after", "line"),
    [
        (MixerSetting("PGA", raw=52), Target(CAPTURE, 52), GAIN, standing_at(52, 52), "PGA: 40 -> 52"),
        (
            MixerSetting("PGA", raw=52),
            Target(CAPTURE, 52),
            standing_at(40, 52),
            standing_at(52, 52),
            "PGA: 40/52 -> 52",
        ),
        (MixerSetting("PGA", raw=52), Target(CAPTURE, 52), standing_at(52), standing_at(52), ""),
        (
            MixerSetting("Mic", index=1, side=CAPTURE, switch=False),
            Target(CAPTURE, value=False),
            BOTH,
            Control(switches={CAPTURE: (False,)}),
            "Mic,1 (capture): on -> off",
        ),
        (
            MixerSetting("ADC Input", choice="Line In"),
            Target(None, "Line In"),
            SOURCE,
            replace(SOURCE, chosen="Line In"),
            'ADC Input: "Mic" -> "Line In"',
        ),
        (MixerSetting("PGA", raw=52), Target(CAPTURE, 52), GAIN, Control(), "PGA: 40 -> nothing"),
    ],
)
def test_a_change_is_one_line(
    setting: MixerSetting, target: Target, before: Control, after: Control, line: str
) -> None:
    assert mixing.change(setting, target, before, after) == line


@pytest.mark.parametrize(
    ("setting", "target", "after", "line"),
    [
        (MixerSetting("PGA", raw=52), Target(CAPTURE, 52), standing_at(52, 52), ""),
        (
            MixerSetting("PGA", raw=200),
            Target(CAPTURE, 127, "0 to 127"),
            standing_at(127, 127),
            "wanted 200, its range is 0 to 127: it is at 127; correct it in the profile",
        ),
        (
            MixerSetting("PGA", raw=100),
            Target(CAPTURE, 100),
            standing_at(60, 60),
            "wanted 100, the driver took 60; set the profile to what it takes, or see `dmesg`",
        ),
        (
            MixerSetting("PGA", percent=80),
            Target(CAPTURE, 102),
            GAIN,
            "wanted 80 %, step 102, the driver kept 40; set the profile to what it takes, or see `dmesg`",
        ),
        (
            MixerSetting("PGA", db=20.5),
            Target(CAPTURE, 65),
            standing_at(64, 65),
            "wanted 20.5 dB, step 65, the driver took 64/65; set the profile to what it takes, or see `dmesg`",
        ),
        (
            MixerSetting("PGA", switch=True),
            Target(CAPTURE, value=True),
            Control(switches={CAPTURE: (False,)}),
            "wanted on, the driver took off; set the profile to what it takes, or see `dmesg`",
        ),
        (
            MixerSetting("PGA", choice="Line In"),
            Target(None, "Line In"),
            SOURCE,
            'wanted "Line In", the driver took "Mic"; set the profile to what it takes, or see `dmesg`',
        ),
    ],
)
def test_what_fell_short_is_one_line_with_what_to_do(
    setting: MixerSetting, target: Target, after: Control, line: str
) -> None:
    assert mixing.shortfall(setting, target, GAIN, after) == line


def test_a_problem_names_card_control_and_side() -> None:
    setting = MixerSetting("Headset", side=CAPTURE, raw=60)
    assert mixing.about("Array", setting, "it is not there") == (
        "card Array, mixer control Headset (capture): it is not there"
    )


def test_names_that_a_device_gave_itself_cannot_steer_a_terminal_or_begin_a_line() -> None:
    device_named = Control(choices=("Mic\n", "\x1b[2J"), chosen="Mic\n")
    setting = MixerSetting("In\r", choice="Line")
    target = Target(None, "\x1b[2J")
    lines = (
        mixing.about("Array", setting, str(aim(setting, device_named))),
        mixing.change(setting, target, device_named, replace(device_named, chosen="\x1b[2J")),
    )
    assert lines == (
        'card Array, mixer control In\\r: it has no choice "Line"; it has "Mic\\n", "\\x1b[2J"',
        'In\\r: "Mic\\n" -> "\\x1b[2J"',
    )


@pytest.mark.parametrize(
    ("known", "hint"),
    [
        ([("PGA", 1), ("PGA", 2)], "of that name it has index 1, 2"),
        ([("PGAs", 0), ("Mic", 0)], 'did you mean "PGAs"?'),
        ([("Mic", 0)], "`amixer -D hw:CARD=Array scontrols` lists what is"),
        ([], "the card has no mixer controls"),
    ],
)
def test_a_missing_control_is_told_with_what_is_there(known: list[tuple[str, int]], hint: str) -> None:
    line = mixing.missing(MixerSetting("PGA", raw=52), known, "Array")
    assert line == f"wanted 52, it is not there; {hint}"


def test_a_mixer_that_does_not_answer_is_told_by_why() -> None:
    assert mixing.unreachable("Array", errno.ENODEV, "") == (
        "card Array: its mixer is not there, and is set when the card is opened again (No such device)"
    )
    assert "add this user to group `audio`" in mixing.unreachable("Array", errno.EACCES, "")
    assert mixing.unreachable("Array", errno.EINVAL, "line 3 is not understood") == (
        "card Array: its mixer does not answer; `amixer -D hw:CARD=Array` shows whether it does now "
        "(Invalid argument; line 3 is not understood)"
    )


# What mutes a microphone


def switch(*on: bool) -> Control:
    return Control(switches={CAPTURE: on})


def level(value: int, low: int = 0, high: int = 60) -> Control:
    return Control(volumes={CAPTURE: Volume(low, high, (value,))})


@pytest.mark.parametrize(
    ("controls", "muting"),
    [
        ({}, ""),
        ({"Mic": switch(False, False)}, "Mic"),
        ({"Mic": switch(True, False)}, ""),
        ({"Line": switch(False)}, "Line"),
        ({"Line": switch(False), "Aux": switch(False)}, ""),
        ({"Mic": switch(False), "Line": switch(True)}, "Mic"),
        ({"Mic": switch(True), "Line": switch(False)}, ""),
        ({"Mic 1": switch(False), "Mic 2": switch(True)}, ""),
        ({"Int Mic": switch(False), "Headset Mic": switch(False), "Line": switch(True)}, "Int Mic"),
        ({"Mic": switch(True), "Capture": switch(False)}, "Capture"),
        ({"Mic1": switch(False), "ADC": switch(False)}, "ADC"),
        ({"Mic": level(0)}, "Mic"),
        ({"Mic": level(1)}, ""),
        ({"Headset": level(-5, low=-5)}, "Headset"),
        ({"Fixed": level(3, low=3, high=3)}, ""),
        ({"Mic": level(0), "Line": level(0)}, ""),
        ({"Mic": switch(True), "PGA": level(0)}, "PGA"),
    ],
)
def test_which_control_mutes_the_microphone(controls: dict[str, Control], muting: str) -> None:
    assert mixing.muting(controls) == muting
