from __future__ import annotations

import json
import os
import signal
import stat
import wave
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio

from gatewayd.audio.convert import CaptureConverter
from gatewayd.audio.formats import SampleFormat, StreamParameters
from gatewayd.audio.wav import HEADER_BYTES, header
from gatewayd.cli.record import Recording
from gatewayd.cli.sound import opened_capture
from gatewayd.cli.wav_file import WavFile
from gatewayd.errors import Unavailable
from gatewayd.hardware.settings import CaptureSettings, PlaybackSettings, StationSettings
from gatewayd.seams.audio import CapturedBlock
from tests.cli.sound_commands import ARRAY, command, has_bytes, hearing, meanwhile, started
from tests.hardware.sounds import PERIOD, sound_of
from tests.softcard.card import StreamDefinition
from tests.softcard.samples import random_frames
from tests.softcard.timeline import Direction

if TYPE_CHECKING:
    from tests.softcard.card import SoftCard, SoundRack

I2S = StreamParameters(48_000, SampleFormat.S32_LE, 2)
SOUND = random_frames(SampleFormat.S32_LE, 2, 24_000)


@pytest.fixture
def card(stepped_card: SoftCard) -> SoftCard:
    """An I2S microphone whose clock is moved by hand."""
    stepped_card.play_in(SOUND)
    return stepped_card


@pytest.fixture
def fast_card(sound_rack: SoundRack) -> SoftCard:
    """One in a hurry: it may overrun, so nothing is said about what exactly is recorded."""
    card = sound_rack.plug_in("Array", StreamDefinition(formats=("S32_LE",), speed=8.0))
    card.play_in(SOUND)
    return card


def mono_card(sound_rack: SoundRack, sample_format: SampleFormat) -> SoftCard:
    return sound_rack.plug_in(
        "Mono",
        StreamDefinition(formats=(sample_format.value,), rates_hz=(16_000,), channels=(1,), clock="manual"),
    )


def mono_options(sample_format: SampleFormat) -> list[str]:
    device = "hw:CARD=Mono,DEV=0"
    return ["--device", device, "--rate-hz", "16000", "--format", sample_format.value, "--channels", "1"]


def wav_samples(path: Path) -> bytes:
    with wave.open(str(path), "rb") as file:
        assert path.stat().st_size == HEADER_BYTES + file.getnframes() * file.getnchannels() * file.getsampwidth()
        return file.readframes(file.getnframes())


