from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.configuration.model import StationConfiguration
from gatewayd.errors import DeviceAmbiguous, DeviceError, DeviceMissing
from gatewayd.hardware.detection import Chosen, candidates, choose, described, explain
from gatewayd.hardware.inventory import Board, Card, Inventory
from gatewayd.hardware.matching import at_port
from gatewayd.hardware.profile import CaptureProfile, Match, Profile
from tests.detection.cards import (
    ARRAY,
    DONGLE,
    HEADPHONES,
    PROFILES,
    S16,
    SEEED,
    VOICE,
    VOICE_HAT,
    WEBCAM,
    XVF3800,
    inventory,
    moved,
)

AUTO = StationConfiguration("main")
TWIN = moved(DONGLE, number=7, card_id="Device_1", port="1.3")


def named(profile: str, port: str | None = None) -> StationConfiguration:
    return StationConfiguration("main", profile, port)


def chosen(station: StationConfiguration, *cards: Card, claimed: tuple[str, ...] = ()) -> tuple[str, str]:
    found = choose(station, inventory(*cards), PROFILES, claimed=claimed)
    return (found.card.id if found.card else "", found.profile.name)


def refusal(station: StationConfiguration, *cards: Card, claimed: tuple[str, ...] = ()) -> str:
    with pytest.raises((DeviceMissing, DeviceAmbiguous)) as caught:
        choose(station, inventory(*cards), PROFILES, claimed=claimed)
    return f"{type(caught.value).__name__}: {caught.value}"


def test_candidates_come_best_first_and_generic_ones_only_where_nothing_else_matches() -> None:
    found = candidates(inventory(DONGLE, WEBCAM, VOICE), PROFILES)
    assert [(each.card.id, each.profile.name, each.score.points) for each in found] == [
        ("Device", "c-media-dongle", 150),
        ("sndrpigooglevoi", "i2s-mems", 10),
        ("sndrpigooglevoi", "aiy-voice-hat", 10),
        ("C920", "generic-usb", 31),
        ("C920", "generic-capture", 1),
    ]


def test_what_profiles_make_of_each_card() -> None:
    headphones, dongle, webcam = explain(inventory(DONGLE, WEBCAM), PROFILES)
    assert (headphones.best, headphones.unusable) == ((), "a card that only plays")
    assert [each.profile.name for each in headphones.others] == ["generic-capture"]
    assert [each.profile.name for each in dongle.best] == ["c-media-dongle"]
    assert [each.profile.name for each in dongle.others] == ["generic-usb", "generic-capture"]
    assert [str(each) for each in dongle.best[0].score.evidence] == [
        "USB id 0d8c:013c",
        "product USB PnP Sound Device",
        "card id Device",
    ]
    assert [each.profile.name for each in webcam.best] == ["generic-usb"]


def test_profiles_that_match_equally_well_are_all_told() -> None:
    [card] = explain(Inventory((VOICE,)), PROFILES)
    assert [each.profile.name for each in card.best] == ["aiy-voice-hat", "i2s-mems"]


def test_a_profile_that_was_nearly_the_one_says_what_it_was_not() -> None:
    other = replace(PROFILES["c-media-dongle"], name="other", match=Match(usb_ids=("0d8c:9999",), card_ids=("Device",)))
    [_, dongle] = explain(inventory(DONGLE), {**PROFILES, "other": other})
    nearly = dongle.others[-1]
    assert (nearly.profile.name, nearly.score.excluded) == ("other", True)
    assert str(nearly.score.evidence[0]) == "USB id is 0d8c:013c, not 0d8c:9999"


def test_auto_takes_the_best_and_a_specific_one_before_any_generic() -> None:
    assert chosen(AUTO, DONGLE) == ("Device", "c-media-dongle")
    assert chosen(AUTO, WEBCAM, VOICE) == ("sndrpigooglevoi", "i2s-mems")
    assert chosen(AUTO, WEBCAM) == ("C920", "generic-usb")
    assert chosen(AUTO, SEEED) == ("seeed2micvoicec", "generic-capture")


