"""docs/logging.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from gatewayd.message_ids import MessageId
from gatewayd.system.fields import FIELDS, MESSAGE_LIMIT_BYTES, VALUE_LIMIT_BYTES, field_name

PAGE = (Path(__file__).parents[2] / "docs" / "logging.md").read_text(encoding="utf-8")


def test_it_lists_every_field_with_its_meaning_and_no_other() -> None:
    listed = re.findall(r"^\| `(GATEWAYD_\w+)` \| (.+) \|$", PAGE, re.MULTILINE)
    assert listed == [(field_name(key), meaning) for key, meaning in FIELDS.items()]


def test_it_lists_every_message_id_and_no_other() -> None:
    listed = re.findall(r"^\| `([A-Z_]+)` \| `([0-9a-f]{32})` \|", PAGE, re.MULTILINE)
    assert listed == [(member.name, member.value) for member in MessageId]


def test_its_examples_and_bounds_are_right() -> None:
    assert set(re.findall(r"MESSAGE_ID=(\w+)", PAGE)) == {MessageId.CREDENTIAL_REFUSED.value}
    assert f"at most {VALUE_LIMIT_BYTES} bytes, a message {MESSAGE_LIMIT_BYTES}" in PAGE
