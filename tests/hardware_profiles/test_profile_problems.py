"""What is said of a profile that is wrong: the key, what is wrong with it, and what would be right."""

from __future__ import annotations

import re

import pytest

from gatewayd.configuration.entries import Source
from gatewayd.hardware.profiles import parse_profiles
from tests.hardware_profiles.texts import BOARD, WHOLE, problems_of

TRANSCRIPT = r"""
capture.rate_hz = 44000
  - capture.rate_hz: must be 8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000 or 96000 Hz, not 44000

capture.format = "S16_BE"
  - capture.format: must be "S16_LE", "S24_LE", "S24_3LE", "S32_LE" or "FLOAT_LE"

capture.channels = 17
  - capture.channels: must be a whole number from 1 to 16, not 17

capture.warm_up_ms = 10001
  - capture.warm_up_ms: must be a whole number from 0 to 10000 ms, not 10001

capture.warmup_ms = 1
  - capture.warmup_ms: is not a known key; did you mean capture.warm_up_ms?

capture.echo_cancelled = 1
  - capture.echo_cancelled: must be true or false, not a whole number

playback.keep_alive = "yes"
  - playback.keep_alive: must be true or false, not text

match.usb_ids = ["2886:001A"]
  - match.usb_ids: item 1 must be vendor:product in lower-case hexadecimal, such as 2886:001a

match.card_ids = ["a card"]
  - match.card_ids: item 1 must be an ALSA card id, as in /proc/asound/cards

match.card_ids = ["a", "a"]
  - match.card_ids: names something twice; each may stand there once

match.usb = ["2886:001a"]
  - match.usb: is not a known key; did you mean match.usb_ids?

match.controls = ["PGA Capture Volume"]
  - match.controls: names a control in full; its mixer element, as `amixer scontrols` prints it, is PGA

match.without_controls = ["PCM"]
  - match.without_controls: recognises nothing by itself; give what the board does have, or leave it out for a profile
    used by name

match.controls = ["PGA", "HP"]
match.without_controls = ["HP", "PGA"]
  - match.without_controls: names PGA or HP, which match.controls asks for

capture.channels = 2
  - capture.why_pick: is missing; say which channel carries what, and why these are used

capture.pick = [0]
  - capture.why_pick: is missing; say which channel carries what, and why these are used

capture.channels = 2
capture.pick = [2]
capture.why_pick = "It is the best."
  - capture.pick: picks channel 2; of 2 there are channels 0 to 1

capture.buffer_ms = 30
capture.period_ms = 20
  - capture.buffer_ms: is 30, less than two periods of 20 ms

playback.period_ms = 100
  - playback.buffer_ms: is 120, less than two periods of 100 ms

playback.enabled = false
playback.keep_alive = true
  - playback.keep_alive: asks for playback, and playback.enabled is false

playback.enabled = false
duplex.same_parameters = true
duplex.capture_needs_playback = true
  - duplex.same_parameters: asks for playback, and playback.enabled is false
  - duplex.capture_needs_playback: asks for playback, and playback.enabled is false

capture.rate_hz = 48000
playback.rate_hz = 16000
duplex.same_parameters = true
  - playback.rate_hz: differs from capture.rate_hz, and duplex.same_parameters is true; leave it out

playback.channels = 2
duplex.same_parameters = true
  - playback.channels: differs from capture.channels, and duplex.same_parameters is true; leave it out

duplex.same_rate = true
  - duplex.same_rate: is not a known key; did you mean duplex.same_parameters?

recovery.steps = []
  - recovery.steps: must be an array of 1 to 4, each "reopen", "reopen-duplex", "usb-reset" or "alarm"; it has 0

recovery.steps = ["reboot"]
  - recovery.steps: item 1 must be "reopen", "reopen-duplex", "usb-reset" or "alarm"

recovery.steps = ["alarm", "reopen"]
  - recovery.steps: goes on after alarm; a person is called last

playback.enabled = false
recovery.steps = ["reopen-duplex"]
  - recovery.steps: has reopen-duplex, and playback.enabled is false

mixer = 3
  - mixer: must be up to 64 tables, each [[mixer]], not a whole number

[mixer]
control = "PGA"
  - mixer: must be up to 64 tables, each [[mixer]], not a table

[[mixer]]
raw = 1
  - mixer.1.control: is missing; it must be a mixer control, as `amixer scontrols` prints it

[[mixer]]
control = "PGA"
  - mixer.1: has no value; give one of raw, percent, db, switch, choice

[[mixer]]
control = "HP"
raw = 3
[[mixer]]
control = "PGA"
raw = 1
db = 2
  - mixer.2: has raw and db; give one of raw, percent, db, switch, choice

[[mixer]]
control = "PGA"
side = "input"
percent = 101
  - mixer.1.side: must be "capture" or "playback"
  - mixer.1.percent: must be a whole number from 0 to 100 %, not 101

[[mixer]]
control = "Headphone Playback Volume"
raw = 1
[[mixer]]
control = "Left Boost Mixer LINPUT1 Switch"
switch = true
[[mixer]]
control = "Capture Volume"
raw = 1
  - mixer.1.control: names a control in full; its mixer element, as `amixer scontrols` prints it, is Headphone
  - mixer.2.control: names a control in full; its mixer element, as `amixer scontrols` prints it, is
    "Left Boost Mixer LINPUT1"
  - mixer.3.control: names a control in full; its mixer element, as `amixer scontrols` prints it, is Capture

[[mixer]]
control = "PGA"
value = 3
raw = 1
  - mixer.1.value: is not a known key; known here: control, index, side, optional, raw, percent, db, switch, choice
"""


