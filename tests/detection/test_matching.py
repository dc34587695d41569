from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.hardware.inventory import Board, Card, UsbIdentity
from gatewayd.hardware.matching import at_port, cannot_capture, has_card_id, match, ports_of
from gatewayd.hardware.profile import Match, Profile
from tests.detection.cards import ARRAY, DONGLE, HEADPHONES, PI, SEEED, VOICE


def told(card: Card, wanted: Match, board: Board = PI) -> tuple[int, bool, list[str]]:
    """Points, exclusion and the evidence in words, of a profile that recognises `wanted`."""
    score = match(card, board, Profile("x", "x", match=wanted))
    return score.points, score.excluded, [str(each) for each in score.evidence]


def test_each_criterion_has_its_weight_and_they_add_up() -> None:
    card = replace(DONGLE, controls=frozenset({"Mic"}), compatible=("a,usb",))
    wanted = Match(
        ports=("1-1.2",),
        usb_ids=("0d8c:0012", "0d8c:013c"),
        products=("pnp sound",),
        drivers=("USB-Audio",),
        device_tree=("A,USB",),
        controls=("Mic",),
        card_ids=("Device",),
    )
    assert told(card, wanted) == (
        430,
        False,
        [
            "port usb-0000:01:00.0-1.2 = 1-1.2",
            "USB id 0d8c:013c",
            "product USB PnP Sound Device",
            "driver USB-Audio = snd-usb-audio",
            "device tree a,usb",
            "controls Mic",
            "card id Device",
        ],
    )
    assert [each.points for each in match(card, PI, Profile("x", "x", match=wanted)).evidence] == [
        200,
        100,
        40,
        30,
        30,
        20,
        10,
    ]
    for alone, points in (
        (Match(ports=("1-1.2",)), 200),
        (Match(usb_ids=("0d8c:013c",)), 100),
        (Match(products=("PnP",)), 40),
        (Match(drivers=("USB-Audio",)), 30),
        (Match(device_tree=("a",)), 30),
        (Match(controls=("Mic",)), 20),
        (Match(card_ids=("Device",)), 10),
    ):
        assert told(card, alone)[:2] == (points, False)


def test_a_profile_of_nothing_but_a_name_never_matches() -> None:
    score = match(DONGLE, PI, Profile("x", "x"))
    assert (score.points, score.matches, score.evidence) == (0, False, ())


def test_another_usb_id_excludes_whatever_the_card_is_called() -> None:
    assert told(ARRAY, Match(usb_ids=("0d8c:013c",), card_ids=("Array",))) == (
        10,
        True,
        ["USB id is 2886:001a, not 0d8c:013c", "card id Array"],
    )


def test_another_usb_id_is_forgiven_where_the_product_is_the_same() -> None:
    points, excluded, evidence = told(ARRAY, Match(usb_ids=("2886:0099",), products=("XVF3800",)))
    assert (points, excluded) == (40, False)
    assert evidence == ["USB id is 2886:001a, not 2886:0099", "product reSpeaker XVF3800 4-Mic Array"]


def test_another_product_excludes_unless_the_usb_id_is_right() -> None:
    assert told(ARRAY, Match(products=("Yeti",), card_ids=("Array",)))[:2] == (10, True)
    assert told(ARRAY, Match(usb_ids=("2886:001a",), products=("Yeti",)))[:2] == (100, False)


def test_a_usb_profile_is_not_for_a_card_that_is_none() -> None:
    assert told(VOICE, Match(usb_ids=("0d8c:013c",), products=("RPi",), card_ids=("sndrpigooglevoi",))) == (
        10,
        True,
        [
            "USB id is no USB card (RPi-simple), not 0d8c:013c",
            "product is no USB card (RPi-simple), not RPi",
            "card id sndrpigooglevoi",
        ],
    )


@pytest.mark.parametrize("driver", ["USB-Audio", ""])
def test_an_unknown_usb_id_excludes_nothing(driver: str) -> None:
    card = Card(1, "Device", driver, "USB PnP Sound Device")
    assert told(card, Match(usb_ids=("0d8c:013c",), card_ids=("Device",))) == (
        10,
        False,
        ["USB id is not known, 0d8c:013c is wanted", "card id Device"],
    )
    assert told(card, Match(products=("pnp",)))[0] == 40


