from __future__ import annotations

import math
import struct
import wave
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.errors import ConfigurationInvalid
from gatewayd.sim.agents import CATCH_UP_FRAMES, NEVER, Echo, Player, agent_factory, read_wav_frames, tone_frames
from gatewayd.sim.tokens import OUTSTANDING_TOKENS, TokenBook, Verdict

if TYPE_CHECKING:
    from pathlib import Path

FRAME = bytes(640)


def write_wav(path: Path, data: bytes, *, rate_hz: int = 16_000, channels: int = 1, sample_bytes: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, sample_bytes, rate_hz, 0, "NONE", ""))
        file.writeframes(data)
    return path


def test_a_player_is_never_late_by_more_than_its_waker() -> None:
    player = Player([FRAME], loop=True)
    player.start(100.0)
    for frame in range(0, 360_000, 3600):
        player.speak(100.0 + frame * 0.02)
        assert player.due == 100.0 + (frame + 1) * 0.02


def test_after_a_standstill_a_player_skips() -> None:
    player = Player([FRAME], loop=True)
    player.start(0.0)
    assert len(player.speak(0.0)) == 1
    assert len(player.speak(60.0)) in (CATCH_UP_FRAMES, CATCH_UP_FRAMES + 1)
    assert 60.0 < player.due <= 60.02


def test_a_player_says_its_recording_once() -> None:
    player = Player([bytes([n]) * 640 for n in range(3)], loop=False)
    player.start(0.0)
    assert [frame[0] for n in range(10) for frame in player.speak(n * 0.02)] == [0, 1, 2]
    assert player.due == NEVER


def test_an_agent_that_was_not_started_has_nothing_to_say() -> None:
    assert Player([FRAME], loop=True).due == NEVER
    assert Echo().due == NEVER


@given(st.lists(st.floats(0, 0.05), max_size=30), st.floats(0, 2))
def test_an_echo_says_everything_once_in_order(gaps: list[float], delay_s: float) -> None:
    echo, now = Echo(delay_s), 0.0
    said: list[bytes] = []
    for index, gap in enumerate(gaps):
        now += gap
        echo.hear(struct.pack("<I", index), now)
        said += echo.speak(now)
    said += echo.speak(now + delay_s)
    assert said == [struct.pack("<I", index) for index in range(len(gaps))]


def test_the_tone_is_a_sine_without_a_seam() -> None:
    frames = tone_frames(440, -12.0)
    assert {len(frame) for frame in frames} == {640}
    samples = struct.unpack("<16000h", b"".join(frames))
    expected = 32767 * 10 ** (-12 / 20)
    wrapped = (*samples, *samples[:100])
    for n, sample in enumerate(wrapped):
        assert abs(sample - expected * math.sin(2 * math.pi * 440 * n / 16_000)) <= 1


def test_a_recording_is_cut_into_frames(tmp_path: Path) -> None:
    frames = read_wav_frames(write_wav(tmp_path / "hello.wav", b"\x01\x02" * 500))
    assert frames == (b"\x01\x02" * 320, b"\x01\x02" * 180 + bytes(280))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ({"rate_hz": 48_000}, "is 48000 Hz, 1 channels, 16 bit; must be 16000 Hz, 1 channel, 16 bit"),
        ({"channels": 2}, "is 16000 Hz, 2 channels, 16 bit; must be"),
        ({"sample_bytes": 1}, "is 16000 Hz, 1 channels, 8 bit; must be"),
    ],
)
def test_any_other_recording_is_refused(tmp_path: Path, kind: dict[str, int], said: str) -> None:
    path = write_wav(tmp_path / "hello.wav", bytes(640), **kind)
    with pytest.raises(ConfigurationInvalid) as refused:
        agent_factory(str(path))
    assert str(refused.value).startswith(f"{path}: {said}")


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    for name, content in (("empty", b""), ("noise", b"RIFF1234"), ("text", b"hello"), ("silent", None)):
        path = tmp_path / name
        if content is None:
            write_wav(path, b"")
        else:
            path.write_bytes(content)
        with pytest.raises(ConfigurationInvalid):
            read_wav_frames(path)
    with pytest.raises(ConfigurationInvalid, match="No such file"):
        read_wav_frames(tmp_path / "missing.wav")


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_a_clean_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("wav") / "any.wav"
    path.write_bytes(b"RIFF\xff\x00\x00\x00WAVE" + content)
    try:
        frames = read_wav_frames(path)
    except ConfigurationInvalid:
        return
    assert {len(frame) for frame in frames} == {640}


def test_tokens() -> None:
    book = TokenBook()
    token, other = book.issue(0.0), book.issue(0.0)
    assert token != other
    assert book.redeem(token, 299.999) is Verdict.GOOD
    assert book.redeem(token, 299.999) is Verdict.UNKNOWN
    assert book.redeem(other, 300.0) is Verdict.EXPIRED
    assert book.redeem("", 0.0) is Verdict.UNKNOWN


def test_forgotten_tokens_are_unknown() -> None:
    book = TokenBook()
    tokens = [book.issue(0.0) for _ in range(OUTSTANDING_TOKENS + 1)]
    assert book.redeem(tokens[0], 0.0) is Verdict.UNKNOWN
    assert book.redeem(tokens[1], 0.0) is Verdict.GOOD
