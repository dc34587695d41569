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
from gatewayd.errors import ConfigurationInvalid, DeviceError
from gatewayd.hardware.inventory import Inventory
from gatewayd.hardware.profile import CaptureProfile, Duplex, Match, PlaybackProfile, Profile, Recovery
from gatewayd.hardware.resolve import check_stations, names_everything, settle
from gatewayd.hardware.settings import CaptureSettings, MixerSetting, PlaybackSettings, RecoveryStep, StationSettings

S16, S32 = SampleFormat.S16_LE, SampleFormat.S32_LE

ARRAY = Profile(
    "array",
    "An array",
    capture=CaptureProfile(
        16000, S16, 6, pick=(1, 2), gain_db=6.0, highpass_hz=80.0, period_ms=10, buffer_ms=400, warm_up_ms=1000
    ),
    playback=PlaybackProfile(channels=2, volume=0.5, period_ms=30, buffer_ms=90, keep_alive=True),
    match=Match(card_ids=("ArrayUAC10",)),
    mixer=(MixerSetting("PCM", db=0.0),),
    recovery=Recovery((RecoveryStep.USB_RESET, RecoveryStep.ALARM)),
)
CAMERA = Profile(
    "camera",
    "A camera",
    capture=CaptureProfile(16000, S16, 4, device="hw:CARD=Cam,DEV=0", pick=(0, 1, 2, 3)),
    playback=PlaybackProfile(enabled=False),
)
CODEC = Profile(
    "codec",
    "A codec",
    capture=CaptureProfile(48000, S16, 2, device="hw:CARD=Zero,DEV=0"),
    duplex=Duplex(same_parameters=True, capture_needs_playback=True),
)
NAMELESS = Profile("nameless", "Recognises nothing")
DUPLEX = Profile(
    "duplex",
    "Two cards",
    capture=CaptureProfile(48000, S32, 2, device="hw:CARD=In", pick=(0,)),
    playback=PlaybackProfile(device="hw:CARD=Out", rate_hz=44100, format=S16, channels=1),
)
PROFILES = {profile.name: profile for profile in (ARRAY, CAMERA, CODEC, NAMELESS, DUPLEX)}
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


def settled(configuration: StationConfiguration) -> StationSettings:
    """Where nothing is known of the hardware."""
    return settle(configuration, PROFILES, Inventory(), offers=lambda _device, _capture: ())


def problems_of(*stations: StationConfiguration) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as caught:
        check_stations(Configuration(AgentConfiguration(), stations), PROFILES)
    return [f"{problem.place}: {problem.what}" for problem in caught.value.problems]


def test_a_profile_alone_says_everything() -> None:
    assert settled(station("array")) == StationSettings(
        "array",
        CaptureSettings(
            "hw:CARD=ArrayUAC10,DEV=0",
            StreamParameters(16000, S16, 6),
            pick=(1, 2),
            gain_db=6.0,
            highpass_hz=80.0,
            period_ms=10,
            buffer_ms=400,
            warm_up_ms=1000,
        ),
        PlaybackSettings(
            "hw:CARD=ArrayUAC10,DEV=0",
            StreamParameters(16000, S16, 2),
            volume=0.5,
            period_ms=30,
            buffer_ms=90,
            keep_alive=True,
        ),
        mixer=(MixerSetting("PCM", db=0.0),),
        recovery=(RecoveryStep.USB_RESET, RecoveryStep.ALARM),
    )


def test_a_station_that_says_everything_needs_no_profile() -> None:
    parameters = StreamParameters(44100, SampleFormat.S24_3LE, 2)
    assert settle(station(capture=OWN), {}, Inventory(), offers=lambda _device, _capture: ()) == StationSettings(
        None, CaptureSettings("hw:CARD=X,DEV=0", parameters, pick=(0,)), PlaybackSettings("hw:CARD=X,DEV=0", parameters)
    )


@pytest.mark.parametrize("key", ["device", "rate_hz", "format", "channels"])
def test_which_four_keys_are_everything(key: str) -> None:
    assert names_everything(station(capture=OWN))
    assert not names_everything(station("array", OWN))
    assert not names_everything(station(capture=replace(OWN, **{key: None})))


