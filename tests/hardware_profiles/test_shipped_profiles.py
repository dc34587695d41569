"""The profiles that come with the program: all there, all sound, and none in the way of another."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from gatewayd.audio.formats import SampleFormat
from gatewayd.hardware.inventory import Board, Card, UsbIdentity
from gatewayd.hardware.matching import match
from gatewayd.hardware.profile import Confidence, Match, Profile
from gatewayd.hardware.profiles import load_profiles
from gatewayd.hardware.settings import RecoveryStep
from gatewayd.resources import resource_dir

SHIPPED = load_profiles([resource_dir("hw-profiles")])

BOARDS = {
    "respeaker-2mic-v1", "respeaker-2mic-v2", "adafruit-voice-bonnet", "respeaker-4mic-hat", "respeaker-6mic",
    "respeaker-usb-mic-array", "respeaker-lite", "respeaker-xvf3800", "i2s-mems", "aiy-voice-hat", "aiy-voice-bonnet",
    "raspiaudio-mic", "codec-zero", "hifiberry-dac-adc", "hifiberry-dac-adc-pro", "ps3-eye", "cmedia-usb-dongle",
    "jabra-speak-410", "jabra-speak-510", "anker-powerconf-s500", "emeet-m0-plus", "logitech-c920", "logitech-c270",
    "blue-yeti", "samson-c01u", "samson-q1u", "samson-gomic", "samson-meteor", "matrix-creator",
    "generic-usb", "generic-capture", "software-card",
}  # fmt: skip


def test_the_common_boards_are_known() -> None:
    assert set(SHIPPED) >= BOARDS


def test_each_file_is_a_profile_of_its_name() -> None:
    assert set(SHIPPED) == {file.stem for file in resource_dir("hw-profiles").iterdir()}


def share_evidence(one: Match, other: Match) -> bool:
    """Whether one thing about a card would speak for both.

    Names of products and of the device tree are matched in parts. A generic one gives way to the other; nothing has a
    mixer control and lacks it.
    """
    if set(one.controls) & set(other.without_controls) or set(other.controls) & set(one.without_controls):
        return False
    if one.generic != other.generic:
        return False
    for exact in ("usb_ids", "drivers", "ports", "card_ids"):
        if set(getattr(one, exact)) & set(getattr(other, exact)):
            return True
    return any(
        mine.lower() in yours.lower() or yours.lower() in mine.lower()
        for part in ("products", "device_tree")
        for mine in getattr(one, part)
        for yours in getattr(other, part)
    )


def test_nothing_about_a_card_speaks_for_two_boards() -> None:
    profiles = SHIPPED.values()
    assert [
        (one.name, other.name) for one, other in combinations(profiles, 2) if share_evidence(one.match, other.match)
    ] == []


def test_the_ruler_for_shared_evidence_is_straight() -> None:
    card = Match(card_ids=("a", "b"))
    assert share_evidence(card, Match(card_ids=("b",)))
    assert share_evidence(Match(products=("Speak",)), Match(products=("JABRA SPEAK 410",)))
    assert not share_evidence(card, Match(card_ids=("b",), generic=True))
    assert not share_evidence(replace(card, controls=("PCM",)), replace(card, without_controls=("PCM",)))
    assert not share_evidence(Match(), Match())


def card_of(wanted: Match) -> Card:
    """A card that is in every way what the profile asks for."""
    usb = UsbIdentity((wanted.usb_ids or ("ffff:ffff",))[0], product=(wanted.products or ("",))[0])
    is_usb = bool(wanted.usb_ids or wanted.products)
    return Card(
        1,
        (wanted.card_ids or ("Card",))[0],
        driver="USB-Audio" if is_usb else (wanted.drivers or ("RPi-simple",))[0],
        usb=usb if is_usb else None,
        kernel_driver="snd-usb-audio" if is_usb else "",
        compatible=wanted.device_tree[:1],
        capture_devices=(0,),
        controls=frozenset(wanted.controls),
    )


@pytest.mark.parametrize(
    "profile", [profile for profile in SHIPPED.values() if profile.match != Match()], ids=lambda profile: profile.name
)
def test_the_board_itself_is_found_to_be_it_and_nothing_else(profile: Profile) -> None:
    card = card_of(profile.match)
    scores = {name: match(card, Board(), other) for name, other in SHIPPED.items()}
    best = max(score.rank for score in scores.values() if score.matches)
    assert [name for name, score in scores.items() if score.matches and score.rank == best] == [profile.name]


def test_two_are_used_by_their_name_only() -> None:
    assert {name for name, profile in SHIPPED.items() if profile.match == Match()} == {
        "adafruit-voice-bonnet",
        "raspiaudio-mic",
    }


@pytest.mark.parametrize("profile", SHIPPED.values(), ids=lambda profile: profile.name)
def test_recovery_begins_gently_and_ends_with_a_person(profile: Profile) -> None:
    steps = profile.recovery.steps
    assert (steps[0], steps[-1]) == (RecoveryStep.REOPEN, RecoveryStep.ALARM)
    by_usb = profile.match.usb_ids or profile.match.products or "USB-Audio" in profile.match.drivers
    assert (RecoveryStep.USB_RESET in steps) == bool(by_usb)


@pytest.mark.parametrize("profile", SHIPPED.values(), ids=lambda profile: profile.name)
def test_nothing_is_claimed_to_be_measured_that_was_not(profile: Profile) -> None:
    measured = [fact for fact in profile.provenance if fact.confidence is Confidence.MEASURED]
    assert not measured or profile.name in {"software-card", "generic-capture"}


def test_an_i2s_microphone_is_opened_the_only_way_it_works() -> None:
    for name in ("i2s-mems", "aiy-voice-hat", "raspiaudio-mic"):
        capture = SHIPPED[name].capture
        assert (capture.rate_hz, capture.format, capture.channels) == (48000, SampleFormat.S32_LE, 2)
        assert (capture.pick, capture.gain_db, capture.highpass_hz) == ((0,), 30.0, 80.0)


def test_boards_with_one_card_id_are_told_apart_by_their_mixers() -> None:
    v1, v2 = SHIPPED["respeaker-2mic-v1"].match, SHIPPED["respeaker-2mic-v2"].match
    assert v1.card_ids == v2.card_ids == ("seeed2micvoicec",)
    assert v1.without_controls == v2.controls == ("PCM",)


def test_quirks_of_boards_are_in_their_profiles() -> None:
    xvf3800, codec_zero = SHIPPED["respeaker-xvf3800"], SHIPPED["codec-zero"]
    assert RecoveryStep.REOPEN_DUPLEX in xvf3800.recovery.steps
    assert xvf3800.duplex.capture_needs_playback
    assert SHIPPED["respeaker-lite"].playback.keep_alive
    assert codec_zero.duplex.same_parameters
    assert codec_zero.capture.warm_up_ms == 1000
    assert SHIPPED["jabra-speak-410"].capture.mute_gives_zeros
    for jabra in ("jabra-speak-410", "jabra-speak-510"):
        assert SHIPPED[jabra].playback.rate_hz == 48000
    for camera in ("ps3-eye", "logitech-c920", "logitech-c270"):
        assert not SHIPPED[camera].playback.enabled


def test_the_demo_s_card_is_what_the_demo_opens() -> None:
    soft = SHIPPED["software-card"]
    capture = soft.capture
    assert soft.match == Match(card_ids=("Soft",))
    assert (capture.rate_hz, capture.format, capture.channels, capture.pick) == (48000, SampleFormat.S32_LE, 2, (0,))
    assert soft.playback.enabled
