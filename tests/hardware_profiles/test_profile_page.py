from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gatewayd.hardware.profile import Match
from gatewayd.hardware.profile_page import main, update
from gatewayd.hardware.profile_text import captures, echo, facts, plays, recognised_by, recovery, sureness
from gatewayd.hardware.profiles import load_profiles
from gatewayd.resources import resource_dir
from tests.hardware_profiles.texts import BOARD, SMALL, WHOLE, read

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "hardware.md"
SHIPPED = load_profiles([resource_dir("hw-profiles")])


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert update(page, SHIPPED.values()) == page, "run: python -m gatewayd.hardware.profile_page docs/hardware.md"


def test_the_page_is_brought_up_to_date_by_its_command(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    stale = tmp_path / "hardware.md"
    stale.write_text(page.replace("1415:2000", "0000:0000"), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "gatewayd.hardware.profile_page", str(stale)], check=True)
    assert stale.read_text(encoding="utf-8") == page
    main(str(stale))
    assert stale.read_text(encoding="utf-8") == page


def test_a_marker_must_mean_something() -> None:
    with pytest.raises(KeyError, match="photographs"):
        update("<!-- profiles photographs -->\n<!-- end -->", [])


def test_the_page_has_every_profile_once_in_each_part() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for name in SHIPPED:
        assert len([line for line in lines if line.startswith(f"| [{name}](#{name}) | ")]) == 1
        assert lines.count(f"### {name}") == 1


def test_a_board_as_a_row_and_as_a_section() -> None:
    board = replace(read(BOARD), description="A board | or two")
    page = "<!-- profiles overview -->\nold\n<!-- end -->\n\n<!-- profiles details: by hand -->\n<!-- end -->\n"
    assert update(page, [board]) == (
        "<!-- profiles overview -->\n\n"
        "| profile | board | recognised by | captures | plays | echo | when it gives nothing usable | facts |\n"
        "|---|---|---|---|---|---|---|---|\n"
        "| [board](#board) | A board \\| or two | USB 2886:001a | S32_LE 48000 Hz 2 ch, channel 0 | as capture | - | "
        "reopen, alarm | 1 one-rig, 5 unverified |\n"
        "<!-- end -->\n\n"
        "<!-- profiles details: by hand -->\n\n"
        "### board\n\n"
        "A board | or two.\n\n"
        "| fact | value | confidence | where it comes from |\n"
        "|---|---|---|---|\n"
        '| `match.usb_ids` | ["2886:001a"] | one-rig | a drawer |\n'
        "| `capture.rate_hz` | 48000 | unverified | a hunch |\n"
        '| `capture.format` | "S32_LE" | unverified | a hunch |\n'
        "| `capture.channels` | 2 | unverified | a hunch |\n"
        "| `capture.pick` | [0] | unverified | a hunch |\n"
        '| `capture.why_pick` | "The left one." | unverified | a hunch |\n'
        "<!-- end -->\n"
    )


def test_a_board_with_everything_in_words() -> None:
    whole = read(WHOLE)
    assert recognised_by(whole.match) == (
        "USB 2886:001a; product Board; driver snd-board; device tree board,board; with control PGA; "
        "without control PCM; port 1-1.2; card id Array, Board, where no other profile matches"
    )
    assert captures(whole.capture) == "S24_LE 44100 Hz 4 ch, channels 1, 2"
    assert plays(whole.playback) == "FLOAT_LE 8000 Hz 1 ch"
    assert (echo(whole), recovery(whole)) == ("board", "reopen, reopen-duplex, usb-reset, alarm")
    assert sureness(whole) == "1 measured, 12 driver-source, 12 vendor-file, 10 one-rig, 3 unverified"
    assert [(fact.place, fact.value, fact.confidence.value) for fact in facts(whole) if "mixer" in fact.place] == [
        ("mixer.PGA", "index 1, capture, raw -3, optional", "vendor-file"),
        ("mixer.PCM", "percent 80", "vendor-file"),
        ("mixer.Line", "playback, db -6", "vendor-file"),
        ("mixer.Mic", "switch true", "vendor-file"),
        ("mixer.ALC Function", 'choice "Off"', "measured"),
    ]


def test_a_board_with_nothing_in_words() -> None:
    small = read(SMALL)
    assert recognised_by(small.match) == "nothing: used by its name"
    assert recognised_by(Match(generic=True)) == "any card, where no other profile matches"
    assert captures(small.capture) == "the best the card offers"
    assert plays(small.playback) == "as capture"
    assert (echo(small), sureness(small), facts(small)) == ("-", "", ())
    assert plays(replace(small.playback, enabled=False)) == "no speaker"


@pytest.mark.parametrize("page", ["configuration.md", "adding-a-board.md"])
def test_profiles_shown_in_the_docs_are_sound(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    examples = [found for found in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) if found.startswith("name = ")]
    assert examples
    for example in examples:
        name = example.partition('"')[2].partition('"')[0]
        assert read(example, f"{name}.toml").provenance
