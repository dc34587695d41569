"""What `gatewayd devices` found, as a person reads it: a block for each card that may hear, a line for each other."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gatewayd.cli.devices_report import CardFound, Choice, DevicesReport, EvidenceFound, ProfileConsidered
    from gatewayd.hardware.inventory import Board, UsbIdentity

LABEL_CELLS = 14
CONTROLS_WIDTH = 90
"""Characters of a line of mixer controls, of which a codec has dozens."""
RUNNERS_UP_MAX = 3
"""Profiles that are not used and yet shown with what speaks against them."""

_GOOD, _WAITING, _BAD, _RESET = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m"


def table(report: DevicesReport, *, colours: bool) -> str:
    """Lines of text, without a newline at the end; `colours` adds terminal colours to what was decided."""
    paint = _Paint(colours)
    microphones = [card for card in report.cards if not card.no_microphone]
    others = [card for card in report.cards if card.no_microphone]
    blocks = [_board(report.board)]
    blocks += [_card(card, paint) for card in microphones]
    if others:
        blocks.append(_others(others))
    if report.auto is not None:
        blocks.append("\n".join(_choice('with profile = "auto"', report.auto, paint)))
    if report.stations:
        lines = [f"stations of {one_line(report.configuration or '')}:"]
        lines += [line for choice in report.stations for line in _choice(choice.station, choice, paint)]
        blocks.append("\n".join(lines))
    if report.problems:
        blocks.append("\n".join(["problems:", *(f"  {paint.bad('!')} {one_line(line)}" for line in report.problems)]))
    # Two boards of one kind need one profile.
    drafts = {card.new_profile: card for card in reversed(microphones) if card.new_profile}
    blocks += [_draft(card) for card in reversed(drafts.values())]
    return "\n\n".join(blocks)


class _Paint:
    """Colours, or none."""

    def __init__(self, colours: bool) -> None:
        self._colours = colours

    def good(self, text: str) -> str:
        return self._in(_GOOD, text)

    def waiting(self, text: str) -> str:
        return self._in(_WAITING, text)

    def bad(self, text: str) -> str:
        return self._in(_BAD, text)

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_RESET}" if self._colours else text


def _board(board: Board) -> str:
    if not board.model:
        return "a computer without a device tree"
    hat = ", ".join(one_line(part) for part in (board.hat_product, board.hat_vendor) if part)
    return f"{one_line(board.model)}; HAT: {hat or 'none that tells of itself'}"


def _card(card: CardFound, paint: _Paint) -> str:
    lines = [
        f"{one_line(card.id)}  {one_line(card.name)}".rstrip()
        + f"  (card {card.number}, which changes from boot to boot)"
    ]
    lines += _row("device", [one_line(card.device)])
    lines += _row("usb", _usb(card.usb))
    lines += _row("port", [" = ".join(_ports(card)) or "not known"])
    lines += _row("driver", [_driver(card)])
    lines += _row("captures", _offers(card.capture_devices, card.capture_offers))
    lines += _row("plays", _offers(card.playback_devices, card.playback_offers))
    lines += _row("controls", _controls(card.controls))
    lines += _row("profile", list(_profiles(card, paint)))
    lines += _row("not used", _not_used(card.profiles))
    return "\n".join(lines)


def _row(label: str, texts: Iterable[str]) -> list[str]:
    """`  label         first text`, and every further text below the first."""
    return [f"  {label if position == 0 else '':<{LABEL_CELLS}}{text}" for position, text in enumerate(texts)]


def _usb(usb: UsbIdentity | None) -> list[str]:
    if usb is None:
        return []
    told = [f"{usb.id} {usb.product}".rstrip()]
    told += [f"by {usb.manufacturer}"] if usb.manufacturer else []
    told += [f"serial {usb.serial}"] if usb.serial else []
    return [one_line(", ".join(told))]


def _ports(card: CardFound) -> list[str]:
    names = (card.port, card.usb.path if card.usb is not None else "")
    return [one_line(name) for name in dict.fromkeys(names) if name]


def _driver(card: CardFound) -> str:
    names = [one_line(name) for name in dict.fromkeys((card.driver, card.kernel_driver)) if name]
    tree = f"; device tree {', '.join(one_line(name) for name in card.compatible)}" if card.compatible else ""
    return (", ".join(names) or "not known") + tree


def _offers(devices: Sequence[int] | None, offers: Sequence[object]) -> list[str]:
    if devices == ():
        return ["nothing"]
    if offers:
        return [one_line(str(offer)) for offer in offers]
    return ["not known whether" if devices is None else "yes; what exactly only its driver tells"]


def _controls(controls: Sequence[str] | None) -> list[str]:
    if controls is None:
        return ["not known"]
    names = ", ".join(one_line(name) for name in controls)
    return textwrap.wrap(names, CONTROLS_WIDTH, break_on_hyphens=False) or ["none"]


def _profiles(card: CardFound, paint: _Paint) -> Iterator[str]:
    best = [each for each in card.profiles if each.best]
    if not best:
        yield paint.bad("none matches")
    elif len(best) > 1:
        yield paint.bad(f"{len(best)} match equally well")
    for each in best:
        colour = paint.waiting if each.generic or len(best) > 1 else paint.good
        yield f"{colour(one_line(each.name))}, {_points(each.points)}"
        yield from _evidence(each.evidence)


def _points(points: int) -> str:
    return f"{points} point{'s' * (points != 1)}"


def _evidence(evidence: Sequence[EvidenceFound]) -> Iterator[str]:
    for each in evidence:
        mark = f"{f'+{each.points}':>5}" if each.points else f"{'':>4}{'x' if each.excludes else '.'}"
        yield f"{mark}  {one_line(each.text)}"


def _not_used(profiles: Sequence[ProfileConsidered]) -> Iterator[str]:
    """Those that come close with what speaks against them, and the generic ones by name."""
    others = [each for each in profiles if not each.best and each.points]
    close = [each for each in others if not each.generic]
    for each in close[:RUNNERS_UP_MAX]:
        yield f"{one_line(each.name)}, {'excluded' if each.excluded else _points(each.points)}"
        yield from _evidence(each.evidence)
    if len(close) > RUNNERS_UP_MAX:
        yield f"and {len(close) - RUNNERS_UP_MAX} more, with --json"
    generic = [one_line(each.name) for each in others if each.generic]
    if generic:
        yield f"{', '.join(generic)}, for want of a better one"


def _others(cards: Sequence[CardFound]) -> str:
    rows = [
        (one_line(card.id), one_line(card.name), one_line(card.device), " = ".join(_ports(card)), card.no_microphone)
        for card in cards
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) + f"  {one_line(row[4])}"
        for row in rows
    ]
    return "\n".join(["no microphones:", *lines])


def _choice(label: str, choice: Choice, paint: _Paint) -> Iterator[str]:
    if choice.problem is not None:
        yield f"{one_line(label)}: {paint.bad('nothing')}"
        for line in choice.problem.split("; "):
            yield f"  {one_line(line)}"
        return
    by = f"by {one_line(choice.profile)}" if choice.profile else "as configured"
    yield f"{one_line(label)}: {paint.good(one_line(choice.device or '?'))}, {by}"
    yield from _row("captures", [choice.capture or "as its driver can, which only the device itself tells"])
    if choice.capture:
        yield from _row("plays", [choice.playback or "nothing"])
    yield from _row("note", [one_line(note) for note in choice.notes])


def _draft(card: CardFound) -> str:
    name = f"/etc/gatewayd/hw-profiles/{card.new_profile_name}.toml"
    return (
        f"{one_line(card.id)} has no profile of its own. The beginning of one, for {name}\n"
        f"(docs/adding-a-board.md says how to go on):\n\n{card.new_profile}"
    )