def test_a_hat_is_told_from_a_bare_microphone_of_the_same_id_by_its_device_tree() -> None:
    with_hat = Inventory((VOICE,), Board("Raspberry Pi 3", "Google", "Voice HAT"))
    assert choose(AUTO, with_hat, PROFILES).profile is VOICE_HAT


def test_a_named_profile_takes_only_what_it_matches() -> None:
    assert chosen(named("respeaker-xvf3800"), DONGLE, ARRAY) == ("Array", "respeaker-xvf3800")
    assert chosen(named("generic-capture"), DONGLE) == ("Device", "generic-capture")


def test_a_port_takes_only_what_is_there_by_either_of_its_names() -> None:
    for port in ("usb-0000:01:00.0-1.3", "1-1.3"):
        assert chosen(replace(AUTO, port=port), DONGLE, TWIN, ARRAY) == ("Device_1", "c-media-dongle")
    assert chosen(replace(AUTO, port="soc:sound"), DONGLE, VOICE) == ("sndrpigooglevoi", "i2s-mems")


def test_a_profile_that_recognises_nothing_is_used_where_the_port_says_so() -> None:
    by_name = Profile("by-name", "x", capture=CaptureProfile(16000, S16, 2))
    profiles = {**PROFILES, "by-name": by_name}
    found = choose(named("by-name", "1-1.4"), inventory(DONGLE, ARRAY), profiles)
    assert (found.card, found.profile) == (ARRAY, by_name)
    with pytest.raises(DeviceMissing) as caught:
        choose(named("by-name"), inventory(ARRAY), profiles)
    assert str(caught.value) == (
        "profile by-name: not found among 2 sound cards; Headphones (bcm2835 Headphones): is a card that only plays; "
        "Array (reSpeaker XVF3800) at usb-0000:01:00.0-1.4 = 1-1.4: the profile recognises nothing by itself; set port"
    )


def test_a_device_of_the_profile_is_used_without_a_card() -> None:
    by_device = Profile("box", "x", capture=CaptureProfile(device="hw:CARD=Box,DEV=2"))
    profiles = {**PROFILES, "box": by_device}
    assert choose(named("box"), inventory(DONGLE), profiles).card is None
    assert choose(named("box"), Inventory(), profiles).profile is by_device
    assert choose(named("box", "1-1.2"), inventory(DONGLE), profiles).card is DONGLE


def test_where_nothing_is_known_a_single_card_id_is_believed() -> None:
    found = choose(named("respeaker-xvf3800"), Inventory(), PROFILES)
    assert (found.card, found.profile, found.score.evidence) == (None, XVF3800, ())
    with pytest.raises(DeviceMissing):
        choose(named("i2s-mems"), Inventory(), PROFILES)


def test_cards_that_other_stations_name_are_left_to_them() -> None:
    assert chosen(AUTO, DONGLE, ARRAY, claimed=("1-1.2",)) == ("Array", "respeaker-xvf3800")
    assert chosen(AUTO, DONGLE, TWIN, claimed=("usb-0000:01:00.0-1.3",)) == ("Device", "c-media-dongle")
    assert refusal(AUTO, DONGLE, claimed=("1-1.2",)) == (
        "DeviceMissing: a microphone: not found among 2 sound cards; Headphones (bcm2835 Headphones): is a card that "
        "only plays; Device (USB PnP Sound Device) at usb-0000:01:00.0-1.2 = 1-1.2: is another station's"
    )


def test_a_station_that_names_a_profile_prefers_what_no_other_names() -> None:
    assert chosen(named("c-media-dongle"), DONGLE, TWIN, claimed=("1-1.2",)) == ("Device_1", "c-media-dongle")
    assert chosen(named("c-media-dongle"), DONGLE, claimed=("1-1.2",)) == ("Device", "c-media-dongle")
    assert chosen(named("c-media-dongle", "1-1.2"), DONGLE, TWIN, claimed=("1-1.2",)) == ("Device", "c-media-dongle")


