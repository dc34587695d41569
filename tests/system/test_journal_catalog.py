"""The journal's catalogue explains every message ID, and systemd can compile it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import gatewayd
from gatewayd.message_ids import MessageId
from gatewayd.resources import resource_dir
from gatewayd.system.fields import FIELDS, field_name

CATALOG = resource_dir("systemd") / "gatewayd.catalog"
SOURCES = Path(gatewayd.__file__).parent
JOURNALCTL = shutil.which("journalctl")
ENTRY = re.compile(r"-- (\S+)\nSubject: (.+)\nDefined-By: gatewayd\nSupport: \S+\n\n((?:.*\n)+)")
"""An entry of ours, after systemd.io/CATALOG."""

needs_journalctl = pytest.mark.skipif(JOURNALCTL is None, reason="journalctl is not installed")


def entries() -> list[tuple[str, str, str]]:
    """ID, subject and body of each entry."""
    text = CATALOG.read_text(encoding="utf-8")
    pieces = re.split(r"^(?=-- )", text, flags=re.MULTILINE)[1:]
    matches = [ENTRY.fullmatch(piece) for piece in pieces]
    return [(match[1], match[2], match[3]) for match in matches if match]


def compile_catalog(root: Path, text: str) -> subprocess.CompletedProcess[str]:
    sources = root / "usr/lib/systemd/catalog"
    sources.mkdir(parents=True)
    (root / "var/lib/systemd/catalog").mkdir(parents=True)
    (sources / CATALOG.name).write_text(text, encoding="utf-8")
    command = [str(JOURNALCTL), "--update-catalog", f"--root={root}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_message_id_has_one_entry_and_every_entry_a_message_id() -> None:
    assert sorted(entry[0] for entry in entries()) == sorted(member.value for member in MessageId)
    assert len(entries()) == CATALOG.read_text(encoding="utf-8").count("\n-- ")


@pytest.mark.parametrize("member", MessageId, ids=[member.name for member in MessageId])
def test_every_message_id_is_a_number_that_something_logs(member: MessageId) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", member.value)
    mention = re.compile(rf"\bMessageId\.{member.name}\b")
    assert any(mention.search(path.read_text(encoding="utf-8")) for path in SOURCES.rglob("*.py"))


@pytest.mark.parametrize(("subject", "body"), [entry[1:] for entry in entries()], ids=[entry[0] for entry in entries()])
def test_an_entry_fits_a_terminal_and_names_only_fields_there_are(subject: str, body: str) -> None:
    assert len(subject) <= 72
    assert max(len(line) for line in body.splitlines()) <= 78
    known = {field_name(key) for key in FIELDS}
    assert set(re.findall(r"@(\w+)@", subject + body)) <= known


@needs_journalctl
def test_systemd_compiles_it(tmp_path: Path) -> None:
    compiled = compile_catalog(tmp_path, CATALOG.read_text(encoding="utf-8"))
    assert (compiled.returncode, compiled.stderr) == (0, "")
    listed = subprocess.run(
        [str(JOURNALCTL), f"--root={tmp_path}", "--list-catalog"], capture_output=True, text=True, check=True
    ).stdout
    assert sorted(listed.splitlines()) == sorted(f"{number} gatewayd: {subject}" for number, subject, _ in entries())


@needs_journalctl
def test_an_entry_that_systemd_does_not_understand_would_be_seen(tmp_path: Path) -> None:
    broken = CATALOG.read_text(encoding="utf-8").replace("-- ", "-- x", 1)
    assert compile_catalog(tmp_path, broken).returncode != 0