def test_a_product_string_is_taken_from_sysfs_first() -> None:
    card = replace(DONGLE, name="Something else")
    assert told(card, Match(products=("PnP",)))[0] == 40
    assert told(replace(card, usb=UsbIdentity("0d8c:013c")), Match(products=("Something",)))[0] == 40
    unknown = replace(card, usb=UsbIdentity("0d8c:013c"), name="")
    assert told(unknown, Match(products=("PnP",))) == (0, False, ["product is not known, PnP is wanted"])


def test_a_hat_says_nothing_of_what_hangs_on_usb() -> None:
    hat = Board("Raspberry Pi 4", "Google", "Voice HAT")
    assert told(VOICE, Match(device_tree=("voice hat",)), hat) == (30, False, ["device tree Voice HAT"])
    assert told(DONGLE, Match(device_tree=("voice hat",)), hat) == (
        0,
        False,
        ["device tree is that of a USB card, not voice hat"],
    )
    assert told(VOICE, Match(device_tree=("hat", "bonnet")), PI) == (
        0,
        False,
        ["device tree is Raspberry Pi 4 Model B Rev 1.4, not hat or bonnet"],
    )
    assert told(VOICE, Match(device_tree=("hat",)), Board())[2] == ["device tree is not known, hat is wanted"]


def test_drivers_go_by_either_name() -> None:
    assert told(DONGLE, Match(drivers=("snd-usb-audio",)))[0] == 30
    assert told(DONGLE, Match(drivers=("usb-audio",))) == (
        0,
        False,
        ["driver is USB-Audio = snd-usb-audio, not usb-audio"],
    )
    assert told(Card(1, "X"), Match(drivers=("USB-Audio",)))[2] == ["driver is not known, USB-Audio is wanted"]


def test_controls_tell_two_boards_of_one_name_apart() -> None:
    version_1 = replace(SEEED, controls=frozenset({"Capture", "Input Boost"}))
    version_2 = replace(SEEED, controls=frozenset({"PGA", "PCM"}))
    with_pcm = Match(card_ids=("seeed2micvoicec",), controls=("PCM", "PGA"))
    without_pcm = Match(card_ids=("seeed2micvoicec",), without_controls=("PCM",))
    assert told(version_2, with_pcm)[:2] == (30, False)
    assert told(version_1, with_pcm) == (
        10,
        True,
        ["controls is none of them, not PCM, PGA", "card id seeed2micvoicec"],
    )
    assert told(version_1, without_pcm) == (30, False, ["card id seeed2micvoicec", "controls no PCM"])
    assert told(version_2, without_pcm) == (10, True, ["card id seeed2micvoicec", "controls is PCM, not no PCM"])
    half = replace(SEEED, controls=frozenset({"PCM"}))
    assert told(half, with_pcm)[2][0] == "controls is PCM, not PCM, PGA"


def test_unknown_controls_exclude_nothing_and_give_nothing() -> None:
    wanted = Match(card_ids=("seeed2micvoicec",), controls=("PCM",), without_controls=("PGA",))
    assert told(SEEED, wanted) == (
        10,
        False,
        [
            "controls is not known, PCM is wanted",
            "card id seeed2micvoicec",
            "controls is not known, no PGA is wanted",
        ],
    )


def test_what_is_absent_adds_nothing_to_what_is_there_and_recognises_nothing() -> None:
    card = replace(SEEED, controls=frozenset({"PCM"}))
    assert told(card, Match(controls=("PCM",), without_controls=("PGA",)))[0] == 20
    assert told(card, Match(without_controls=("PGA",)))[:2] == (0, False)


def test_a_profile_for_a_port_is_for_that_port_alone() -> None:
    assert told(DONGLE, Match(ports=("1-1.4", "usb-0000:01:00.0-1.2")))[:2] == (200, False)
    assert told(DONGLE, Match(ports=("1-1.4",), usb_ids=("0d8c:013c",)))[:2] == (100, True)
    nowhere = Card(1, "Device", "USB-Audio")
    assert told(nowhere, Match(ports=("1-1.4",))) == (0, True, ["port is not known, 1-1.4 is wanted"])


def test_a_generic_profile_matches_anything_or_what_it_asks_for() -> None:
    assert told(VOICE, Match(generic=True)) == (1, False, ["generic any card"])
    assert told(DONGLE, Match(generic=True, drivers=("USB-Audio",)))[0] == 31
    assert told(VOICE, Match(generic=True, drivers=("USB-Audio",)))[0] == 0


