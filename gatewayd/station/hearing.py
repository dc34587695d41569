"""What the sound of an open microphone says of it: well, muted on purpose, or broken."""

from __future__ import annotations

import logging
from enum import Enum
from typing import TYPE_CHECKING

from gatewayd.control.schema import MicrophoneHealth
from gatewayd.lean import dataclass
from gatewayd.message_ids import MessageId
from gatewayd.repetitions import Changes, with_sum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewayd.control.schema import Finding
    from gatewayd.hardware.settings import StationSettings
    from gatewayd.seams.hardware import Mixer

MIXER_INTERVAL_S = 5.0
"""Between two looks at the mixer while there is digital zero: whoever unmutes waits no longer than this to be seen."""
MUTED_LONG_S = 600.0
"""A microphone muted by its own button for so long is told of once: the button may have been pressed by mistake."""
SILENT_AFTER_SOUND_S = 600.0
"""How long digital zero that began after sound is put up with: many speakerphones gate every pause of speech to zero,
and nobody speaks to a kiosk for minutes."""
GATED_AFTER_S = 3600.0
"""The same where zeros have ended by themselves in this opening: a gate, or somebody's button, was seen at work."""
SILENT_LINE_AFTER_S = 60.0
"""How long digital zero after sound lasts before the log says so: a pause is no news."""
LINE_INTERVAL_S = 10.0
"""Between two lines about the sound in the log; what changed back meanwhile is not told."""

_SINCE_SOUND = (
    "it has given digital zero since it last gave sound: one with a noise gate does so in every pause; any other was "
    "muted, or is broken"
)
_BUTTON = "it is muted, by its own button as it seems: sound gave way to digital zero"
_PROBLEMS = {
    MicrophoneHealth.SILENT: "it gives only digital zero, which no working microphone does",
    MicrophoneHealth.STUCK: "it gives one value over and over: check its wiring, and whether the right channel is used",
    MicrophoneHealth.CLIPPING: "it is too loud for the card: lower its volume in the mixer, or move it away",
}


class Quality(Enum):
    """What sound is worth to whoever decides about recovery."""

    UNKNOWN = "not yet known"
    USABLE = "usable"
    UNUSABLE = "unusable"
    MEANT = "none, because somebody muted it"


_QUALITIES = {
    MicrophoneHealth.OK: Quality.USABLE,
    MicrophoneHealth.CLIPPING: Quality.USABLE,
    MicrophoneHealth.SILENT: Quality.UNUSABLE,
    MicrophoneHealth.STUCK: Quality.UNUSABLE,
    MicrophoneHealth.MUTED: Quality.MEANT,
}


@dataclass(frozen=True)
class Verdict:
    """What is to be thought of a microphone."""

    health: MicrophoneHealth = MicrophoneHealth.STARTING
    problem: str | None = None
    """In a person's words; None while nothing is wrong with the sound."""
    patient: bool = False
    """It may be a pause, however it looks: too early to do anything about it."""
    news: bool = True
    """Whether it has lasted for long enough to be told."""

    @property
    def quality(self) -> Quality:
        """What the sound is worth."""
        return Quality.UNKNOWN if self.patient else _QUALITIES.get(self.health, Quality.UNKNOWN)


class Hearing:
    """Judges one opening's sound."""

    def __init__(self, settings: StationSettings, mixer: Mixer) -> None:
        self._settings = settings
        self._mixer = mixer
        self._heard_sound = False
        self._gated = False
        self._zero_since_s: float | None = None
        self._asked_s = float("-inf")
        self._switched_off = ""

    def judge(self, health: MicrophoneHealth, now_s: float) -> Verdict:
        """What to think of a microphone whose sound says `health` of it; to be asked every second or so."""
        if health is MicrophoneHealth.SILENT:
            return self._judge_zeros(now_s)
        verdict = Verdict(health, _PROBLEMS.get(health))
        if verdict.quality is Quality.USABLE:
            self._gated = self._gated or (self._heard_sound and self._zero_since_s is not None)
            self._heard_sound = True
        self._zero_since_s = None
        return verdict

    def _judge_zeros(self, now_s: float) -> Verdict:
        if self._zero_since_s is None:
            self._zero_since_s = now_s
        if mute := self._switched_off_at_the_card(now_s):
            return Verdict(MicrophoneHealth.MUTED, mute)
        if not self._heard_sound:
            return Verdict(MicrophoneHealth.SILENT, _PROBLEMS[MicrophoneHealth.SILENT])
        lasted_s = now_s - self._zero_since_s
        news = lasted_s >= SILENT_LINE_AFTER_S
        if self._settings.capture.mute_gives_zeros:
            return Verdict(MicrophoneHealth.MUTED, _BUTTON, news=news)
        patient = lasted_s < (GATED_AFTER_S if self._gated else SILENT_AFTER_SOUND_S)
        return Verdict(MicrophoneHealth.SILENT, _SINCE_SOUND, patient=patient, news=news)

    def _switched_off_at_the_card(self, now_s: float) -> str:
        card = self._settings.card
        if card is None:
            return ""
        if now_s >= self._asked_s + MIXER_INTERVAL_S:
            self._asked_s = now_s
            self._switched_off = self._mixer.capture_switched_off(card.id)
        if not self._switched_off:
            return ""
        control = f"the card's mixer control {self._switched_off!r}"
        return f"it is muted by {control}; `alsamixer -c {card.id} -V capture` switches it on"


class HearingLog:
    """Tells what changes for the worse or the better, at most every `LINE_INTERVAL_S`; lives over all openings."""

    def __init__(self, log: logging.LoggerAdapter[logging.Logger]) -> None:
        self._log = log
        self._changes = Changes(())
        self._told_s = float("-inf")
        self._muted_since_s: float | None = None

    def note(self, verdict: Verdict, findings: Sequence[Finding], now_s: float) -> None:
        """Take the verdict of a look."""
        self._note_mute(verdict, now_s)
        if verdict.health is MicrophoneHealth.STARTING or not verdict.news:
            return
        wrong = [verdict.problem] if verdict.problem else []
        state = (verdict.problem, *sorted((finding.kind.value, finding.channel or 0) for finding in findings))
        if not wrong and not findings:
            state = ()
        if now_s < self._told_s + LINE_INTERVAL_S:
            return
        change = self._changes.note(state, now_s)
        if not change.tell:
            return
        self._told_s = now_s
        texts = wrong + [finding.text for finding in findings]
        if not texts:
            extra = {"message_id": MessageId.MICROPHONE_WELL, "health": verdict.health}
            self._log.info("%s", with_sum("the microphone is well again", change.sum), extra=extra)
            return
        harmless = verdict.health is MicrophoneHealth.MUTED and not findings
        extra = {"message_id": MessageId.MICROPHONE_UNWELL, "health": verdict.health}
        text = with_sum("; ".join(texts), change.sum)
        self._log.log(logging.INFO if harmless else logging.WARNING, "the microphone: %s", text, extra=extra)

    def _note_mute(self, verdict: Verdict, now_s: float) -> None:
        if verdict.health is not MicrophoneHealth.MUTED:
            self._muted_since_s = None
        elif self._muted_since_s is None:
            self._muted_since_s = now_s
        elif self._muted_since_s + MUTED_LONG_S <= now_s:
            self._muted_since_s = float("inf")
            self._log.info("the microphone has been muted for %.0f minutes: %s", MUTED_LONG_S / 60, verdict.problem)
