"""The recovery ladder: which step is due while a microphone is there and gives nothing usable.

    unusable for UNUSABLE_AFTER_S ── step ── STEP_INTERVAL_S ── step ── … ── last step ── pause ── first step ── …

Time is passed in, in seconds on any clock that does not go backwards; steps are carried out elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.hardware.settings import RecoveryStep

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

UNUSABLE_AFTER_S = 5.0
"""How long a microphone gives nothing usable before the first step: a card that was just opened gets this chance."""
STEP_INTERVAL_S = 10.0
"""Between two steps: what one did shows within this, a USB device that enumerates anew and warms up included."""
PAUSE_MIN_S = 300.0
"""After the last step, before the first is taken again; it doubles each time."""
PAUSE_MAX_S = 3600.0
USB_RESET_INTERVAL_S = 600.0
"""Between two resets: each cuts off everything else on the device too, and a bus in trouble is not helped by many."""
USABLE_AFTER_S = 5.0
"""How long usable sound flows before a ladder is over."""
FORGOTTEN_AFTER_S = 60.0
"""How long it flows before a new ladder begins at its first step; sooner, what was tried last did not help for long."""
_DOUBLINGS_MAX = 8


class Ladder:
    """Decides; told again and again how the microphone does, it says which step is due and when the trouble is over."""

    def __init__(self) -> None:
        self._unusable_since_s: float | None = None
        self._usable_since_s: float | None = None
        self._position = 0
        self._rounds = 0
        self._next_s = float("-inf")
        self._usb_reset_s = float("-inf")
        self._taken: RecoveryStep | None = None

    @property
    def taken(self) -> RecoveryStep | None:
        """The step that was taken last, until the trouble is over."""
        return self._taken

    def note_absent(self) -> None:
        """There is no microphone to judge, or its silence is meant: time that counts for and against nothing."""
        self._unusable_since_s = self._usable_since_s = None

    def note_usable(self, now_s: float) -> bool:
        """Sound that can be used comes; whether that ends the trouble, after a step was taken."""
        if self._usable_since_s is None:
            self._usable_since_s = now_s
        lasted_s = now_s - self._usable_since_s
        if lasted_s >= FORGOTTEN_AFTER_S:
            self._position = self._rounds = 0
            self._next_s = float("-inf")
        if lasted_s < USABLE_AFTER_S:
            return False
        self._unusable_since_s = None
        over, self._taken = self._taken is not None, None
        return over

    def note_unusable(
        self, now_s: float, steps: Sequence[RecoveryStep], skipped: Container[RecoveryStep] = ()
    ) -> RecoveryStep | None:
        """Nothing usable comes, or the stream failed; the step of `steps` that is due now, which then counts as taken.

        What is in `skipped`, and a USB reset sooner than `USB_RESET_INTERVAL_S` after the last, is passed over.
        """
        self._usable_since_s = None
        if self._unusable_since_s is None:
            self._unusable_since_s = now_s
        if now_s < max(self._next_s, self._unusable_since_s + UNUSABLE_AFTER_S):
            return None
        possible = [(place, step) for place, step in enumerate(steps) if self._may(step, now_s, skipped)]
        if not possible:
            return None
        # The round is over where the steps that are left cannot be taken.
        place, step = next((each for each in possible if each[0] >= self._position), possible[0])
        self._position = place + 1
        self._next_s = now_s + STEP_INTERVAL_S
        if place == possible[-1][0]:
            self._next_s = now_s + min(PAUSE_MAX_S, PAUSE_MIN_S * 2.0 ** min(self._rounds, _DOUBLINGS_MAX))
            self._position = 0
            self._rounds += 1
        if step is RecoveryStep.USB_RESET:
            self._usb_reset_s = now_s
        self._taken = step
        return step

    def _may(self, step: RecoveryStep, now_s: float, skipped: Container[RecoveryStep]) -> bool:
        if step is RecoveryStep.USB_RESET and now_s < self._usb_reset_s + USB_RESET_INTERVAL_S:
            return False
        return step not in skipped