def test_of_equal_points_what_is_known_to_differ_counts() -> None:
    hat = Profile("hat", "x", match=Match(device_tree=("Voice HAT",), card_ids=("sndrpigooglevoi",)))
    bare = Profile("bare", "x", match=Match(card_ids=("sndrpigooglevoi",)))
    assert match(VOICE, PI, bare).rank > match(VOICE, PI, hat).rank
    assert match(VOICE, Board(), bare).rank == match(VOICE, Board(), hat).rank


@pytest.mark.parametrize(
    ("card", "why"),
    [
        (HEADPHONES, "a card that only plays"),
        (Card(0, "Midi", capture_devices=(), playback_devices=()), "a card without sound"),
        (Card(0, "b1", "bcm2835_hdmi"), "a card of bcm2835_hdmi, which only plays"),
        (Card(0, "vc4hdmi0", "vc4-hdmi"), "a card of vc4-hdmi, which only plays"),
        (Card(0, "vc4hdmi0", kernel_driver="vc4_hdmi"), "a card of vc4_hdmi, which only plays"),
        (Card(0, "ALSA", "bcm2835"), "a card of bcm2835, which only plays"),
        (Card(0, "X", "bcm2835-i2s"), ""),
        (Card(0, "X", "vc4-hdmi", capture_devices=(0,)), ""),
        (DONGLE, ""),
    ],
)
def test_what_cannot_capture_is_never_a_candidate(card: Card, why: str) -> None:
    assert cannot_capture(card) == why
    score = match(card, PI, Profile("x", "x", match=Match(card_ids=(card.id,))))
    assert (score.points, score.matches) == (10, not why)


@pytest.mark.parametrize(
    ("card_id", "wanted", "is_it"),
    [
        ("Device", "Device", True),
        ("Device_1", "Device", True),
        ("Device_1F", "Device", True),
        ("Device_1", "Device_1", True),
        ("Device_", "Device", False),
        ("Device_g", "Device", False),
        ("Device2", "Device", False),
        ("Dev_1ce", "Dev", False),
        ("seeed2micvoic_1", "seeed2micvoicec", True),
        ("seeed2micvoic_1", "seeed4micvoicec", False),
        ("Devic_1", "Device", False),
        ("_1", "Device", False),
    ],
)
def test_a_number_that_the_kernel_added_is_ignored(card_id: str, wanted: str, *, is_it: bool) -> None:
    assert has_card_id(Card(0, card_id), wanted) == is_it


def test_a_port_has_two_names() -> None:
    assert ports_of(DONGLE) == ("usb-0000:01:00.0-1.2", "1-1.2")
    assert ports_of(replace(DONGLE, port="1-1.2")) == ("1-1.2",)
    assert ports_of(VOICE) == ("soc:sound",)
    assert ports_of(HEADPHONES) == ()
    assert at_port(DONGLE, "1-1.2")
    assert not at_port(DONGLE, "1-1")


WORDS = st.lists(
    st.sampled_from(["a", "1-1.2", "0d8c:013c", "Device", "USB-Audio", "PCM", "Mic"]), max_size=2, unique=True
)
TEXT = st.sampled_from(["", "a", "Device", "USB-Audio", "0d8c:013c"])


@given(
    st.builds(
        Card,
        number=st.integers(0, 3),
        id=TEXT,
        driver=TEXT,
        name=TEXT,
        usb=st.none() | st.builds(UsbIdentity, TEXT, product=TEXT, path=TEXT),
        port=TEXT,
        capture_devices=st.sampled_from([None, (), (0,)]),
        controls=st.none() | WORDS.map(frozenset),
    ),
    st.builds(Board, TEXT, TEXT, TEXT),
    st.builds(
        Match,
        **{
            key: WORDS.map(tuple)
            for key in (
                "usb_ids",
                "products",
                "drivers",
                "device_tree",
                "controls",
                "without_controls",
                "ports",
                "card_ids",
            )
        },
        generic=st.booleans(),
    ),
)
def test_points_are_those_of_the_evidence(card: Card, board: Board, wanted: Match) -> None:
    score = match(card, board, Profile("x", "x", match=wanted))
    assert score.points in (0, sum(each.points for each in score.evidence))
    assert score.excluded == any(each.excludes for each in score.evidence)
    for each in score.evidence:
        assert each.matched or not each.points
        assert not (each.matched and each.excludes)
        assert str(each).startswith(each.criterion)
