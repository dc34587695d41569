"""Manual pages, made from the command line's own parsers so that they cannot go stale.

The format is that of man(7). No date stands in them: the same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from gatewayd import __version__
from gatewayd.cli.main import COMMANDS
from gatewayd.cli.options import DEFAULT_CONFIGURATION
from gatewayd.errors import ExitCode
from installation.command_line import command_parsers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SECTION = 1
EXIT_CODES = {
    ExitCode.OK: "asked to stop, or done",
    ExitCode.USAGE: "wrong usage",
    ExitCode.UNAVAILABLE: "a service or device is unavailable",
    ExitCode.INTERNAL: "internal error: a bug",
    ExitCode.TRY_AGAIN: "try again",
    ExitCode.CONFIGURATION: "the configuration is wrong",
}
FILES = {
    str(DEFAULT_CONFIGURATION): "the configuration; docs/configuration.md explains every key",
    "/etc/gatewayd/conf.d/*.toml": "drop-ins, laid over it in the order of their names",
    "/etc/gatewayd/hw-profiles/*.toml": "profiles of boards that gatewayd does not know, or knows wrongly",
    "/run/gatewayd/control.sock": "the daemon's control socket",
}
_ESCAPES = str.maketrans(
    {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", '"': "\\(dq"}
)
ENVIRONMENT = {"GATEWAYD_CONFIG": "the configuration, where --config names none"}


def pages(top: argparse.ArgumentParser) -> dict[str, str]:
    """gatewayd(1) and one page for each command of the whole parser `top`, by file name."""
    parsers = command_parsers(top)
    made = {f"gatewayd.{SECTION}": _lines(_overview(top))}
    for command in COMMANDS:
        page = _page(f"gatewayd-{command.name}", command.help, parsers[command.name])
        made[f"gatewayd-{command.name}.{SECTION}"] = _lines([*page, *_section("SEE ALSO", [_reference("gatewayd")])])
    return made


def _overview(top: argparse.ArgumentParser) -> Iterator[str]:
    yield from _page("gatewayd", "voice terminal of a cloud agent", top)
    yield from _section("COMMANDS", _terms({f"gatewayd-{item.name}({SECTION})": item.help for item in COMMANDS}))
    yield from _section("EXIT STATUS", _terms({str(int(code)): text for code, text in EXIT_CODES.items()}))
    yield from _section("ENVIRONMENT", _terms(ENVIRONMENT))
    yield from _section("FILES", _terms(FILES))
    yield from _section("SEE ALSO", [",\n".join(_reference(f"gatewayd-{command.name}") for command in COMMANDS)])


def _page(title: str, short: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f'.TH {_escaped(title.upper())} {SECTION} "" "gatewayd {_escaped(__version__)}" "gatewayd"'
    yield from _section("NAME", [f"{_escaped(title)} \\- {_escaped(short)}"])
    yield from _section("SYNOPSIS", _synopsis(parser))
    text, _, examples = (parser.epilog or "").partition("Example:")
    yield from _section("DESCRIPTION", _paragraphs(f"{parser.description or ''}\n\n{text}"))
    yield from _section("OPTIONS", _options(parser))
    yield from _section("EXAMPLES", _example(examples))


def _section(heading: str, lines: Iterable[str]) -> Iterator[str]:
    inside = list(lines)
    if inside:
        yield f".SH {heading}"
        yield from inside


def _synopsis(parser: argparse.ArgumentParser) -> Iterator[str]:
    words = parser.format_usage().removeprefix("usage: ").split()
    name = parser.prog.split()
    yield f"\\fB{_escaped(' '.join(name))}\\fR {_escaped(' '.join(words[len(name) :]))}"


def _paragraphs(text: str) -> Iterator[str]:
    """Filled paragraphs; one whose lines are indented is shown as it stands."""
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
        if number:
            yield ".PP"
        if paragraph.startswith(" "):
            yield from _as_it_stands(paragraph)
        elif paragraph:
            yield from (_line(line.strip()) for line in paragraph.splitlines())


def _example(text: str) -> Iterator[str]:
    if text.strip():
        yield from _as_it_stands("\n".join(line.strip() for line in text.strip().splitlines()))


def _as_it_stands(text: str) -> Iterator[str]:
    yield ".EX"
    yield from (_line(line) for line in text.splitlines())
    yield ".EE"


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    formatter = parser._get_formatter()  # noqa: SLF001 - expands %(default)s as --help does
    actions = parser._actions  # noqa: SLF001 - argparse tells its arguments in no other way
    for action in sorted(actions, key=lambda action: bool(action.option_strings)):
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            continue
        value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
        shown = f"\\fI{_escaped(value)}\\fR"
        if action.option_strings:
            suffix = "" if action.nargs == 0 else f" {shown}"
            shown = ", ".join(f"\\fB{_escaped(option)}\\fR{suffix}" for option in action.option_strings)
        yield ".TP"
        yield shown
        yield _line(formatter._expand_help(action) if action.help else "")  # noqa: SLF001 - as above


def _terms(terms: dict[str, str]) -> Iterator[str]:
    for term, text in terms.items():
        yield ".TP"
        yield f"\\fB{_escaped(term)}\\fR"
        yield _line(text)


def _reference(name: str) -> str:
    return f"\\fB{_escaped(name)}\\fR({SECTION})"


def _line(text: str) -> str:
    """A line of running text, which must not begin like a request."""
    escaped = _escaped(text)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _escaped(text: str) -> str:
    """`text` for man(7), in which what a person may copy stays what it is: hyphens, quotes, carets."""
    return text.translate(_ESCAPES)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
