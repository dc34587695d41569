from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gatewayd.sim.recording import Recording
from tests.demo.recordings import RecordingUnusable, read_session

if TYPE_CHECKING:
    from pathlib import Path


def record(directory: Path, number: int, heard: int, said: int, data: bytes = bytes(640)) -> None:
    """As the service records it: a frame heard each 20 ms from 1 s on, and said 5 ms later."""
    with closing(Recording(directory, number)) as recording:
        for index in range(heard):
            recording.heard(1_000_000_000 + index * 20_000_000, data)
            if index < said:
                recording.said(1_005_000_000 + index * 20_000_000, data)


def test_both_directions_are_read_with_their_times(tmp_path: Path) -> None:
    record(tmp_path, 1, heard=60, said=50, data=b"\x00\x40" * 320)
    session = read_session(tmp_path)
    assert (session.heard.frames, session.said.frames) == (60, 50)
    assert session.heard.samples.tolist() == [0.5] * 320 * 60
    assert session.heard.times_ns[:2].tolist() == [1_000_000_000, 1_020_000_000]
    assert session.said.times_ns[0] == 1_005_000_000
    assert session.heard_wav == tmp_path / "0001-heard.wav"


def test_frames_are_counted_by_when_they_passed(tmp_path: Path) -> None:
    record(tmp_path, 1, heard=60, said=0)
    heard = read_session(tmp_path).heard
    assert heard.frames_between(1_000_000_000, 1_200_000_000) == 10
    assert heard.frames_between(0, 10**12) == 60
    assert heard.frames_between(0, 1_000_000_000) == 0


def test_a_session_without_a_frame_is_readable(tmp_path: Path) -> None:
    record(tmp_path, 1, heard=0, said=0)
    assert read_session(tmp_path).heard.frames == 0


def test_no_session_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordingUnusable, match="recorded 0 sessions; one is wanted"):
        read_session(tmp_path)


def test_several_sessions_are_told(tmp_path: Path) -> None:
    record(tmp_path, 1, heard=1, said=1)
    record(tmp_path, 2, heard=1, said=1)
    with pytest.raises(RecordingUnusable, match="recorded 2 sessions; one is wanted"):
        read_session(tmp_path)


def test_a_message_that_is_no_wire_frame_is_told(tmp_path: Path) -> None:
    record(tmp_path, 1, heard=1, said=0, data=bytes(1280))
    with pytest.raises(RecordingUnusable, match="a message of 1280 bytes was recorded as heard"):
        read_session(tmp_path)


def test_sound_that_does_not_fit_its_list_of_frames_is_told(tmp_path: Path) -> None:
    record(tmp_path, 1, heard=2, said=0)
    with (tmp_path / "0001-frames.csv").open("a") as file:
        file.write("heard,2,1040000000,640\n")
    with pytest.raises(RecordingUnusable, match=r"heard\.wav holds 640 samples for 3 frames"):
        read_session(tmp_path)