def test_each_key_of_the_station_wins_over_the_profile() -> None:
    capture = CaptureOverrides("hw:CARD=Y", 48000, S32, 8, (7,), -1.0, 0.0)
    playback = PlaybackOverrides(
        enabled=True, device="hw:CARD=Z", rate_hz=8000, format=SampleFormat.FLOAT_LE, channels=1, volume=0.0
    )
    result = settled(station("array", capture, playback))
    assert result.capture == CaptureSettings(
        "hw:CARD=Y", StreamParameters(48000, S32, 8), (7,), -1.0, 0.0, 10, 400, warm_up_ms=1000
    )
    assert result.playback == PlaybackSettings(
        "hw:CARD=Z", StreamParameters(8000, SampleFormat.FLOAT_LE, 1), 0.0, 30, 90, keep_alive=True
    )


def test_playback_that_is_left_out_follows_what_capture_became() -> None:
    result = settled(station("array", replace(OWN, channels=None)))
    assert result.playback is not None
    assert result.playback.device == "hw:CARD=X,DEV=0"
    assert result.playback.parameters == StreamParameters(44100, SampleFormat.S24_3LE, 2)


def test_a_profile_may_name_a_card_for_each_direction() -> None:
    result = settled(station("duplex"))
    assert result.capture.device == "hw:CARD=In"
    assert result.playback == PlaybackSettings("hw:CARD=Out", StreamParameters(44100, S16, 1))


@pytest.mark.parametrize("profile", ["array", "camera"])
def test_playback_may_be_off(profile: str) -> None:
    off = PlaybackOverrides(enabled=False, rate_hz=48000)
    assert settled(station(profile, playback=off)).playback is None


def test_a_board_without_speaker_is_not_played_to() -> None:
    assert settled(station("camera")).playback is None


def test_a_speaker_beside_a_board_without_one_is_played_to() -> None:
    speaker = PlaybackOverrides(device="hw:CARD=Speaker", rate_hz=48000, channels=2)
    assert settled(station("camera", playback=speaker)).playback == PlaybackSettings(
        "hw:CARD=Speaker", StreamParameters(48000, S16, 2)
    )


def test_a_microphone_that_needs_playback_open_says_so_while_that_is_on_its_own_card() -> None:
    assert settled(station("codec")).capture.needs_playback
    elsewhere = PlaybackOverrides(device="hw:CARD=Speaker")
    assert not settled(station("codec", playback=elsewhere)).capture.needs_playback


def test_what_is_right_has_no_problems() -> None:
    every = (
        station("array", name="a"),
        station("camera", playback=PlaybackOverrides(device="hw:CARD=S", volume=0.1), name="b"),
        station("camera", playback=PlaybackOverrides(enabled=False), name="c"),
        station("codec", playback=PlaybackOverrides(rate_hz=48000, format=S16, channels=2), name="d"),
        station("codec", playback=PlaybackOverrides(device="hw:CARD=S", rate_hz=16000), name="e"),
        station("nameless", replace(OWN, pick=(1,)), name="f"),
        replace(station("nameless", name="g"), port="1-1.2"),
        replace(station(name="h"), port="1-1.3"),
        station(name="i"),
        station(capture=replace(OWN, rate_hz=None), name="j"),
    )
    check_stations(Configuration(AgentConfiguration(), every), PROFILES)


def test_settings_for_a_speaker_that_is_not_there_are_problems() -> None:
    speaker = "profile camera has no speaker; name one in stations.main.playback.device"
    assert problems_of(station("camera", playback=PlaybackOverrides(enabled=True))) == [
        f"stations.main.playback.enabled: cannot be true: {speaker}"
    ]
    assert problems_of(station("camera", playback=PlaybackOverrides(volume=0.0, rate_hz=48000))) == [
        f"stations.main.playback.rate_hz: has no effect: {speaker}",
        f"stations.main.playback.volume: has no effect: {speaker}",
    ]


