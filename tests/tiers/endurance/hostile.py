"""Text messages that no honest service sends, made fast, and the same for the same seed.

Four kinds: valid messages with values and names exchanged, valid messages cut and spliced as text, JSON of any shape,
and text of any kind. A few are as large or as deep as a message may be.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

MESSAGE_LIMIT_BYTES = 65_536
"""The transport gives up a connection over a larger one."""
LARGE_EVERY = 500
"""One in so many is as large as may be: they cost a hundred times the others."""
SHAPES = 3000
"""Values made beforehand, to be put together."""

VALID: Sequence[dict[str, object]] = (
    {"type": "connected"},
    {"type": "agent_ready"},
    {"type": "session_ended", "reason": "agent_disconnected"},
    {"type": "session_ended", "reason": "server_shutdown"},
    {"type": "error", "code": "AUTH_FAILED", "message": "invalid or expired"},
    {"type": "error", "code": "AUTH_TIMEOUT", "message": "too late"},
    {"code": "SESSION_SETUP_FAILED", "message": "try again"},
    {"code": "INVALID_AUTH", "message": "no token"},
)
NAMES = ("type", "code", "message", "reason", "Type", "type ", "", "token", "__proto__", "a" * 300, "\0", "\ud800")
WORDS = (
    *(str(value) for message in VALID for value in message.values()),
    "",
    "\r\n2026-01-01T00:00:00 error forged line",
    "\x1b[2J\x1b]0;title\x07",
    "\u202egnirts",
    "\u2028\u2029\x85\x0b",
    "\ud83d",
    "\U0001f600" * 200,
    "e\u0301" * 500,
    "%s %d %(name)s {0} {name!r}",
    "\0" * 300,
    "null",
    "\ufeff",
    "\uffff\ufdd0",
)
NUMBERS = (0, -1, 1, 2**31, 2**63, -(2**64), 10**400, 1e308, -0.0, 5e-324, float("nan"), float("inf"), 4500)
PIECES = tuple('{}[]":,\\/ \t\r\n\0\x1b\x7f\x80\xa0\u2028\ud800\udfff\U0010ffffeE+-.0123456789abtrufnlsNI')


class HostileMessages:
    """`next()` gives one message after the other; `secret` is quoted in some."""

    def __init__(self, chance: random.Random, secret: str) -> None:
        self._chance = chance
        self._secret = secret
        self._texts = [json.dumps(message) for message in VALID]
        self._values: list[object] = [
            *WORDS,
            *NUMBERS,
            None,
            True,
            False,
            secret,
            f"the token {secret} is bad",
            secret * 40,
        ]
        self._values += [self._value(depth=3) for _ in range(SHAPES)]
        self._kinds: Sequence[Callable[[], str]] = (self._exchanged, self._spliced, self._shape, self._exchanged)
        self._count = 0

    def next(self) -> str:
        """The next message."""
        self._count += 1
        if self._count % LARGE_EVERY == 0:
            return self._large()
        kind = int(self._chance.random() * 40)
        return self._noise() if kind < 4 else self._texts[kind % 8] if kind < 8 else self._kinds[kind % 4]()

    def _exchanged(self) -> str:
        """A valid message with a field changed, and perhaps one more or one less."""
        chance = self._chance
        message = dict(VALID[int(chance.random() * len(VALID))])
        for _ in range(1 + int(chance.random() * 2)):
            name = NAMES[int(chance.random() * (4 if chance.random() < 0.8 else len(NAMES)))]
            message[name] = self._values[int(chance.random() * len(self._values))]
        if chance.random() < 0.2:
            message.popitem()
        return json.dumps(message, ensure_ascii=chance.random() < 0.5)

    def _spliced(self) -> str:
        """A valid message's text, edited without regard for what it means."""
        chance = self._chance
        text = self._texts[int(chance.random() * len(self._texts))]
        for _ in range(1 + int(chance.random() * 3)):
            at = int(chance.random() * len(text))
            how = chance.random()
            if how < 0.4:
                text = text[:at] + PIECES[int(chance.random() * len(PIECES))] + text[at + 1 :]
            elif how < 0.6:
                text = text[:at] + text[at + 1 + int(chance.random() * 8) :]
            elif how < 0.8:
                other = self._texts[int(chance.random() * len(self._texts))]
                text = text[:at] + other[int(chance.random() * len(other)) :]
            else:
                text = text[: at + 1] * 2 + text[at:]
        return text

    def _shape(self) -> str:
        """JSON of any shape."""
        return json.dumps(self._values[int(self._chance.random() * len(self._values))])

    def _noise(self) -> str:
        chance = self._chance
        length = int(chance.random() * 60)
        if chance.random() < 0.5:
            return "".join(PIECES[int(chance.random() * len(PIECES))] for _ in range(length))
        return chance.randbytes(length).decode("latin-1")

    def _large(self) -> str:
        chance = self._chance
        size = MESSAGE_LIMIT_BYTES
        return chance.choice(
            (
                "[" * size,
                '{"a":' * (size // 5),
                "[" * (size // 2) + "]" * (size // 2),
                "9" * size,
                '{"type":' + "9" * 5000 + "}",
                '{"type":"' + "x" * (size - 20) + '"}',
                '{"type":"error","code":"' + "\\u0000" * 9000 + '"}',
                json.dumps({"type": "error", "code": "C" * 30_000, "message": self._secret * 500}),
                json.dumps({"type": "session_ended", "reason": "\ud800" * 8000}),
                json.dumps({str(number): number for number in range(4000)}),
                " " * (size - 30) + '{"type":"connected"}',
                "\0" * size,
            )
        )

    def _value(self, depth: int) -> object:
        chance = self._chance
        kind = int(chance.random() * (5 if depth else 3))
        if kind == 0:
            return chance.choice(WORDS)
        if kind == 1:
            return chance.choice(NUMBERS)
        if kind == 2:
            return "".join(chance.choices(PIECES, k=int(chance.random() * 20)))
        if kind == 3:
            return [self._value(depth - 1) for _ in range(int(chance.random() * 4))]
        return {chance.choice(NAMES): self._value(depth - 1) for _ in range(int(chance.random() * 5))}