def transcript(text: str) -> list[tuple[str, list[str]]]:
    """Blocks of TOML and, indented, what is said of it."""
    blocks = [block.partition("\n  - ") for block in text.strip("\n").split("\n\n")]
    return [(keys, [" ".join(each.split()) for each in told.split("\n  - ")]) for keys, _, told in blocks]


def with_provenance(keys: str) -> str:
    """A board of these keys, with provenance for the tables they are of."""
    tables = dict.fromkeys(re.findall(r"^\[*(match|capture|playback|duplex|recovery|mixer)\b", keys, re.MULTILINE))
    told = [f'{name} = {{ confidence = "unverified", source = "a hunch" }}' for name in tables]
    return "\n".join(['name = "board"', 'description = "A board"', keys, "[provenance]", *told])


@pytest.mark.parametrize(("keys", "told"), transcript(TRANSCRIPT))
def test_what_is_wrong_with_a_profile(keys: str, told: list[str]) -> None:
    assert problems_of(with_provenance(keys)) == [f"board.toml: {problem}" for problem in told]


def test_a_mixer_has_an_end() -> None:
    assert problems_of(with_provenance("[[mixer]]\ncontrol = 'PGA'\nraw = 1\n" * 65)) == [
        "board.toml: mixer: must be up to 64 tables; it has 65"
    ]


def test_playback_may_repeat_what_capture_has() -> None:
    text = with_provenance("capture.rate_hz = 48000\nplayback.rate_hz = 48000\nduplex.same_parameters = true")
    assert parse_profiles([Source("board.toml", text.encode())])["board"].playback.rate_hz == 48000


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = """
    quirk = 1
    capture = 3
    mixer = [1]
    [provenance]
    capture = 3
    match = { confidence = "sure", from = "me" }
    """
    assert problems_of(text) == [
        "board.toml: quirk: is not a known key; did you mean quirks?",
        "board.toml: capture: must be a table, [capture], not a whole number",
        "board.toml: mixer: must be up to 64 tables, each [[mixer]]",
        "board.toml: provenance.capture: must be a table, [provenance.capture], not a whole number",
        (
            'board.toml: provenance.match.confidence: must be "measured", "driver-source", "vendor-file", "one-rig" or '
            '"unverified"'
        ),
        "board.toml: provenance.match.from: is not a known key; known here: confidence, source",
        "board.toml: provenance.match.source: is missing; it must be text",
        "board.toml: name: is missing; it must be letters, digits, dashes and underscores",
        "board.toml: description: is missing; it must be text",
    ]


def test_problems_of_all_profiles_come_at_once() -> None:
    bad = BOARD.replace("channels = 2", "channels = 0")
    assert problems_of(bad, "x = [", bad) == [
        "board.toml: capture.channels: must be a whole number from 1 to 16, not 0",
        "board.toml: line 1, column 6: is not TOML: Invalid value",
        "board.toml: capture.channels: must be a whole number from 1 to 16, not 0",
    ]


def test_a_profile_is_called_as_its_file() -> None:
    assert problems_of(BOARD, name="other.toml") == [
        "other.toml: name: differs from the name of the file; they must be the same"
    ]


def test_no_profile_is_called_auto() -> None:
    assert problems_of(BOARD.replace('"board"', '"auto"'), name="auto.toml") == [
        "auto.toml: name: cannot be auto, which stands for finding a profile"
    ]


