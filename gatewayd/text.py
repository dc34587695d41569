"""Text from outside, made safe to show."""

from __future__ import annotations


def one_line(text: str) -> str:
    """`text` with each character that cannot be printed written as an escape: `\\n`, `\\x1b`, `\\u202e`, `\\ud800`.

    The result is one line, cannot steer a terminal, cannot forge a second log line, and always encodes as UTF-8.
    Printable text, accented letters and other scripts included, stays as it is.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