def test_what_both_directions_must_share_cannot_differ() -> None:
    playback = PlaybackOverrides(rate_hz=16000, format=S32, channels=1)
    needs = "profile codec needs both the same; leave it out"
    assert problems_of(station("codec", playback=playback)) == [
        f"stations.main.playback.rate_hz: must be 48000, as for capture: {needs}",
        f"stations.main.playback.format: must be S16_LE, as for capture: {needs}",
        f"stations.main.playback.channels: must be 2, as for capture: {needs}",
    ]
    capture = CaptureOverrides(rate_hz=32000)
    assert problems_of(station("codec", capture, PlaybackOverrides(rate_hz=48000))) == [
        f"stations.main.playback.rate_hz: must be 32000, as for capture: {needs}"
    ]


def test_playback_that_a_microphone_needs_cannot_be_off() -> None:
    assert problems_of(station("codec", playback=PlaybackOverrides(enabled=False, rate_hz=16000))) == [
        (
            "stations.main.playback.enabled: cannot be false: profile codec gives sound only while its playback is "
            "open; set volume to 0"
        )
    ]


def test_an_unknown_profile_is_told_its_nearest_or_all() -> None:
    assert problems_of(station("arrray")) == ["stations.main.profile: names no known profile; did you mean array?"]
    assert problems_of(station("zzz", OWN)) == [
        "stations.main.profile: names no known profile; known: array, camera, codec, duplex, nameless"
    ]


def test_a_profile_that_recognises_nothing_needs_a_device_or_a_port() -> None:
    assert problems_of(station("nameless")) == [
        (
            "stations.main.capture.device: is missing; profile nameless recognises no card by itself: set it to "
            "hw:CARD=…,DEV=0, with the card's id from `gatewayd devices`"
        )
    ]


def test_picked_channels_must_be_there_once_all_is_merged() -> None:
    assert problems_of(station("array", CaptureOverrides(channels=2))) == [
        "stations.main.capture.pick: picks channel 2; of 2 there are channels 0 to 1, as profile array says; set it"
    ]
    assert problems_of(station("array", CaptureOverrides(pick=(6,)))) == [
        "stations.main.capture.pick: picks channel 6; of 6 there are channels 0 to 5"
    ]
    assert problems_of(station("nameless", CaptureOverrides(channels=1, pick=(1,)))) == [
        (
            "stations.main.capture.device: is missing; profile nameless recognises no card by itself: set it to "
            "hw:CARD=…,DEV=0, with the card's id from `gatewayd devices`"
        ),
        "stations.main.capture.pick: picks channel 1; of 1 there is only channel 0",
    ]


def test_each_port_is_one_stations() -> None:
    one, other = (replace(station(name=name), port="1-1.2") for name in ("left", "right"))
    assert problems_of(one, other) == [
        "stations.right.port: is that of station left too; each needs its own card",
    ]


def test_problems_of_all_stations_come_at_once_with_the_files_they_stand_in() -> None:
    configuration = Configuration(
        AgentConfiguration(),
        (station("zzz", name="a"), station("array", name="b"), station("nameless", name="c")),
        origins={
            "": "main.toml",
            "stations.a.profile": "1.toml",
            "stations.c.profile": "2.toml",
            "stations.c": "3.toml",
        },
    )
    with pytest.raises(ConfigurationInvalid) as caught:
        check_stations(configuration, PROFILES)
    assert [(problem.source, problem.place) for problem in caught.value.problems] == [
        ("1.toml", "stations.a.profile"),
        ("3.toml", "stations.c.capture.device"),
    ]


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
    configuration = station(profile, capture, playback)
    try:
        check_stations(Configuration(AgentConfiguration(), (configuration,)), PROFILES)
        result = settled(configuration)
    except ConfigurationInvalid as error:
        assert all(problem.place.startswith("stations.main.") for problem in error.problems)  # noqa: PT017 - may happen
        return
    except DeviceError as error:
        assert not names_everything(configuration) or "pick" in str(error)  # noqa: PT017 - may happen, or not
        return
    assert max(result.capture.pick) < result.capture.parameters.channels
    assert result.capture.device
    assert (result.profile is None) == (profile == "auto")
    assert result.capture.parameters.rate_hz == (capture.rate_hz or PROFILES[profile].capture.rate_hz)
    assert result.playback is None or result.playback.device == (playback.device or result.playback.device)
