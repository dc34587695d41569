from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from gatewayd.configuration.load import load
from gatewayd.configuration.toml import MAX_BYTES
from gatewayd.errors import ConfigurationInvalid
from tests.configuration.texts import MINIMAL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def problems_of(file: Path) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as caught:
        load(file)
    return str(caught.value).splitlines()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "gatewayd.toml"
    file.write_text(MINIMAL)
    return file


@contextmanager
def nobody() -> Iterator[None]:
    """As a user that may read nothing here, where the tests run as root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_the_file_alone(file: Path) -> None:
    assert load(file).stations[0].profile == "i2s-mems"


def test_drop_ins_beside_it_are_laid_over_in_the_order_of_their_names(file: Path) -> None:
    drop_ins = file.parent / "conf.d"
    drop_ins.mkdir()
    (drop_ins / "20-b.toml").write_text('stations.main.profile = "b"\nstations.main.activation = "on-demand"')
    (drop_ins / "10-a.toml").write_text('stations.main.profile = "a"')
    (drop_ins / "30-c.toml.disabled").write_text("nonsense")
    (drop_ins / ".#40-d.toml").write_text("nonsense")
    configuration = load(file)
    assert configuration.stations[0].profile == "b"
    assert configuration.origin("stations.main.profile") == str(drop_ins / "20-b.toml")
    assert configuration.origin("agent.url") == str(file)


def test_problems_of_all_files_come_at_once(file: Path) -> None:
    drop_ins = file.parent / "conf.d"
    drop_ins.mkdir()
    (drop_ins / "1.toml").write_text("x = [")
    (drop_ins / "2.toml").mkdir()
    (drop_ins / "3.toml").write_text("control.socket = 3")
    assert problems_of(file) == [
        f"{drop_ins}/2.toml: cannot be read: it is a directory; name the file in it",
        f"{drop_ins}/1.toml: line 1, column 6: is not TOML: Invalid value",
        f"{drop_ins}/3.toml: control.socket: must be an absolute path of at most 100 characters, not a whole number",
    ]


def test_a_missing_file_hides_nothing_of_its_drop_ins(file: Path) -> None:
    file.unlink()
    (file.parent / "conf.d").mkdir()
    (file.parent / "conf.d" / "1.toml").write_text("agent.connect_timeout_s = 0")
    assert problems_of(file) == [
        f"{file}: cannot be read: there is no such file",
        f"{file.parent}/conf.d/1.toml: agent.connect_timeout_s: must be a number from 0.1 to 300 s, not 0",
    ]


def test_what_is_no_regular_file_is_not_opened(file: Path) -> None:
    assert problems_of(file.parent) == [f"{file.parent}: cannot be read: it is a directory; name the file in it"]
    file.unlink()
    os.mkfifo(file)
    assert problems_of(file) == [f"{file}: cannot be read: it is not a regular file"]
    file.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(file))
        assert problems_of(file) == [f"{file}: cannot be read: it is not a regular file"]


def test_a_file_that_never_ends_is_left_alone(file: Path) -> None:
    file.unlink()
    file.symlink_to("/dev/zero")
    assert problems_of(file) == [f"{file}: cannot be read: it is not a regular file"]


def test_a_huge_file_is_not_read_whole(file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)
    assert problems_of(file) == [f"{file}: is larger than {MAX_BYTES // 1024} KiB, which no configuration needs"]


def test_a_file_that_may_not_be_read_says_so(file: Path) -> None:
    file.chmod(0)
    with nobody():
        problems = problems_of(file)
    assert f"{file}: cannot be read: permission denied; the user that runs gatewayd must be able to read it" in problems


def test_drop_ins_that_cannot_be_listed_are_a_problem(file: Path) -> None:
    (file.parent / "conf.d").write_text("")
    assert problems_of(file) == [f"{file.parent}/conf.d: cannot be listed: Not a directory"]


def test_a_loop_of_links_and_impossible_names_end_well(file: Path) -> None:
    loop = file.parent / "loop.toml"
    loop.symlink_to(loop)
    assert problems_of(loop) == [f"{loop}: cannot be read: Too many levels of symbolic links"]
    assert problems_of(file / "x.toml")[-1] == f"{file}/x.toml: cannot be read: Not a directory"
    assert problems_of(file.parent / "a\0b.toml") == [
        f"{file.parent}/a\\x00b.toml: cannot be read: its name holds a NUL character"
    ]
    assert problems_of(file.parent / "a\nb.toml") == [
        f"{file.parent}/a\\nb.toml: cannot be read: there is no such file"
    ]
