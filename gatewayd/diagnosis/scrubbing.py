"""Takes secrets out of what goes into a support bundle: known ones, named ones, and what has the form of one.

A log line is kept readable for the daemon's own use (`gatewayd.redaction`); a bundle leaves the device, so here a word
too many is taken out rather than one too few.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from gatewayd.configuration.secrets import names_secret
from gatewayd.redaction import REDACTED, redacted

if TYPE_CHECKING:
    from collections.abc import Iterable

KNOWN_MIN = 6
"""A shorter secret is not looked for: it would be found in ordinary words."""
STRETCH = 8
"""Characters of a known secret, at every eighth place of it, by which a part of it is recognised."""
RUN_MIN = 20
"""Letters and digits in a row, capital ones, small ones and digits mixed, that are taken for a secret: keys and tokens
are longer; names, numbers in hexadecimal and identifiers of the journal are not mixed."""

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,32}PRIVATE KEY-----|\Z)", re.DOTALL
)
_RUN = re.compile(rf"[A-Za-z0-9]{{{RUN_MIN},}}")
_WORD_AROUND = r"[^\s'\",;&<>]{0,200}"
_VALUE = (
    r'"""[\s\S]*?(?:"""|\Z)|' + r"'''[\s\S]*?(?:'''|\Z)|" + r'"(?:\\.|[^"\\\n])*"?|' + r"'[^'\n]*'?|"
    r"\[[^\]]*(?:\]|\Z)|(?![{\s])[^\n]+"
)
_NAME = r"\"[^\"\n]*\"|'[^'\n]*'|[A-Za-z0-9_.-]+"
_TOML_PAIR = re.compile(rf"(?P<head>(?P<name>{_NAME})[ \t]*=[ \t]*)(?P<value>{_VALUE})")
_TOLD_PAIR = re.compile(
    r"(?P<head>\b(?P<name>[A-Za-z][\w-]{0,63})['\"]?[ \t]{0,4}[:=][ \t]{0,4}['\"]?)"
    r"(?P<value>(?=[^\s'\",;&]*\d)[^\s'\",;&]{8,})"
)
_HARMLESS = re.compile(r"([\"'])(?:/[^\"'\n]*)?\1(?:\s*#.*)?|\[\s*\]")
"""Nothing, or the path of a file: what a credential may be named by, and is no secret."""
_SERIAL = re.compile(r"(SerialNumber:\s*)\S.*")
"""How the kernel tells the serial number of a USB device."""


class Scrubber:
    """Scrubs text; `known` are the secrets that this device has, as far as they could be read."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        secrets = sorted({secret for secret in known if len(secret) >= KNOWN_MIN}, key=len, reverse=True)
        pieces = {
            secret[at : at + STRETCH] for secret in secrets for at in range(0, len(secret) - STRETCH + 1, STRETCH)
        }
        words = [*secrets, *sorted(pieces)]
        self._known = re.compile("|".join(map(re.escape, words)), re.IGNORECASE) if words else None
        self._around = (
            re.compile(f"{_WORD_AROUND}(?:{self._known.pattern}){_WORD_AROUND}", re.IGNORECASE) if self._known else None
        )

    def text(self, text: str) -> str:
        """`text`, line by line as it was, with `[redacted]` where a secret may be."""
        lines = _PRIVATE_KEY.sub(REDACTED, text).split("\n")
        return "\n".join(self._line(line) for line in lines)

    def toml(self, text: str) -> str:
        """The same of a file of configuration, whether it is valid or not: values beside names of secrets go too."""
        return self.text(_TOML_PAIR.sub(_without_named_value, text))

    def tree(self, value: object) -> object:
        """The same of a JSON document: its texts, and whatever stands under the name of a secret."""
        if isinstance(value, dict):
            return {
                self._line(str(name)): REDACTED
                if isinstance(inner, str) and names_secret(str(name))
                else self.tree(inner)
                for name, inner in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.tree(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value

    def json(self, value: object) -> bytes:
        """A scrubbed document, as a file."""
        return (json.dumps(self.tree(value), indent=2) + "\n").encode()

    def _line(self, line: str) -> str:
        if self._known is not None and self._around is not None and self._known.search(line):
            line = self._around.sub(REDACTED, line)
        line = _SERIAL.sub(r"\1[left out]", redacted(line))
        line = _TOLD_PAIR.sub(_without_told_value, line)
        return _RUN.sub(_without_mixed_run, line)


def _without_named_value(match: re.Match[str]) -> str:
    name = match["name"].strip("\"'").rpartition(".")[2]
    if name == "command" and not _HARMLESS.fullmatch(match["value"].strip()):
        return f"{match['head']}{_program(match['value'])}"
    if not names_secret(name) or _HARMLESS.fullmatch(match["value"].strip()):
        return match[0]
    return f'{match["head"]}"{REDACTED}"'


def _program(command: str) -> str:
    """Of a command its program alone: its arguments may carry a secret."""
    first = re.match(r"\[\s*(\"[^\"\n]*\"|'[^'\n]*')\s*,?(.*)", command, re.DOTALL)
    if first is None:
        return f'["{REDACTED}"]'
    return f"[{first[1]}]" if not first[2].strip("] \n") else f'[{first[1]}, "{REDACTED}"]'


def _without_told_value(match: re.Match[str]) -> str:
    return f"{match['head']}{REDACTED}" if names_secret(match["name"]) else match[0]


def _without_mixed_run(match: re.Match[str]) -> str:
    run = match[0]
    mixed = any(map(str.isupper, run)) and any(map(str.islower, run)) and sum(map(str.isdigit, run)) >= 2
    return REDACTED if mixed else run
