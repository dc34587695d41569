"""The content of configuration files to one valid configuration, without touching any file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatewayd.configuration.entries import Branch, Entry, entries, overlay, walk
from gatewayd.configuration.kinds import Invalid
from gatewayd.configuration.model import UNKNOWN_ORIGIN
from gatewayd.configuration.report import Report, place_of
from gatewayd.configuration.rules import check_rules
from gatewayd.configuration.schema import ROOT
from gatewayd.configuration.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewayd.configuration.entries import Source
    from gatewayd.configuration.model import Configuration


def parse(sources: Sequence[Source], report: Report | None = None) -> Configuration:
    """Lay `sources` over each other in their order (tables merge, all else is replaced) and validate the whole.

    `report` may bring problems from reading files. Raises `ConfigurationInvalid` with all problems at once.
    """
    report = report or Report()
    root: Entry = Branch(sources[0].name if sources else UNKNOWN_ORIGIN, {})
    for source in sources:
        tree = parse_source(source, report)
        root = root if tree is None else overlay(root, tree)
    configuration = ROOT.read(root, (), report)
    assert not isinstance(configuration, Invalid), "a table without required keys is never invalid"  # noqa: S101 - for mypy
    check_rules(configuration, root, report)
    report.raise_if_any()
    return replace(configuration, origins={place_of(path): entry.source for path, entry in walk(root)})


def parse_source(source: Source, report: Report) -> Entry | None:
    """One file's tree; None, with the reason in `report`, where it is no TOML."""
    try:
        return entries(parse_toml(source.data), source.name)
    except ValueError as error:
        report.add_file(source.name, str(error))
        return None
