"""The Retry-After header of an HTTP answer (RFC 9110, section 10.2.3)."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_S = 1e9
"""What a larger number of seconds counts as; `session.policy` clamps far below."""


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, or None if the answer does not say, or not legibly. Never raises; never negative.

    `headers` has its names in lower case. A date is measured from the answer's own `Date`, which a server that knows
    the time must send (RFC 9110, section 6.6.1): the clock of this device may not be set yet.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value) if len(value) <= 9 else LONGEST_S
    if not value:
        return None
    until, now = _date(value), _date(headers.get("date", ""))
    if until is None or now is None:
        return None
    return max(0.0, (until - now).total_seconds())


def _date(value: str) -> datetime | None:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - half a megabyte that is seldom wanted

    try:
        date = parsedate_to_datetime(value)
        # without a zone it is the old asctime form, which means UTC
        return date.replace(tzinfo=timezone.utc) if date.tzinfo is None else date.astimezone(timezone.utc)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
