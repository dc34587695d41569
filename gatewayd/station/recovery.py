"""Carrying out the recovery ladder of a board: what is done while its microphone is there and gives nothing usable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from gatewayd.control.events import RecoveryStepTaken, publish_nowhere
from gatewayd.errors import DeviceDenied, DeviceError, DeviceLost, DeviceStalled
from gatewayd.hardware.recovery import Ladder
from gatewayd.hardware.settings import RecoveryStep
from gatewayd.message_ids import MessageId
from gatewayd.station.hearing import Quality

if TYPE_CHECKING:
    import logging

    from gatewayd.control.events import Publish
    from gatewayd.hardware.settings import StationSettings
    from gatewayd.seams.hardware import UsbPort
    from gatewayd.station.duplex import Duplex
    from gatewayd.station.hearing import Verdict

_DONE = {
    RecoveryStep.REOPEN: "it is closed and opened anew",
    RecoveryStep.REOPEN_DUPLEX: "microphone and speaker are closed and opened anew, the speaker first",
    RecoveryStep.USB_RESET: "its USB device is reset",
}
_ALARM = (
    "it gives nothing usable, and nothing that was tried helped: unplug it and plug it in again, or cut its power; if "
    "that does not help, look for its driver in `dmesg`, then at its cable, then replace it"
)
_CLOSING_BOTH = (RecoveryStep.REOPEN_DUPLEX, RecoveryStep.USB_RESET)


class Recovery:
    """One microphone's. `carry_out` belongs before each opening of capture, after the stream before was closed."""

    def __init__(
        self,
        *,
        duplex: Duplex,
        usb: UsbPort,
        log: logging.LoggerAdapter[logging.Logger],
        publish: Publish = publish_nowhere,
    ) -> None:
        self._publish = publish
        self._duplex = duplex
        self._usb = usb
        self._log = log
        self._ladder = Ladder()
        self._settings: StationSettings | None = None
        self._pending: RecoveryStep | None = None
        self._reset_denied = False
        self._skip_told = False

    @property
    def taken(self) -> str | None:
        """The step that was taken last, until usable sound flows."""
        return self._ladder.taken.value if self._ladder.taken else None

    @property
    def problem(self) -> str | None:
        """What a person should do, once nothing else helped."""
        return _ALARM if self._ladder.taken is RecoveryStep.ALARM else None

    def note_settings(self, settings: StationSettings) -> None:
        """Take the hardware as it was last found: its ladder, and its USB port."""
        self._settings = settings

    def note_failure(self, error: DeviceError) -> None:
        """Capture could not be opened, or failed. What is not there, or not ours to open, is no case for a ladder."""
        if isinstance(error, (DeviceLost, DeviceStalled)):
            self._note_unusable()
        else:
            self._ladder.note_absent()

    def note_sound(self, verdict: Verdict) -> bool:
        """Take what is thought of the sound; whether the stream is to be closed, for a step to be carried out."""
        if verdict.quality is Quality.UNUSABLE:
            return self._note_unusable()
        if verdict.quality is Quality.MEANT:
            self._ladder.note_absent()
        elif verdict.quality is Quality.USABLE:
            taken = self.taken
            if self._ladder.note_usable(trio.current_time()):
                self._log.info(
                    "the microphone gives usable sound again; the last that was done for it: %s",
                    taken,
                    extra={"message_id": MessageId.MICROPHONE_WELL, "recovery": taken},
                )
        return False

    def rest(self) -> None:
        """There is to be no sound for now, and no step is taken for that."""
        self._ladder.note_absent()
        self._pending = None

    async def carry_out(self) -> None:
        """Do what is due, which is nothing nearly always; afterwards the device may be another or not there."""
        step, self._pending = self._pending, None
        self._duplex.silence_wanted = step in _CLOSING_BOTH
        if step not in _CLOSING_BOTH:
            return
        async with self._duplex.playback_closed():
            if step is RecoveryStep.USB_RESET:
                await self._reset()
        if self._settings is not None and self._settings.playback is not None:
            await self._duplex.playback_running()

    def _note_unusable(self) -> bool:
        if self._settings is None:
            return False
        skipped = () if self._usb_path and not self._reset_denied else (RecoveryStep.USB_RESET,)
        step = self._ladder.note_unusable(trio.current_time(), self._settings.recovery, skipped)
        if step is None:
            return False
        self._tell_skip()
        self._publish(RecoveryStepTaken(step.value))
        if step is RecoveryStep.ALARM:
            self._log.error("the microphone: %s", _ALARM, extra={"message_id": MessageId.MICROPHONE_GIVEN_UP})
            return False
        extra = {"message_id": MessageId.RECOVERY_STEP_TAKEN, "recovery": step}
        self._log.warning("the microphone gives nothing usable: %s", _DONE[step], extra=extra)
        self._pending = step
        return True

    @property
    def _usb_path(self) -> str:
        card = self._settings.card if self._settings else None
        return card.usb.path if card and card.usb else ""

    def _tell_skip(self) -> None:
        settings = self._settings
        if settings and RecoveryStep.USB_RESET in settings.recovery and not self._usb_path and not self._skip_told:
            self._skip_told = True
            self._log.warning("the microphone's USB device will not be reset: its port is not known, or it has none")

    async def _reset(self) -> None:
        try:
            await self._usb.reset(self._usb_path)
        except DeviceDenied as error:
            self._reset_denied = True
            self._log.warning("the microphone's USB device cannot be reset, and will not be tried again: %s", error)
        except DeviceError as error:
            self._log.warning("the microphone's USB device could not be reset: %s", error)
