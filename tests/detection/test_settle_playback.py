from __future__ import annotations

from dataclasses import replace

import pytest

from gatewayd.audio.formats import StreamParameters
from gatewayd.configuration.model import PlaybackOverrides
from gatewayd.errors import DeviceBusy
from gatewayd.hardware.offers import Offer
from gatewayd.hardware.profile import CaptureProfile, Duplex, Match, PlaybackProfile, Profile
from tests.detection.cards import (
    CMEDIA,
    DONGLE,
    S16,
    S24_3,
    S32,
    SEEED,
    WEBCAM,
)
from tests.detection.settling import Driver, refusal, settled, station

CODEC = Profile(
    "codec",
    "A codec",
    match=Match(card_ids=("seeed2micvoicec",)),
    capture=CaptureProfile(48000, S16, 2),
    duplex=Duplex(same_parameters=True),
)
CAMERA = Profile(
    "camera",
    "A webcam",
    match=Match(usb_ids=("046d:082d",)),
    capture=CaptureProfile(16000, S16, 2),
    playback=PlaybackProfile(enabled=False),
)
OPEN = Profile("open", "All open", match=Match(card_ids=("seeed2micvoicec",)), duplex=Duplex(same_parameters=True))


def test_a_speaker_that_cannot_be_asked_does_not_keep_the_microphone() -> None:
    driver = Driver((Offer((S16,), (16000,), (1,)),), DeviceBusy("hw", "taken"))
    result = settled(station(), SEEED, driver=driver)
    assert result.playback is not None
    assert result.playback.parameters == StreamParameters(16000, S16, 1)


def test_a_playback_that_the_capture_does_not_fit_gets_the_best_there_is_at_the_same_rate() -> None:
    card = replace(
        DONGLE,
        playback_offers=(Offer((S16,), (16000,), (2,)), Offer((S24_3,), (48000,), (2,)), Offer((S16,), (44100,), (2,))),
    )
    plain = replace(CMEDIA, playback=PlaybackProfile())
    result = settled(station(), card, profile=plain)
    assert result.playback is not None
    assert result.playback.parameters == StreamParameters(48000, S24_3, 2)
    other_rate = replace(card, playback_offers=(Offer((S16,), (16000, 44100), (2,)),))
    result = settled(station(), other_rate, profile=plain)
    assert result.playback is not None
    assert result.playback.parameters == StreamParameters(16000, S16, 2)


@pytest.mark.parametrize("key", ["device", "number"])
def test_a_speaker_of_its_own_is_played_to_as_its_card_can(key: str) -> None:
    """A webcam's 16 kHz are nothing to a dongle that knows 44.1 and 48."""
    speaker = {"device": "hw:CARD=Device,DEV=0", "number": "hw:1,0"}[key]
    driver = Driver()
    configuration = station("camera", playback=PlaybackOverrides(device=speaker))
    result = settled(configuration, WEBCAM, DONGLE, driver=driver, profile=CAMERA)
    assert result.capture.parameters == StreamParameters(16000, S16, 2)
    assert result.playback is not None
    assert result.playback.parameters == StreamParameters(48000, S16, 2)
    assert driver.asked == []


def test_a_speaker_of_which_no_file_tells_is_asked() -> None:
    driver = Driver(playback=(Offer((S16,), (48000,), (2, 8)),))
    speaker = PlaybackOverrides(device="hw:CARD=Headphones,DEV=0")
    result = settled(station(playback=speaker), WEBCAM, driver=driver, profile=CAMERA)
    assert result.playback is not None
    assert result.playback.parameters == StreamParameters(48000, S16, 2)
    assert driver.asked == [("hw:CARD=Headphones,DEV=0", "playback")]
    said = PlaybackOverrides(device="hw:CARD=Headphones,DEV=0", rate_hz=44100, format=S16, channels=1)
    result = settled(station(playback=said), WEBCAM, driver=driver, profile=CAMERA)
    assert result.playback is not None
    assert result.playback.parameters == StreamParameters(44100, S16, 1)


def test_a_profiles_word_on_playback_gives_way_to_the_cards_own() -> None:
    wrong = replace(CMEDIA, playback=PlaybackProfile(rate_hz=16000, format=S32, channels=8))
    result = settled(station(), DONGLE, profile=wrong)
    assert result.playback is not None
    assert result.playback.parameters == StreamParameters(48000, S16, 2)


def test_what_the_configuration_asks_of_playback_is_not_given_up() -> None:
    assert refusal(station(playback=PlaybackOverrides(rate_hz=16000)), DONGLE) == (
        "hw:CARD=Device,DEV=0: no playback with 16000 Hz, as [stations.main.playback] asks: it has "
        "S16_LE at 44100, 48000 Hz with 2 ch; set rate_hz, format and channels in [stations.main.playback] to what it "
        "has"
    )


def test_both_directions_are_the_same_where_they_must_be() -> None:
    result = settled(station(), SEEED, profile=CODEC)
    assert result.playback is not None
    assert result.playback.parameters == result.capture.parameters == StreamParameters(48000, S16, 2)
    with_speaker = station(playback=PlaybackOverrides(device="hw:CARD=S,DEV=0", rate_hz=16000))
    result = settled(with_speaker, SEEED, profile=CODEC)
    assert result.playback is not None
    assert result.playback.parameters == StreamParameters(16000, S16, 2)


def test_what_must_be_the_same_and_is_asked_to_differ_is_refused() -> None:
    driver = Driver((Offer((S16,), (48000,), (2,)),))
    assert refusal(station(playback=PlaybackOverrides(rate_hz=16000)), SEEED, driver=driver, profile=OPEN) == (
        "hw:CARD=seeed2micvoicec,DEV=0: must play as it captures, S16_LE 48000 Hz 2 ch; leave rate_hz, format and "
        "channels out of [stations.main.playback]"
    )


def test_a_card_without_playback_is_listened_to_and_the_log_told() -> None:
    result = settled(station(), WEBCAM)
    assert result.playback is None
    [note] = result.notes
    assert note == (
        "C920 (HD Pro Webcam C920) at usb-0000:01:00.0-1.3 = 1-1.3 has no playback: the agent is not heard; "
        "name a speaker as device in [stations.main.playback], or say enabled = false there"
    )
    for playing in (PlaybackOverrides(device="hw:CARD=Headphones,DEV=0"), PlaybackOverrides(enabled=False)):
        assert settled(station(playback=playing), WEBCAM).notes == ()
    silent = replace(CMEDIA, playback=PlaybackProfile(enabled=False))
    assert settled(station(), DONGLE, profile=silent).notes == ()
