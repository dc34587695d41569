from __future__ import annotations

import errno
from pathlib import Path

import pytest

from gatewayd.system.mute_file import DEFAULT_DIRECTORY, MuteFile, state_directory


def test_it_is_as_it_was_left(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "state"
    lobby, desk = MuteFile(directory, "lobby"), MuteFile(directory, "desk")
    assert not lobby.read()
    for _ in range(2):
        lobby.write(muted=True)
    assert (lobby.read(), desk.read()) == (True, False)
    assert MuteFile(directory, "lobby").read()
    for _ in range(2):
        lobby.write(muted=False)
    assert not lobby.read()
    assert list(directory.iterdir()) == []


def test_a_place_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    file = MuteFile(tmp_path / "file", "lobby")
    with pytest.raises(NotADirectoryError):
        file.read()
    with pytest.raises(OSError, match="exists") as caught:
        file.write(muted=True)
    assert caught.value.errno == errno.EEXIST


@pytest.mark.parametrize(
    ("said", "directory"),
    [("", DEFAULT_DIRECTORY), ("/var/lib/a", Path("/var/lib/a")), ("/var/lib/a:/var/lib/b", Path("/var/lib/a"))],
)
def test_it_lies_where_systemd_says(monkeypatch: pytest.MonkeyPatch, said: str, directory: Path) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", said)
    assert state_directory() == directory