class TestRaw:
    def test_it_is_what_the_card_gave_bit_for_bit(
        self, card: SoftCard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "raw.wav"
        with hearing(card, 19_200):
            assert command("record", "--raw", path, "--seconds", "0.4", *ARRAY) == 0
        assert wav_samples(path) == SOUND[: 19_200 * 8]
        with wave.open(str(path), "rb") as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (48_000, 2, 4)
        out, err = capsys.readouterr()
        assert err == ""
        assert out.startswith(f"{path}: 0.40 s of S32_LE 48000 Hz 2 ch, no overruns\n  channel 0: level -")

    @pytest.mark.parametrize("sample_format", [SampleFormat.S16_LE, SampleFormat.S24_3LE, SampleFormat.FLOAT_LE])
    def test_in_the_cards_own_format(self, sample_format: SampleFormat, sound_rack: SoundRack, tmp_path: Path) -> None:
        card = mono_card(sound_rack, sample_format)
        card.play_in(SOUND)
        path = tmp_path / "raw.wav"
        with hearing(card, 1600):
            assert command("record", "--raw", path, "--seconds", "0.1", *mono_options(sample_format)) == 0
        parameters = StreamParameters(16_000, sample_format, 1)
        data_bytes = 1600 * sample_format.sample_bytes
        assert path.read_bytes() == header(parameters, data_bytes) + SOUND[:data_bytes]

    def test_24_low_bits_of_32_lose_their_unused_byte_and_it_says_so(
        self, sound_rack: SoundRack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        card = mono_card(sound_rack, SampleFormat.S24_LE)
        three = random_frames(SampleFormat.S24_3LE, 1, 16_000)
        card.play_in(b"".join(three[at : at + 3] + b"\xff" for at in range(0, len(three), 3)))
        path = tmp_path / "raw.wav"
        # An odd number of samples: what follows them makes the chunk even, and is none of them.
        seconds = str(1601 / 16_000)
        with hearing(card, 1920):
            assert command("record", "--raw", path, "--seconds", seconds, *mono_options(SampleFormat.S24_LE)) == 0
        with wave.open(str(path), "rb") as file:
            assert file.readframes(file.getnframes()) == three[: 1601 * 3]
        assert path.stat().st_size == HEADER_BYTES + 1601 * 3 + 1
        told = "0.10 s of S24_3LE 16000 Hz 1 ch (the card's S24_LE without its unused byte), no overruns; level -"
        assert told in capsys.readouterr().out


class TestConverted:
    def test_it_is_what_the_daemon_would_send(
        self, card: SoftCard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "heard.wav"
        with hearing(card, 19_200):
            assert command("record", path, "--seconds", "0.4", "--json", *ARRAY) == 0
        sent = b"".join(CaptureConverter(I2S, pick=(0, 1)).feed(SOUND)[:20])
        assert wav_samples(path) == sent
        told = json.loads(capsys.readouterr().out)
        [level] = told.pop("levels")
        numbers = np.frombuffer(sent, "<i2") / 32768.0
        assert level["level_dbfs"] == pytest.approx(10 * np.log10(2 * np.mean(numbers**2)), abs=0.01)
        assert level["peak_dbfs"] == pytest.approx(20 * np.log10(np.abs(numbers).max()), abs=0.01)
        assert level["clipped"] == np.count_nonzero(np.abs(numbers) >= 32767 / 32768)
        assert told == {
            "file": str(path),
            "complete": True,
            "seconds": 0.4,
            "rate_hz": 16_000,
            "format": "S16_LE",
            "channels": 1,
            "overruns": 0,
            "gap_s": 0.0,
        }

    def test_the_stations_gain_and_channel_come_from_its_configuration(self, card: SoftCard, tmp_path: Path) -> None:
        config = tmp_path / "gatewayd.toml"
        config.write_text(
            """
            [agent]
            url = "wss://voice.example.com/ws"
            [agent.token]
            url = "https://api.example.com/v1/session"
            [stations.lobby.capture]
            device = "hw:CARD=Array,DEV=0"
            rate_hz = 48000
            format = "S32_LE"
            channels = 2
            pick = [1]
            gain_db = -6.0
            """
        )
        path = tmp_path / "heard.wav"
        with hearing(card, 4800):
            assert command("record", path, "lobby", "--seconds", "0.1", "--config", config) == 0
        assert wav_samples(path) == b"".join(CaptureConverter(I2S, pick=(1,), gain_db=-6.0).feed(SOUND)[:5])

    def test_warm_up_is_no_part_of_it(self) -> None:
        settings = CaptureSettings("hw:0", I2S, pick=(0,), warm_up_ms=30)
        sound = SOUND[: 4 * PERIOD * 8]
        heard = Recording(settings, raw=False).take(CapturedBlock(sound), 0.08)
        assert heard == b"".join(CaptureConverter(I2S, pick=(0,)).feed(sound[1440 * 8 :]))
        assert Recording(settings, raw=True).take(CapturedBlock(sound), 0.08) == sound


class TestWhatIsLost:
    def test_overruns_are_counted_with_their_length_by_the_clock(self) -> None:
        recording = Recording(CaptureSettings("hw:0", I2S, pick=(0,)), raw=True)
        recording.take(CapturedBlock(sound_of(PERIOD)), 10.0)
        recording.take(CapturedBlock(sound_of(PERIOD), overrun=True), 10.75)
        recording.take(CapturedBlock(sound_of(PERIOD)), 10.77)
        assert recording.overruns == 1
        assert recording.gap_s == pytest.approx(0.73)

    def test_after_an_overrun_half_a_frame_from_before_is_not_glued_to_what_follows(self) -> None:
        recording = Recording(CaptureSettings("hw:0", I2S, pick=(0,)), raw=False)
        recording.take(CapturedBlock(SOUND[: PERIOD // 2 * 8]), 0.01)
        after = recording.take(CapturedBlock(SOUND[PERIOD * 8 :], overrun=True), 1.0)
        assert after == b"".join(CaptureConverter(I2S, pick=(0,)).feed(SOUND[PERIOD * 8 :]))

    def test_unplugged_it_keeps_what_it_has(
        self, card: SoftCard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "raw.wav"
        with hearing(card, 19_200), meanwhile(has_bytes(path, HEADER_BYTES + 19_200 * 8), card.unplug):
            assert command("record", "--raw", path, *ARRAY) == 69
        out, err = capsys.readouterr()
        assert err.startswith("gatewayd: hw:CARD=Array,DEV=0: it was unplugged")
        assert out.startswith(f"{path}: 0.40 s of S32_LE 48000 Hz 2 ch, no overruns, and then it ended early\n")
        assert wav_samples(path) == SOUND[: 19_200 * 8]

    def test_on_a_full_disk_it_keeps_what_it_has(self, card: SoftCard, tmp_path: Path) -> None:
        path = tmp_path / "raw.wav"
        full = ("prlimit", "--fsize=100000")
        with hearing(card, 19_200), started("record", "--raw", path, *ARRAY, before=full) as child:
            exit_code, out, err = child.ended()
        assert exit_code == 69
        assert err == f"gatewayd: {path}: cannot be written: File too large; the 0.26 s before that are kept\n"
        assert "0.26 s of S32_LE 48000 Hz 2 ch, no overruns, and then it ended early" in out
        samples = wav_samples(path)
        assert samples == SOUND[: (100_000 - HEADER_BYTES) // 8 * 8]

    def test_killed_it_can_be_played_up_to_the_last_second(self, fast_card: SoftCard, tmp_path: Path) -> None:
        path = tmp_path / "heard.wav"
        long_enough = has_bytes(path, HEADER_BYTES + 3 * 32_000)
        with started("record", path, *ARRAY) as child, meanwhile(long_enough, child.process.kill):
            child.process.wait()
        with wave.open(str(path), "rb") as file:
            assert file.getnframes() >= 2 * 16_000
            assert len(file.readframes(file.getnframes())) == 2 * file.getnframes()


class TestStopping:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_asked_to_stop_it_ends_well(self, number: int, fast_card: SoftCard, tmp_path: Path) -> None:
        path = tmp_path / "heard.wav"
        with started("record", path, *ARRAY) as child, meanwhile(has_bytes(path, 20_000), lambda: child.signal(number)):
            exit_code, out, err = child.ended()
        assert (exit_code, err) == (0, "")
        assert "ended early" not in out
        assert len(wav_samples(path)) >= 19_000


class TestFile:
    def test_what_is_there_is_not_written_over(
        self, fast_card: SoftCard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "heard.wav"
        path.write_text("mine")
        assert command("record", path, "--seconds", "0.1", *ARRAY) == 64
        told = f"gatewayd: {path}: exists already; name another file, or give --force to write over it\n"
        assert capsys.readouterr().err == told
        assert path.read_text() == "mine"

    def test_unless_that_is_wanted(self, card: SoftCard, tmp_path: Path) -> None:
        path = tmp_path / "heard.wav"
        path.write_bytes(bytes(100_000))
        with hearing(card, 4800):
            assert command("record", path, "--seconds", "0.1", "--force", *ARRAY) == 0
        assert len(wav_samples(path)) == 3200

    def test_without_sound_nothing_is_left_and_nothing_is_lost(
        self, sound_rack: SoundRack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "heard.wav"
        assert command("record", path, *ARRAY) == 69
        assert not path.exists()
        path.write_text("mine")
        assert command("record", path, "--force", *ARRAY) == 69
        assert path.read_text() == "mine"
        out, err = capsys.readouterr()
        assert out == ""
        assert "hw:CARD=Array,DEV=0: no such device" in err

    async def test_a_full_one_holds_whole_frames_up_to_its_end(self, tmp_path: Path) -> None:
        path = tmp_path / "full.wav"
        with WavFile(str(path), I2S, force=False, bytes_max=1002) as file:
            await file.write(SOUND[:800])
            with pytest.raises(Unavailable, match="is full, as a WAV file holds no more than 4 GiB"):
                await file.write(SOUND[800:1600])
        assert wav_samples(path) == SOUND[:1000]

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            (".", "Is a directory"),
            ("no/such.wav", "No such file or directory"),
            ("/dev/full", "No space left on device"),
        ],
    )
    def test_one_that_cannot_be_written(
        self, name: str, told: str, fast_card: SoftCard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / name
        assert command("record", path, "--seconds", "0.1", *ARRAY) == 69
        assert capsys.readouterr() == ("", f"gatewayd: {path}: cannot be written: {told}\n")

    def test_to_a_pipe_the_header_leaves_the_length_open(self, card: SoftCard, tmp_path: Path) -> None:
        with hearing(card, 9600), started("record", "-", "--raw", "--seconds", "0.2", *ARRAY) as child:
            out, err = child.process.communicate()
        assert child.process.returncode == 0
        assert out == header(I2S, None) + SOUND[: 9600 * 8]
        assert err.decode().startswith("stdout: 0.20 s of S32_LE 48000 Hz 2 ch, no overruns\n")

    def test_a_reader_that_does_not_read_does_not_keep_it_from_stopping(
        self, fast_card: SoftCard, tmp_path: Path
    ) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        with started("record", fifo, *ARRAY) as child:
            reader = os.open(fifo, os.O_RDONLY)
            try:
                os.read(reader, 1000)
                child.signal(signal.SIGTERM)
                exit_code, _, err = child.ended()
            finally:
                os.close(reader)
        assert (exit_code, err) == (0, "")
        assert stat.S_ISFIFO(fifo.stat().st_mode)


class TestDevice:
    def test_a_speaker_that_capture_needs_is_kept_playing_silence(self, stepped_card: SoftCard) -> None:
        settings = StationSettings(
            profile=None,
            capture=CaptureSettings(stepped_card.device, I2S, pick=(0,), needs_playback=True),
            playback=PlaybackSettings(stepped_card.device, I2S),
        )

        async def listen() -> None:
            async with opened_capture(settings, Path("missing.toml")) as stream:
                assert stepped_card.is_open(Direction.PLAYBACK)
                for _ in range(5):
                    stepped_card.advance(PERIOD)
                    assert (await stream.receive()).data
                assert (stream.device, stream.parameters) == (stepped_card.device, I2S)

        trio.run(listen)
        played = stepped_card.played()
        assert len(played) >= 5 * PERIOD * 8
        assert not any(played)
