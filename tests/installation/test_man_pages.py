from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

import pytest

from gatewayd.cli.main import COMMANDS
from gatewayd.cli.options import CommandParser
from gatewayd.errors import ExitCode
from installation.command_line import command_parsers, whole_parser
from installation.man_pages import EXIT_CODES, pages

if TYPE_CHECKING:
    from pathlib import Path

REQUESTS = {".TH", ".SH", ".PP", ".TP", ".EX", ".EE"}
ESCAPES = re.compile(r"\\(?:e|-|&|f[BIR]|\((?:aq|ga|ha|ti|dq))")


@pytest.fixture(scope="module")
def top() -> argparse.ArgumentParser:
    return whole_parser()


def plain(page: str) -> str:
    return page.replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "")


def test_every_command_has_a_page(made: Path) -> None:
    names = {path.name for path in (made / "man1").iterdir()}
    assert names == {"gatewayd.1", *(f"gatewayd-{command.name}.1" for command in COMMANDS)}


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_a_page_tells_every_option(command: str, made: Path, top: argparse.ArgumentParser) -> None:
    page = plain((made / "man1" / f"gatewayd-{command}.1").read_text())
    assert f"\ngatewayd {command} [" in page
    for action in command_parsers(top)[command]._actions:
        for option in action.option_strings:
            assert re.search(rf"^(?:.*, )?{re.escape(option)}\b", page, re.MULTILINE), option
        assert not action.option_strings or f"[{action.option_strings[0]}" in page


def test_a_page_has_only_requests_and_escapes_of_man(made: Path) -> None:
    for path in (made / "man1").iterdir():
        text = path.read_text()
        assert {line.split(" ")[0] for line in text.splitlines() if line.startswith((".", "'"))} <= REQUESTS
        assert "\\" not in ESCAPES.sub("", text)


def test_the_overview_lists_commands_and_exit_codes(made: Path) -> None:
    page = plain((made / "man1" / "gatewayd.1").read_text())
    for command in COMMANDS:
        assert f"gatewayd-{command.name}(1)\n" in page
    assert set(EXIT_CODES) == set(ExitCode)
    assert "\n78\nthe configuration is wrong\n" in page


def test_what_a_person_wrote_is_shown_as_such() -> None:
    top = CommandParser(prog="gatewayd")
    commands = top.add_subparsers()
    for command in COMMANDS:
        commands.add_parser(
            command.name,
            description=".begins like a request\nand 'quotes' a\\b\n\n  stands\n  as it is",
            epilog="More.\n\nExample:\n  gatewayd --it",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    page = pages(top)["gatewayd-run.1"]
    assert (
        ".SH DESCRIPTION\n\\&.begins like a request\nand \\(aqquotes\\(aq a\\eb\n.PP\n.EX\n  stands\n  as it is\n.EE\n"
        ".PP\nMore.\n.SH OPTIONS\n"
    ) in page
    assert ".SH EXAMPLES\n.EX\ngatewayd \\-\\-it\n.EE\n" in page
