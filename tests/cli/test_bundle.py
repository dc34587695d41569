from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from gatewayd.cli.bundle import write_file
from gatewayd.errors import Unavailable
from tests.cli.sound_commands import command

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO


@pytest.fixture
def bare(tmp_path: Path) -> tuple[str, ...]:
    """Options of a device without configuration, cards or system."""
    (tmp_path / "empty").mkdir()
    return "--config", str(tmp_path / "none.toml"), "--sysroot", str(tmp_path / "empty")


def test_a_file_that_only_its_owner_can_read(
    tmp_path: Path, bare: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "lobby.tar.gz"
    assert command("bundle", target, *bare) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("collecting: the diagnosis ")
    assert err.endswith("; look through them before they leave your hands\n")
    assert f"not in it: configuration: {tmp_path / 'none.toml'}: cannot be read: there is no such file" in err
    assert target.stat().st_mode & 0o777 == 0o600
    with tarfile.open(target) as archive:
        names = archive.getnames()
    assert names[0] == "gatewayd-bundle/manifest.json"
    assert "gatewayd-bundle/doctor.json" in names
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_file_that_is_there_is_written_over_only_if_told_to(
    tmp_path: Path, bare: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "lobby.tar.gz"
    target.write_text("precious")
    assert command("bundle", target, *bare) == 64
    assert capsys.readouterr().err == (f"gatewayd: {target} is there already; another name, or --force, writes it\n")
    assert target.read_text() == "precious"
    assert command("bundle", target, "--force", *bare) == 0
    assert tarfile.is_tarfile(target)


def test_to_stdout(bare: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gatewayd", "bundle", "-", *bare], capture_output=True, check=True, timeout=60
    )
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        manifest = archive.extractfile("gatewayd-bundle/manifest.json")
        assert manifest is not None
        assert json.load(manifest)["contents"][0]["name"] == "doctor.json"


def test_nowhere_to_write_to(tmp_path: Path, bare: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "no" / "such" / "folder.tar.gz"
    assert command("bundle", target, *bare) == 69
    assert f"gatewayd: {target} cannot be written: No such file or directory\n" in capsys.readouterr().err


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    target = tmp_path / "lobby.tar.gz"
    target.write_text("precious")

    def write(file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(Unavailable, match="No space left on device"):
        write_file(target, write)
    assert [path.name for path in tmp_path.iterdir()] == ["lobby.tar.gz"]
    assert target.read_text() == "precious"
