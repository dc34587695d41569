"""Credentials: from systemd's directory or a path; the errors never show what is inside."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewayd.errors import ConfigurationInvalid
from gatewayd.system.credentials import SIZE_LIMIT_BYTES, read_credential

if TYPE_CHECKING:
    from pathlib import Path


def refusal(name: str) -> str:
    with pytest.raises(ConfigurationInvalid) as caught:
        read_credential(name)
    return str(caught.value)


@pytest.mark.parametrize("content", ["d3v1ce-k3y", "d3v1ce-k3y\n", "d3v1ce-k3y\r\n"])
def test_a_path(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_text(content, newline="")
    assert read_credential(str(path)) == "d3v1ce-k3y"


def test_a_name_is_looked_for_where_systemd_put_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "device-key").write_text("d3v1ce-k3y\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_credential("device-key") == "d3v1ce-k3y"


def test_a_name_outside_of_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert "LoadCredential=device-key:" in refusal("device-key")


@pytest.mark.parametrize("name", ["", ".", "..", "../etc/shadow", "a/b"])
def test_a_name_cannot_lead_out_of_the_directory(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert "neither the name of a systemd credential nor an absolute path" in refusal(name)


def test_missing(tmp_path: Path) -> None:
    assert refusal(f"{tmp_path}/key") == f"{tmp_path}/key: cannot be read: No such file or directory"


def test_a_directory(tmp_path: Path) -> None:
    assert refusal(str(tmp_path)) == f"{tmp_path}: is not a regular file"


def test_a_pipe_nobody_writes_to_does_not_hold_up_the_process(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key")
    assert refusal(f"{tmp_path}/key") == f"{tmp_path}/key: is not a regular file"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"s3cr3t\ns3cr3t\n", "one line of printable ASCII"),
        (b"s3cr3t s3cr3t", "one line of printable ASCII"),
        ("s3cr3t\N{SNOWMAN}".encode(), "one line of printable ASCII"),
        (b"s3cr3t" * SIZE_LIMIT_BYTES, "larger than 8192 bytes"),
    ],
)
def test_a_content_that_is_no_credential(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    message = refusal(str(path))
    assert what in message
    assert "s3cr3t" not in message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=100))
def test_any_content_gives_a_header_value_or_a_clean_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    message = f"{path}: "
    try:
        assert read_credential(str(path)).isprintable()
    except ConfigurationInvalid as error:
        message = str(error)
    assert message.startswith(f"{path}: ")
