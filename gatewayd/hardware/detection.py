"""Decides which card a station's microphone is, and by which profile it is used.

Points decide between the profiles of one card. They say nothing of two cards, each of which may be known well: there
only counts that a profile made for this port comes before others, and one made for the board before a generic one. Two
cards that are equal in this, or two profiles of one card with the same score, are an error that says what to write to
settle it. Nothing is guessed, and nothing is ever written down for the next time: what is connected now is all that
counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.errors import DeviceAmbiguous, DeviceMissing
from gatewayd.hardware.matching import PORT, Score, at_port, cannot_capture, match, ports_of
from gatewayd.hardware.profile import Match
from gatewayd.hardware.profile_rules import AUTO
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from gatewayd.configuration.model import StationConfiguration
    from gatewayd.hardware.inventory import Board, Card, Inventory
    from gatewayd.hardware.profile import Profile

_REASONS_MAX = 8
"""Cards that a message lists with why each is not the one; a line must stay readable."""


@dataclass(frozen=True)
class Candidate:
    """A card that could be used, and the profile it would be used by."""

    card: Card
    profile: Profile
    score: Score

    @property
    def rank(self) -> tuple[bool, int, int]:
        """Compares the profiles of one card: one made for the board first, then the score."""
        return (not self.profile.match.generic, *self.score.rank)

    @property
    def standing(self) -> tuple[bool, bool, int]:
        """Compares cards: one whose port a profile is made for, then one that a profile is made for.

        Points count only between generic profiles, where they say that one asks for more: a USB microphone comes before
        whatever else captures.
        """
        generic = self.profile.match.generic
        at_its_port = any(each.matched and each.criterion == PORT for each in self.score.evidence)
        return at_its_port, not generic, self.score.points if generic else 0


@dataclass(frozen=True)
class Explanation:
    """What profiles make of one card."""

    card: Card
    best: tuple[Candidate, ...]
    """The profile it is used by; several where they match equally well; none where nothing does."""
    others: tuple[Candidate, ...]
    """Profiles that something speaks for and that are not used, best first; each with what did not match."""
    unusable: str
    """Why it is no microphone whatever matches, such as `a card that only plays`; empty if it may be one."""


@dataclass(frozen=True)
class Chosen:
    """What a station uses."""

    card: Card | None
    """None where nothing is known of the cards and the profile names its device."""
    profile: Profile
    score: Score
    """Why; without evidence where the configuration named profile and port."""


def candidates(inventory: Inventory, profiles: Mapping[str, Profile]) -> tuple[Candidate, ...]:
    """Every card with every profile that matches it, best first; generic ones only where no other profile matches."""
    return tuple(
        sorted(
            (candidate for card in inventory.cards for candidate in _of_card(card, inventory.board, profiles.values())),
            key=_best_first,
        )
    )


def explain(inventory: Inventory, profiles: Mapping[str, Profile]) -> tuple[Explanation, ...]:
    """What profiles make of each card, in the order of the cards."""
    return tuple(_explain(card, inventory.board, profiles) for card in inventory.cards)


def choose(
    station: StationConfiguration,
    inventory: Inventory,
    profiles: Mapping[str, Profile],
    *,
    claimed: Collection[str] = (),
) -> Chosen:
    """The card and profile of a station, as its `profile` and `port` say and as the evidence is.

    `claimed` are the ports of cards that other stations name: an "auto" station leaves them alone, and one that names a
    profile prefers others of the same score. Raises `DeviceMissing` with what was looked for and why each card is not
    it, `DeviceAmbiguous` with the lines of configuration that would settle it.
    """
    return _Choice(station, inventory, profiles, claimed).make()


def described(card: Card) -> str:
    """A card for a message: its id, its name and where it is connected."""
    name = f" ({card.name})" if card.name and card.name != card.id else ""
    ports = ports_of(card)
    where = f" at {' = '.join(ports)}" if ports else ""
    return f"{card.id}{name}{where}"


def _of_card(card: Card, board: Board, profiles: Iterable[Profile]) -> list[Candidate]:
    """The profiles that match a card: made for it, or else generic."""
    scored = (Candidate(card, profile, match(card, board, profile)) for profile in profiles)
    matching = [candidate for candidate in scored if candidate.score.matches]
    specific = [candidate for candidate in matching if not candidate.profile.match.generic]
    return specific or matching


def _explain(card: Card, board: Board, profiles: Mapping[str, Profile]) -> Explanation:
    best = _tops(_of_card(card, board, profiles.values()))
    used = {candidate.profile.name for candidate in best}
    scored = (Candidate(card, profile, match(card, board, profile)) for profile in profiles.values())
    others = [
        candidate
        for candidate in scored
        if candidate.profile.name not in used and any(each.matched for each in candidate.score.evidence)
    ]
    others.sort(key=lambda candidate: (candidate.score.excluded, *_best_first(candidate)))
    return Explanation(card, tuple(best), tuple(others), cannot_capture(card))


def _tops(found: Iterable[Candidate]) -> list[Candidate]:
    """All that share the best rank, in order."""
    ordered = sorted(found, key=_best_first)
    return [candidate for candidate in ordered if candidate.rank == ordered[0].rank]


def _best_first(candidate: Candidate) -> tuple[bool, int, int, int, str]:
    specific, points, agreement = candidate.rank
    return not specific, -points, -agreement, candidate.card.number, candidate.profile.name


class _Choice:
    """One station's choice."""

    def __init__(
        self,
        station: StationConfiguration,
        inventory: Inventory,
        profiles: Mapping[str, Profile],
        claimed: Collection[str],
    ) -> None:
        self._station = station
        self._inventory = inventory
        self._claimed = claimed
        self._named = profiles.get(station.profile) if station.profile != AUTO else None
        self._profiles = [self._named] if self._named is not None else list(profiles.values())
        if station.profile != AUTO and self._named is None:
            raise DeviceMissing(
                f"profile {station.profile}", "no profile has that name; `gatewayd profiles` lists them"
            )

    def make(self) -> Chosen:
        if self._named is not None and self._goes_by_its_device(self._named):
            return Chosen(None, self._named, Score(0, (), excluded=False))
        cards = [card for card in self._inventory.cards if self._may_be(card)]
        if self._named is not None and self._station.port is not None and self._named.match == Match():
            usable = [card for card in cards if not cannot_capture(card)]
            found = [Candidate(card, self._named, Score(0, (), excluded=False)) for card in usable]
        else:
            board = self._inventory.board
            found = [each for card in cards for each in _tops(_of_card(card, board, self._profiles))]
        best = max((candidate.standing for candidate in found), default=None)
        tops = self._unclaimed([candidate for candidate in found if candidate.standing == best])
        if not tops:
            raise DeviceMissing(self._wanted(), self._missing())
        if len({candidate.card.number for candidate in tops}) > 1:
            raise DeviceAmbiguous(self._wanted(), self._ambiguous_cards(tops))
        if len(tops) > 1:
            raise DeviceAmbiguous(self._wanted(), self._ambiguous_profiles(tops))
        return Chosen(tops[0].card, tops[0].profile, tops[0].score)

    def _goes_by_its_device(self, profile: Profile) -> bool:
        """Nothing can be recognised, and the profile leaves no doubt about the device."""
        if self._station.port is not None:
            return False
        nothing_known = not self._inventory.cards
        certain = profile.capture.device is not None or (nothing_known and len(profile.match.card_ids) == 1)
        return certain and (nothing_known or profile.match == Match())

    def _may_be(self, card: Card) -> bool:
        """Whether the configuration leaves this card to this station."""
        if self._station.port is not None:
            return at_port(card, self._station.port)
        return self._named is not None or not self._is_claimed(card)

    def _is_claimed(self, card: Card) -> bool:
        return any(at_port(card, port) for port in self._claimed)

    def _unclaimed(self, tops: list[Candidate]) -> list[Candidate]:
        """Of cards that would do equally well, those that no other station names, if there are any."""
        if self._station.port is not None:
            return tops
        return [candidate for candidate in tops if not self._is_claimed(candidate.card)] or tops

    def _wanted(self) -> str:
        what = "a microphone" if self._named is None else f"profile {self._named.name}"
        return what if self._station.port is None else f"{what} at port {self._station.port}"

    def _missing(self) -> str:
        cards = self._inventory.cards
        if not cards:
            return "there is no sound card; plug it in, or load its driver (`gatewayd devices` shows what is there)"
        reasons = [f"{described(card)}: {self._why_not(card)}" for card in cards[:_REASONS_MAX]]
        if len(cards) > _REASONS_MAX:
            reasons.append(f"{len(cards) - _REASONS_MAX} more")
        return f"not found among {_counted(len(cards), 'sound card')}; {'; '.join(reasons)}"

    def _why_not(self, card: Card) -> str:
        if not self._may_be(card):
            return "is at another port" if self._station.port is not None else "is another station's"
        unusable = cannot_capture(card)
        if unusable:
            return f"is {unusable}"
        if self._named is None:
            return "no profile matches"
        evidence = match(card, self._inventory.board, self._named).evidence
        against = [each for each in evidence if each.excludes] or [each for each in evidence if not each.matched]
        return ", ".join(str(each) for each in against) or "the profile recognises nothing by itself; set port"

    def _ambiguous_cards(self, tops: Sequence[Candidate]) -> str:
        cards = {candidate.card.number: candidate.card for candidate in tops}
        told = "; ".join(
            f"{described(card)}, by profile {' or '.join(each.profile.name for each in tops if each.card is card)}"
            for card in cards.values()
        )
        return f"{_counted(len(cards), 'card')} could be meant: {told}; {self._settled_by(list(cards.values()))}"

    def _settled_by(self, cards: Sequence[Card]) -> str:
        ports = [ports_of(card)[:1] for card in cards]
        if all(ports) and len(set(ports)) == len(ports):
            lines = "  # or: ".join(f'port = "{port}"' for [port] in ports)
            return f"say which one in [stations.{self._station.name}]: {lines}"
        lines = "  # or: ".join(f'device = "hw:CARD={card.id},DEV=0"' for card in cards)
        return f"their ports are not known; say which one in [stations.{self._station.name}.capture]: {lines}"

    def _ambiguous_profiles(self, tops: Sequence[Candidate]) -> str:
        reasons = "; ".join(f"{each.profile.name} ({_reasons(each.score)})" for each in tops)
        lines = "  # or: ".join(f'profile = "{each.profile.name}"' for each in tops)
        return (
            f"{_counted(len(tops), 'profile')} match {described(tops[0].card)} equally well: {reasons}; "
            f"say which one in [stations.{self._station.name}]: {lines}"
        )


def _reasons(score: Score) -> str:
    return ", ".join(str(each) for each in score.evidence if each.matched)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"
