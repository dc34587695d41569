from __future__ import annotations

import csv
import json
import wave
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.errors import Unavailable
from gatewayd.sim.recording import SYNC_FRAMES, Recording

if TYPE_CHECKING:
    from pathlib import Path


def sound(path: Path) -> bytes:
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return file.readframes(file.getnframes())


def test_both_directions_with_their_times(tmp_path: Path) -> None:
    with closing(Recording(tmp_path, 7)) as recording:
        recording.heard(100, b"\x01" * 640)
        recording.said(150, b"\x02" * 640)
        recording.heard(200, b"\x03" * 640)
        recording.summarize({"session": 7})
    assert sound(tmp_path / "0007-heard.wav") == b"\x01" * 640 + b"\x03" * 640
    assert sound(tmp_path / "0007-said.wav") == b"\x02" * 640
    assert json.loads((tmp_path / "0007-session.json").read_text()) == {"session": 7}
    with (tmp_path / "0007-frames.csv").open() as lines:
        assert list(csv.reader(lines)) == [
            ["direction", "index", "monotonic_ns", "bytes"],
            ["heard", "0", "100", "640"],
            ["said", "0", "150", "640"],
            ["heard", "1", "200", "640"],
        ]


def test_a_recording_is_a_whole_wav_at_any_time(tmp_path: Path) -> None:
    with closing(Recording(tmp_path, 1)) as recording:
        assert sound(tmp_path / "0001-heard.wav") == b""
        for count in range(1, 3 * SYNC_FRAMES):
            recording.heard(count, bytes([count % 256]) * 640)
            on_disk = sound(tmp_path / "0001-heard.wav")
            assert len(on_disk) == count // SYNC_FRAMES * SYNC_FRAMES * 640


@given(st.lists(st.binary(max_size=9)))
def test_messages_of_any_size_are_kept_whole(tmp_path_factory: pytest.TempPathFactory, messages: list[bytes]) -> None:
    directory = tmp_path_factory.mktemp("recording")
    with closing(Recording(directory, 1)) as recording:
        for message in messages:
            recording.heard(0, message)
    data = b"".join(messages)
    assert sound(directory / "0001-heard.wav") == data[: len(data) & ~1]


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="the recording cannot be written: No such file or directory"):
        Recording(tmp_path / "none", 1)


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    (tmp_path / "0001-said.wav").symlink_to("/dev/full")
    with pytest.raises(Unavailable, match="the recording cannot be written: No space left on device"):
        Recording(tmp_path, 1)