def test_two_equal_cards_are_told_with_both_ports_and_the_lines_that_settle_it() -> None:
    assert refusal(AUTO, DONGLE, TWIN) == (
        "DeviceAmbiguous: a microphone: 2 cards could be meant: "
        "Device (USB PnP Sound Device) at usb-0000:01:00.0-1.2 = 1-1.2, by profile c-media-dongle; "
        "Device_1 (USB PnP Sound Device) at usb-0000:01:00.0-1.3 = 1-1.3, by profile c-media-dongle; "
        "say which one in [stations.main]: "
        'port = "usb-0000:01:00.0-1.2"  # or: port = "usb-0000:01:00.0-1.3"'
    )


def test_points_do_not_decide_between_two_microphones_that_are_known_well() -> None:
    """A dongle beside a HAT is often there for its loudspeaker alone, its microphone socket empty."""
    assert refusal(AUTO, DONGLE, ARRAY) == (
        "DeviceAmbiguous: a microphone: 2 cards could be meant: "
        "Device (USB PnP Sound Device) at usb-0000:01:00.0-1.2 = 1-1.2, by profile c-media-dongle; "
        "Array (reSpeaker XVF3800) at usb-0000:01:00.0-1.4 = 1-1.4, by profile respeaker-xvf3800; "
        'say which one in [stations.main]: port = "usb-0000:01:00.0-1.2"  # or: port = "usb-0000:01:00.0-1.4"'
    )
    assert 'port = "soc:sound"' in refusal(AUTO, DONGLE, VOICE)


def test_a_profile_that_is_made_for_a_port_comes_before_others() -> None:
    lobby = Profile("lobby", "x", match=Match(ports=("soc:sound",), generic=True))
    found = choose(AUTO, inventory(DONGLE, SEEED), {**PROFILES, "lobby": lobby})
    assert (found.card, found.profile) == (SEEED, lobby)


def test_among_generic_ones_a_usb_microphone_comes_before_whatever_else_captures() -> None:
    assert chosen(AUTO, SEEED, WEBCAM) == ("C920", "generic-usb")


def test_equal_cards_without_known_ports_are_settled_by_their_devices() -> None:
    one, other = (
        replace(card, usb=replace(card.usb, path="") if card.usb else None, port="") for card in (DONGLE, TWIN)
    )
    assert refusal(named("c-media-dongle"), one, other) == (
        "DeviceAmbiguous: profile c-media-dongle: 2 cards could be meant: "
        "Device (USB PnP Sound Device), by profile c-media-dongle; "
        "Device_1 (USB PnP Sound Device), by profile c-media-dongle; "
        "their ports are not known; say which one in [stations.main.capture]: "
        'device = "hw:CARD=Device,DEV=0"  # or: device = "hw:CARD=Device_1,DEV=0"'
    )


def test_two_profiles_of_one_card_are_told_with_the_lines_that_settle_it() -> None:
    with pytest.raises(DeviceAmbiguous) as caught:
        choose(AUTO, Inventory((HEADPHONES, VOICE)), PROFILES)
    assert str(caught.value) == (
        "a microphone: 2 profiles match sndrpigooglevoi at soc:sound equally well: "
        "aiy-voice-hat (card id sndrpigooglevoi); i2s-mems (card id sndrpigooglevoi); "
        'say which one in [stations.main]: profile = "aiy-voice-hat"  # or: profile = "i2s-mems"'
    )


def test_what_is_missing_is_told_with_why_each_card_is_not_it() -> None:
    assert refusal(named("respeaker-xvf3800"), DONGLE, VOICE) == (
        "DeviceMissing: profile respeaker-xvf3800: not found among 3 sound cards; "
        "Headphones (bcm2835 Headphones): is a card that only plays; "
        "Device (USB PnP Sound Device) at usb-0000:01:00.0-1.2 = 1-1.2: USB id is 0d8c:013c, not 2886:001a; "
        "sndrpigooglevoi at soc:sound: USB id is no USB card (RPi-simple), not 2886:001a"
    )
    assert refusal(named("i2s-mems"), DONGLE) == (
        "DeviceMissing: profile i2s-mems: not found among 2 sound cards; "
        "Headphones (bcm2835 Headphones): is a card that only plays; "
        "Device (USB PnP Sound Device) at usb-0000:01:00.0-1.2 = 1-1.2: "
        "card id is Device, not sndrpigooglevoi or sndrpii2scard"
    )
    assert refusal(replace(AUTO, port="1-1.1"), DONGLE) == (
        "DeviceMissing: a microphone at port 1-1.1: not found among 2 sound cards; "
        "Headphones (bcm2835 Headphones): is at another port; "
        "Device (USB PnP Sound Device) at usb-0000:01:00.0-1.2 = 1-1.2: is at another port"
    )


