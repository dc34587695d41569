"""A card's mixer, set as its profile says before each opening, and told about once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Sequence

    from gatewayd.hardware.settings import StationSettings
    from gatewayd.seams.hardware import Mixer


class KeptMixer:
    """Sets a mixer again and again, after a replug too; says what changed, and what is wrong when that changes."""

    def __init__(self, mixer: Mixer, log: logging.LoggerAdapter[logging.Logger]) -> None:
        self._mixer = mixer
        self._log = log
        self._changed: tuple[str, ...] = ()
        self._problems: tuple[str, ...] = ()

    @property
    def problems(self) -> Sequence[str]:
        """What could not be set when it was last tried."""
        return self._problems

    def apply(self, settings: StationSettings) -> None:
        """Set what the profile says, where the card is known."""
        if settings.card is None or not settings.mixer:
            self._problems = ()
            return
        report = self._mixer.apply(settings.card.id, settings.mixer)
        if report.changed and report.changed != self._changed:  # a plug that is loose does the same again and again
            self._changed = report.changed
            self._log.info("mixer of card %s set: %s", settings.card.id, "; ".join(report.changed))
        if report.problems and report.problems != self._problems:
            self._log.warning("mixer of card %s: %s", settings.card.id, "; ".join(report.problems))
        self._problems = report.problems
