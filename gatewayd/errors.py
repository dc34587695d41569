"""The error tree: what can go wrong, told so that a person knows what to do.

    GatewayError                     base; every one carries its process exit code
    ├── ConfigurationInvalid         78  configuration or profile: all problems at once
    ├── DeviceError                  69  sound hardware
    │   ├── DeviceMissing                no such card or device
    │   ├── DeviceAmbiguous              several cards, or profiles, could be meant
    │   ├── DeviceBusy                   another process holds it
    │   ├── DeviceDenied                 no permission
    │   ├── DeviceRefused                it cannot do, or did not take, the asked parameters
    │   ├── DeviceLost                   it went away, or failed, while open
    │   └── DeviceStalled                open, no error, and no progress within the limit
    ├── CloudError                   69  anything between here and the agent; carries a `Cause`
    └── Unavailable                  69  a local service (the running daemon, a port) is not there

A local programming error (an event the session machine does not know in its phase) is not in this tree: it is a bug,
raised as `session.machine.UndefinedTransition`, and ends the process with 70 so that systemd starts it anew.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewayd.session.causes import Cause


class ExitCode(IntEnum):
    """Process exit codes, after sysexits.h."""

    OK = 0
    USAGE = 64
    UNAVAILABLE = 69
    INTERNAL = 70
    TRY_AGAIN = 75
    CONFIGURATION = 78


class GatewayError(Exception):
    """Base of all errors that gatewayd raises on purpose; `str()` of one is a line fit for a person."""

    exit_code = ExitCode.INTERNAL


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in a file a person wrote."""

    source: str
    """The file's name as it was given."""
    place: str
    """Dotted path inside the file, such as `stations.main.capture.rate_hz`; empty for the file as a whole."""
    what: str
    """What is wrong, and what is allowed."""

    def __str__(self) -> str:
        return f"{self.source}: {self.place}: {self.what}" if self.place else f"{self.source}: {self.what}"


class ConfigurationInvalid(GatewayError):
    """One or more problems in configuration files or profiles; `str()` gives one line for each."""

    exit_code = ExitCode.CONFIGURATION

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class DeviceError(GatewayError):
    """A sound device cannot be used, or no longer."""

    exit_code = ExitCode.UNAVAILABLE

    def __init__(self, device: str, detail: str) -> None:
        self.device = device
        self.detail = detail
        super().__init__(f"{device}: {detail}")


class DeviceMissing(DeviceError):
    """No such card or device."""


class DeviceAmbiguous(DeviceError):
    """Several cards, or several profiles, could be meant: the configuration must say which."""


class DeviceBusy(DeviceError):
    """Another process holds the device."""


class DeviceDenied(DeviceError):
    """This user may not open the device."""


class DeviceRefused(DeviceError):
    """The device cannot do what was asked, or silently took something else."""


class DeviceLost(DeviceError):
    """The device went away or failed while it was open; close it and open it anew."""


class DeviceStalled(DeviceError):
    """The device is open and reports no error, yet made no progress within the limit."""


class CloudError(GatewayError):
    """A step towards the agent failed, or a session ended; `cause` decides what follows (session.policy).

    `detail` is for people and never holds a secret. `http_status`, `retry_after_s`, `close_code` and `error_code` are
    there where the other end told them.
    """

    exit_code = ExitCode.UNAVAILABLE

    def __init__(
        self,
        cause: Cause,
        detail: str,
        *,
        http_status: int | None = None,
        retry_after_s: float | None = None,
        close_code: int | None = None,
    ) -> None:
        self.cause = cause
        self.detail = detail
        self.http_status = http_status
        self.retry_after_s = retry_after_s
        self.close_code = close_code
        super().__init__(detail)


class Unavailable(GatewayError):
    """A local service that a command needs is not there."""

    exit_code = ExitCode.UNAVAILABLE
