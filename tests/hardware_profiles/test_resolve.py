from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayd.audio.formats import RATES_HZ, SampleFormat, StreamParameters
from gatewayd.configuration.model import (
    AgentConfiguration,
    CaptureOverrides,
    Configuration,
    PlaybackOverrides,
    StationConfiguration,
)
from gatewayd.errors import ConfigurationInvalid
from gatewayd.hardware.profiles import CaptureProfile, Match, PlaybackProfile, Profile
from gatewayd.hardware.resolve import resolve, resolve_stations
from gatewayd.hardware.settings import CaptureSettings, PlaybackSettings, StationSettings

S16, S32 = SampleFormat.S16_LE, SampleFormat.S32_LE

ARRAY = Profile(
    "array",
    "An array",
    "A drawer",
    CaptureProfile(16000, S16, 6, pick=(1, 2), gain_db=6.0, highpass_hz=80.0, period_ms=10, buffer_ms=400),
    PlaybackProfile(channels=2, volume=0.5, period_ms=30, buffer_ms=90),
    Match(card_ids=("ArrayUAC10",)),
)
CAMERA = Profile(
    "camera",
    "A camera",
    "A drawer",
    CaptureProfile(16000, S16, 4, device="hw:CARD=Cam,DEV=0", pick=(0, 1, 2, 3)),
    PlaybackProfile(enabled=False),
)
MEMS = Profile("mems", "Bare", "A drawer", CaptureProfile(48000, S32, 2), match=Match(card_ids=("voice", "i2s")))
BOX = Profile("box", "Boxed", "A drawer", CaptureProfile(48000, S32, 2), match=Match(usb_ids=("2886:001a",)))
DUPLEX = Profile(
    "duplex",
    "Two cards",
    "A drawer",
    CaptureProfile(48000, S32, 2, device="hw:CARD=In"),
    PlaybackProfile(device="hw:CARD=Out", rate_hz=44100, format=S16, channels=1),
)
PROFILES = {profile.name: profile for profile in (ARRAY, CAMERA, MEMS, BOX, DUPLEX)}
OWN = CaptureOverrides("hw:CARD=X,DEV=0", 44100, SampleFormat.S24_3LE, 2)


def station(
    profile: str = "auto",
    capture: CaptureOverrides | None = None,
    playback: PlaybackOverrides | None = None,
    name: str = "main",
) -> StationConfiguration:
    return StationConfiguration(
        name, profile, capture=capture or CaptureOverrides(), playback=playback or PlaybackOverrides()
    )


def problems_of(configuration: StationConfiguration) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as caught:
        resolve(configuration, PROFILES)
    assert all(problem.source == "configuration" for problem in caught.value.problems)
    return [f"{problem.place}: {problem.what}" for problem in caught.value.problems]


def test_a_profile_alone_says_everything() -> None:
    assert resolve(station("array"), PROFILES) == StationSettings(
        "array",
        CaptureSettings(
            "hw:CARD=ArrayUAC10,DEV=0",
            StreamParameters(16000, S16, 6),
            pick=(1, 2),
            gain_db=6.0,
            highpass_hz=80.0,
            period_ms=10,
            buffer_ms=400,
        ),
        PlaybackSettings(
            "hw:CARD=ArrayUAC10,DEV=0", StreamParameters(16000, S16, 2), volume=0.5, period_ms=30, buffer_ms=90
        ),
    )


def test_a_station_that_says_everything_needs_no_profile() -> None:
    parameters = StreamParameters(44100, SampleFormat.S24_3LE, 2)
    assert resolve(station(capture=OWN), {}) == StationSettings(
        None, CaptureSettings("hw:CARD=X,DEV=0", parameters, pick=(0,)), PlaybackSettings("hw:CARD=X,DEV=0", parameters)
    )


