"""What is told of a microphone to those who follow events: what changes, and not each pause of a noise gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.control.events import HealthChanged
from gatewayd.control.schema import MicrophoneHealth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewayd.control.events import Publish
    from gatewayd.control.schema import Finding
    from gatewayd.station.hearing import Verdict


class HealthNews:
    """Lives over all openings. `starting` is no news: what follows it is."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._health = MicrophoneHealth.STARTING
        self._kinds: list[tuple[str, int | None]] = []

    def note(self, verdict: Verdict, findings: Sequence[Finding] = ()) -> None:
        """Take what is thought of the microphone now; cheap to say again."""
        if verdict.health is MicrophoneHealth.STARTING or not verdict.news:
            return
        kinds = [(finding.kind.value, finding.channel) for finding in findings]
        if verdict.health is self._health and kinds == self._kinds:
            return
        previous, self._health, self._kinds = self._health, verdict.health, kinds
        self._publish(HealthChanged(verdict.health, previous, verdict.problem, tuple(findings)))