class TestProvenance:
    def test_it_is_asked_for_as_a_whole(self) -> None:
        bare = BOARD.partition("[provenance]")[0]
        assert problems_of(bare) == ["board.toml: provenance: is missing; it must be one table for each place"]
        assert problems_of(f"provenance = 'a drawer'\n{bare}") == [
            "board.toml: provenance: must be one table for each place, [provenance.PLACE], not text"
        ]

    def test_each_table_tells_what_it_lacks(self) -> None:
        bare = WHOLE.partition("[provenance]")[0]
        told = '[provenance]\n"capture.gain_db" = { confidence = "one-rig", source = "ears" }'
        assert [problem.partition("; ") for problem in problems_of(bare + told)] == [
            ("board.toml: quirks: has no provenance", "; ", "add quirks to [provenance]"),
            *(
                (
                    f"board.toml: {table}: no provenance for {keys}",
                    "; ",
                    f"add {table} to [provenance], or each of them as {first}",
                )
                for table, keys, first in (
                    (
                        "match",
                        "usb_ids, products, drivers, device_tree, controls, without_controls, ports, card_ids, generic",
                        '"match.usb_ids"',
                    ),
                    (
                        "capture",
                        (
                            "device, rate_hz, format, channels, pick, highpass_hz, period_ms, buffer_ms, warm_up_ms, "
                            "echo_cancelled, mute_gives_zeros"
                        ),
                        '"capture.device"',
                    ),
                    (
                        "playback",
                        "enabled, device, rate_hz, format, channels, volume, period_ms, buffer_ms, keep_alive",
                        '"playback.enabled"',
                    ),
                    ("duplex", "same_parameters, capture_needs_playback", '"duplex.same_parameters"'),
                    ("recovery", "steps", '"recovery.steps"'),
                    ("mixer", 'PGA, PCM, Line, Mic, "ALC Function"', '"mixer.PGA"'),
                )
            ),
        ]

    def test_a_place_that_is_not_there_is_told_its_nearest(self) -> None:
        more = ('"capture.rate" = {', "foo = {")
        assert problems_of(BOARD + "\n".join(f'{each} confidence = "one-rig", source = "x" }}' for each in more)) == [
            (
                'board.toml: provenance."capture.rate": speaks for nothing that stands in this profile; '
                'did you mean "capture.rate_hz"?'
            ),
            "board.toml: provenance.foo: speaks for nothing that stands in this profile",
        ]

    def test_a_table_of_which_every_key_is_named_needs_no_word_of_its_own(self) -> None:
        assert problems_of(BOARD + '"match.usb_ids" = { confidence = "one-rig", source = "x" }') == [
            (
                "board.toml: provenance.match: speaks for nothing: each key of this table is named more exactly; "
                "leave it out"
            )
        ]

    def test_a_place_is_told_once(self) -> None:
        twice = (
            '"capture.pick" = { confidence = "one-rig", source = "x" }\n'
            '[provenance.capture.pick]\nconfidence = "one-rig"\nsource = "x"'
        )
        assert problems_of(BOARD.replace("capture = {", '"capture.rate_hz" = {') + twice) == [
            (
                "board.toml: capture: no provenance for format, channels; add capture to [provenance], or each of them "
                'as "capture.format"'
            ),
            'board.toml: provenance."capture.pick": stands there twice; each place may be told once',
        ]

    def test_what_is_wrong_already_is_not_asked_for_its_provenance(self) -> None:
        text = BOARD.replace("rate_hz = 48000", "rate = 48000").replace("capture = {", '"capture.format" = {')
        assert problems_of(text) == [
            "board.toml: capture.rate: is not a known key; did you mean capture.rate_hz?",
            (
                "board.toml: capture: no provenance for channels, pick; add capture to [provenance], or each of them "
                'as "capture.channels"'
            ),
        ]

    def test_it_may_speak_for_a_key_that_is_misspelled(self) -> None:
        assert problems_of(BOARD.replace("usb_ids =", "usb_idz =").replace("match = {", '"match.usb_ids" = {')) == [
            "board.toml: match.usb_idz: is not a known key; did you mean match.usb_ids?"
        ]


def test_provenance_that_is_wrong_itself_is_not_held_against_the_keys() -> None:
    bare = BOARD.partition("[provenance]")[0]
    problems = problems_of(f"provenance = 3\n{bare}")
    assert len(problems) == 1
    assert problems[0].startswith("board.toml: provenance: must be ")