def test_each_key_of_the_station_wins_over_the_profile() -> None:
    capture = CaptureOverrides("hw:CARD=Y", 48000, S32, 8, (7,), -1.0, 0.0)
    playback = PlaybackOverrides(
        enabled=True, device="hw:CARD=Z", rate_hz=8000, format=SampleFormat.FLOAT_LE, channels=1, volume=0.0
    )
    settled = resolve(station("array", capture, playback), PROFILES)
    assert settled.capture == CaptureSettings("hw:CARD=Y", StreamParameters(48000, S32, 8), (7,), -1.0, 0.0, 10, 400)
    assert settled.playback == PlaybackSettings(
        "hw:CARD=Z", StreamParameters(8000, SampleFormat.FLOAT_LE, 1), 0.0, 30, 90
    )


def test_playback_that_is_left_out_follows_what_capture_became() -> None:
    settled = resolve(station("array", replace(OWN, channels=None)), PROFILES)
    assert settled.playback is not None
    assert settled.playback.device == "hw:CARD=X,DEV=0"
    assert settled.playback.parameters == StreamParameters(44100, SampleFormat.S24_3LE, 2)


def test_a_profile_may_name_a_card_for_each_direction() -> None:
    settled = resolve(station("duplex"), PROFILES)
    assert settled.capture.device == "hw:CARD=In"
    assert settled.playback == PlaybackSettings("hw:CARD=Out", StreamParameters(44100, S16, 1))


@pytest.mark.parametrize("profile", ["array", "camera"])
def test_playback_may_be_off(profile: str) -> None:
    off = PlaybackOverrides(enabled=False, rate_hz=48000)
    assert resolve(station(profile, playback=off), PROFILES).playback is None


def test_a_board_without_speaker_is_not_played_to() -> None:
    assert resolve(station("camera"), PROFILES).playback is None


def test_a_speaker_beside_a_board_without_one_is_played_to() -> None:
    speaker = PlaybackOverrides(device="hw:CARD=Speaker", rate_hz=48000, channels=2)
    assert resolve(station("camera", playback=speaker), PROFILES).playback == PlaybackSettings(
        "hw:CARD=Speaker", StreamParameters(48000, S16, 2)
    )


def test_settings_for_a_speaker_that_is_not_there_are_problems() -> None:
    speaker = "profile camera has no speaker; name one in stations.main.playback.device"
    assert problems_of(station("camera", playback=PlaybackOverrides(enabled=True))) == [
        f"stations.main.playback.enabled: cannot be true: {speaker}"
    ]
    assert problems_of(station("camera", playback=PlaybackOverrides(volume=0.0, rate_hz=48000))) == [
        f"stations.main.playback.rate_hz: has no effect: {speaker}",
        f"stations.main.playback.volume: has no effect: {speaker}",
    ]


@pytest.mark.parametrize("key", ["device", "rate_hz", "format", "channels"])
def test_auto_needs_all_of_four_keys(key: str) -> None:
    [problem] = problems_of(station(capture=replace(OWN, **{key: None})))
    assert problem == (
        'stations.main.profile: is "auto", and this version does not find hardware; '
        "set device, rate_hz, format and channels in [stations.main.capture] "
        f"(left out: {key}), or name a profile: array, camera, mems, box, duplex"
    )


def test_auto_without_any_profile_installed() -> None:
    with pytest.raises(ConfigurationInvalid, match="or name a profile: none is installed"):
        resolve(station(), {})


def test_an_unknown_profile_is_told_its_nearest_or_all() -> None:
    assert problems_of(station("arrray")) == ["stations.main.profile: names no known profile; did you mean array?"]
    assert problems_of(station("zzz", OWN)) == [
        "stations.main.profile: names no known profile; known: array, box, camera, duplex, mems"
    ]