def test_without_a_profile_for_it_a_card_is_no_microphone() -> None:
    with pytest.raises(DeviceMissing) as caught:
        choose(AUTO, Inventory((SEEED,)), {XVF3800.name: XVF3800})
    assert str(caught.value) == (
        "a microphone: not found among 1 sound card; seeed2micvoicec at soc:sound: no profile matches"
    )


def test_no_card_at_all() -> None:
    with pytest.raises(DeviceMissing) as caught:
        choose(AUTO, Inventory(), PROFILES)
    assert str(caught.value) == (
        "a microphone: there is no sound card; plug it in, or load its driver (`gatewayd devices` shows what is there)"
    )


def test_of_very_many_cards_only_some_are_told() -> None:
    many = tuple(replace(HEADPHONES, number=number, id=f"P{number}", name="") for number in range(10))
    with pytest.raises(DeviceMissing) as caught:
        choose(AUTO, Inventory(many), PROFILES)
    assert str(caught.value).endswith("; P7: is a card that only plays; 2 more")


def test_an_unknown_profile_is_missing() -> None:
    assert refusal(named("jabra"), DONGLE) == (
        "DeviceMissing: profile jabra: no profile has that name; `gatewayd profiles` lists them"
    )


def test_a_replug_gives_another_number_and_the_same_microphone() -> None:
    unplugged = chosen(AUTO, WEBCAM, VOICE)
    assert chosen(AUTO, moved(WEBCAM, number=1), moved(VOICE, number=9)) == unplugged
    assert chosen(AUTO, moved(DONGLE, number=9, card_id="Device_1", port="1.1")) == ("Device_1", "c-media-dongle")


def test_ids_that_are_swapped_after_a_reboot_change_nothing_where_a_port_is_named() -> None:
    left = replace(AUTO, port="usb-0000:01:00.0-1.2")
    first_boot = (moved(DONGLE, number=1, port="1.2"), moved(DONGLE, number=2, card_id="Device_1", port="1.3"))
    second_boot = (moved(DONGLE, number=1, port="1.3"), moved(DONGLE, number=2, card_id="Device_1", port="1.2"))
    assert chosen(left, *first_boot) == ("Device", "c-media-dongle")
    assert chosen(left, *second_boot) == ("Device_1", "c-media-dongle")


def test_a_card_is_described_by_what_tells_it_from_others() -> None:
    assert described(replace(VOICE, name="snd_voice")) == "sndrpigooglevoi (snd_voice) at soc:sound"
    assert described(replace(HEADPHONES, name="Headphones")) == "Headphones"


CARDS = st.lists(
    st.sampled_from([DONGLE, TWIN, ARRAY, WEBCAM, VOICE, SEEED, HEADPHONES]), unique_by=lambda card: card.id, max_size=5
)


@given(
    CARDS,
    st.sampled_from(["auto", *PROFILES]),
    st.sampled_from([None, "1-1.2", "1-1.3", "soc:sound", "1-9"]),
    st.sets(st.sampled_from(["1-1.2", "1-1.3", "soc:sound"])),
    st.data(),
)
def test_the_order_of_the_cards_decides_nothing(
    cards: list[Card], profile: str, port: str | None, claimed: set[str], data: st.DataObject
) -> None:
    def outcome(order: list[Card]) -> Chosen | str:
        try:
            return choose(named(profile, port), Inventory(tuple(order)), PROFILES, claimed=claimed)
        except DeviceError as error:
            return type(error).__name__

    found = outcome(cards)
    assert outcome(data.draw(st.permutations(cards))) == found
    if isinstance(found, Chosen) and found.card is not None:
        assert profile in ("auto", found.profile.name)
        assert found.score.matches
        assert port is None or at_port(found.card, port)
        assert profile != "auto" or port is not None or not any(at_port(found.card, taken) for taken in claimed)