def test_which_of_several_cards_it_is_the_station_says() -> None:
    assert problems_of(station("mems")) == [
        (
            "stations.main.capture.device: is missing; profile mems leaves it open: set it to hw:CARD=voice,DEV=0 or "
            "hw:CARD=i2s,DEV=0"
        )
    ]
    assert problems_of(station("box")) == [
        (
            "stations.main.capture.device: is missing; profile box leaves it open: set it to hw:CARD=…,DEV=0, with the "
            "card's id from /proc/asound/cards"
        )
    ]
    assert resolve(station("mems", CaptureOverrides(device="hw:CARD=i2s")), PROFILES).capture.device == "hw:CARD=i2s"


def test_picked_channels_must_be_there_once_all_is_merged() -> None:
    assert problems_of(station("array", CaptureOverrides(channels=2))) == [
        "stations.main.capture.pick: picks channel 2; of 2 there are channels 0 to 1, as profile array says; set it"
    ]
    assert problems_of(station("array", CaptureOverrides(pick=(6,)))) == [
        "stations.main.capture.pick: picks channel 6; of 6 there are channels 0 to 5"
    ]
    assert problems_of(station("mems", CaptureOverrides(channels=1, pick=(1,)))) == [
        (
            "stations.main.capture.device: is missing; profile mems leaves it open: set it to hw:CARD=voice,DEV=0 or "
            "hw:CARD=i2s,DEV=0"
        ),
        "stations.main.capture.pick: picks channel 1; of 1 there is only channel 0",
    ]


def test_problems_of_all_stations_come_at_once_with_the_files_they_stand_in() -> None:
    configuration = Configuration(
        AgentConfiguration(),
        (station("zzz", name="a"), station("array", name="b"), station("mems", name="c")),
        origins={
            "": "main.toml",
            "stations.a.profile": "1.toml",
            "stations.c.profile": "2.toml",
            "stations.c": "3.toml",
        },
    )
    with pytest.raises(ConfigurationInvalid) as caught:
        resolve_stations(configuration, PROFILES)
    assert [(problem.source, problem.place) for problem in caught.value.problems] == [
        ("1.toml", "stations.a.profile"),
        ("3.toml", "stations.c.capture.device"),
    ]


def test_stations_come_in_the_order_of_the_configuration() -> None:
    configuration = Configuration(AgentConfiguration(), (station("duplex", name="z"), station("array", name="a")))
    assert list(resolve_stations(configuration, PROFILES)) == ["z", "a"]


def outcome(configuration: StationConfiguration) -> StationSettings | ConfigurationInvalid:
    try:
        return resolve(configuration, PROFILES)
    except ConfigurationInvalid as error:
        return error


CHANNELS = st.integers(1, 16)
PICKS = st.lists(st.integers(0, 15), min_size=1, max_size=4, unique=True).map(tuple)


@settings(deadline=None)
@given(
    st.sampled_from(["auto", "zzz", *PROFILES]),
    st.builds(
        CaptureOverrides,
        device=st.none() | st.just("hw:CARD=X"),
        rate_hz=st.none() | st.sampled_from(RATES_HZ),
        format=st.none() | st.sampled_from(SampleFormat),
        channels=st.none() | CHANNELS,
        pick=st.none() | PICKS,
    ),
    st.builds(
        PlaybackOverrides,
        enabled=st.none() | st.booleans(),
        device=st.none() | st.just("hw:CARD=Y"),
        channels=st.none() | CHANNELS,
    ),
)
def test_any_station_gives_usable_settings_or_problems(
    profile: str, capture: CaptureOverrides, playback: PlaybackOverrides
) -> None:
    settled = outcome(station(profile, capture, playback))
    if isinstance(settled, ConfigurationInvalid):
        assert all(problem.place.startswith("stations.main.") for problem in settled.problems)
        return
    assert max(settled.capture.pick) < settled.capture.parameters.channels
    assert settled.capture.device
    assert (settled.profile is None) == (profile == "auto")
    assert settled.capture.parameters.rate_hz == (capture.rate_hz or PROFILES[profile].capture.rate_hz)
    assert settled.playback is None or settled.playback.device == (playback.device or settled.playback.device)
