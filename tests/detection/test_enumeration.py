from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewayd.audio.formats import SampleFormat
from gatewayd.hardware.enumeration import read_inventory
from gatewayd.hardware.inventory import Board, Card, Inventory, UsbIdentity
from gatewayd.hardware.offers import Offer
from tests.detection.roots import Dongle, link, write, write_pi

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

S16 = SampleFormat.S16_LE
STATE = "state.Device {\n\tcontrol.1 {\n\t\tiface MIXER\n\t\tname 'Mic Capture Volume'\n\t}\n}\n"


def only(inventory: Inventory) -> Card:
    [card] = inventory.cards
    return card


def test_everything_that_a_pi_tells_of_a_dongle(tmp_path: Path) -> None:
    write_pi(tmp_path, Dongle())
    write(tmp_path, "var/lib/alsa/asound.state", STATE)
    inventory = read_inventory(tmp_path)
    assert inventory.problems == ()
    assert inventory.board == Board("Raspberry Pi 4 Model B Rev 1.4")
    headphones, dongle = inventory.cards
    assert headphones == Card(
        0,
        "Headphones",
        "bcm2835_headpho",
        "bcm2835 Headphones",
        "bcm2835 Headphones",
        port="bcm2835-audio",
        capture_devices=(),
        playback_devices=(0,),
    )
    assert dongle == Card(
        1,
        "Device",
        "USB-Audio",
        "USB PnP Sound Device",
        "C-Media USB PnP Sound Device at usb-0000:01:00.0-1.2, full speed",
        usb=UsbIdentity("0d8c:013c", "C-Media Electronics Inc.", "USB PnP Sound Device", path="1-1.2"),
        port="usb-0000:01:00.0-1.2",
        kernel_driver="snd-usb-audio",
        capture_devices=(0,),
        playback_devices=(0,),
        capture_offers=(Offer((S16,), (44100, 48000), (1,)),),
        playback_offers=(Offer((S16,), (44100, 48000), (2,)),),
        controls=frozenset({"Mic"}),
    )


def test_controls_of_a_live_mixer_come_before_those_that_were_stored(tmp_path: Path) -> None:
    write_pi(tmp_path, Dongle())
    write(tmp_path, "var/lib/alsa/asound.state", STATE)
    live = {"Device": frozenset({"Mic", "Auto Gain Control"})}
    headphones, dongle = read_inventory(tmp_path, live_controls=live.get).cards
    assert headphones.controls is None
    assert dongle.controls == frozenset({"Mic", "Auto Gain Control"})


def test_a_hat_is_told_by_the_device_tree(tmp_path: Path) -> None:
    write(tmp_path, "proc/asound/cards", " 0 [sndrpigooglevoi]: RPi-simple - snd_rpi_googlevoicehat_soundcar\n")
    write(tmp_path, "proc/device-tree/hat/vendor", "Google, Inc.\0")
    write(tmp_path, "proc/device-tree/hat/product", "Voice HAT\0")
    write(tmp_path, "sys/devices/platform/soc/soc:sound/of_node/compatible", "googlevoicehat,soundcard\0simple\0")
    link(tmp_path, "sys/devices/platform/soc/soc:sound/driver", "../../../bus/platform/drivers/snd-rpi-simple")
    link(tmp_path, "sys/class/sound/card0/device", "/sys/devices/platform/soc/soc:sound")
    inventory = read_inventory(tmp_path)
    assert inventory.board == Board("", "Google, Inc.", "Voice HAT")
    card = only(inventory)
    assert (card.port, card.kernel_driver) == ("soc:sound", "snd-rpi-simple")
    assert card.compatible == ("googlevoicehat,soundcard", "simple")
    assert (card.usb, card.capture_devices, card.controls) == (None, None, None)
    assert inventory.problems == ()


def test_an_empty_root_has_nothing_and_nothing_wrong(tmp_path: Path) -> None:
    assert read_inventory(tmp_path) == read_inventory(tmp_path / "missing") == Inventory()


def test_a_list_and_a_usb_id_are_enough(tmp_path: Path) -> None:
    write(tmp_path, "proc/asound/cards", Dongle(number=0).lines)
    write(tmp_path, "proc/asound/card0/usbid", "0d8c:013c\n")
    card = only(read_inventory(tmp_path))
    assert (card.id, card.usb, card.port) == ("Device", UsbIdentity("0d8c:013c"), "usb-0000:01:00.0-1.2")
    assert card.capture_devices is None


def test_without_proc_the_cards_are_those_of_sysfs(tmp_path: Path) -> None:
    write_pi(tmp_path, Dongle())
    (tmp_path / "proc").rename(tmp_path / "gone")
    headphones, dongle = read_inventory(tmp_path).cards
    assert (headphones.id, headphones.port) == ("Headphones", "bcm2835-audio")
    assert (dongle.id, dongle.port) == ("Device", "1-1.2")
    assert dongle.usb == UsbIdentity("0d8c:013c", "C-Media Electronics Inc.", "USB PnP Sound Device", path="1-1.2")


def test_a_copy_with_folders_in_the_place_of_links(tmp_path: Path) -> None:
    write(tmp_path, "sys/class/sound/card2/id", "Device\n")
    write(tmp_path, "sys/class/sound/card2/idVendor", "0D8C\n")
    write(tmp_path, "sys/class/sound/card2/idProduct", "013c\n")
    write(tmp_path, "sys/class/sound/card2/device/driver/module", "")
    write(tmp_path, "sys/class/sound/card3/device/name", "")
    dongle, nameless = read_inventory(tmp_path).cards
    assert (dongle.usb, dongle.port, dongle.kernel_driver) == (UsbIdentity("0d8c:013c"), "", "")
    assert (nameless.number, nameless.id, nameless.usb, nameless.port) == (3, "3", None, "")


def test_a_device_link_may_lead_to_the_usb_device_itself(tmp_path: Path) -> None:
    write(tmp_path, "sys/devices/usb1/1-3/idVendor", "0d8c\n")
    write(tmp_path, "sys/devices/usb1/1-3/idProduct", "013c\n")
    link(tmp_path, "sys/class/sound/card0/device", "../../../devices/usb1/1-3")
    link(tmp_path, "sys/class/sound/card1/device", "../../../devices/usb1/1-3:1.0")
    write(tmp_path, "sys/devices/usb1/1-3:1.0/x", "")
    usb, unknown = read_inventory(tmp_path).cards
    assert (usb.port, unknown.port) == ("1-3", "1-3")
    assert (usb.usb, unknown.usb) == (UsbIdentity("0d8c:013c", path="1-3"), None)


def test_half_a_port_is_none(tmp_path: Path) -> None:
    """ALSA cuts the long name: what is left might be the hub that it hangs on."""
    dongle = Dongle()
    write_pi(tmp_path, dongle)
    cut = dongle.lines.replace("-1.2, full speed", "-1.")
    write(tmp_path, "proc/asound/cards", cut)
    assert only(read_inventory(tmp_path)).port == "1-1.2"


def test_without_a_list_the_devices_are_folders(tmp_path: Path) -> None:
    for folder in ("pcm2c", "pcm0c", "pcm1p", "pcmx"):
        write(tmp_path, f"proc/asound/card0/{folder}/info", "")
    card = only(read_inventory(tmp_path))
    assert (card.capture_devices, card.playback_devices) == ((0, 2), (1,))


def test_without_proc_the_devices_are_folders_of_sysfs(tmp_path: Path) -> None:
    write(tmp_path, "sys/class/sound/card3/id", "Array\n")
    for folder in ("pcmC3D0p", "pcmC3D1c", "controlC3"):
        write(tmp_path, f"sys/class/sound/card3/{folder}/dev", "116:2\n")
    card = only(read_inventory(tmp_path))
    assert (card.capture_devices, card.playback_devices) == ((1,), (0,))


def test_offers_are_those_of_the_device_that_captures(tmp_path: Path) -> None:
    write_pi(tmp_path, Dongle())
    write(tmp_path, "proc/asound/pcm", "01-00: a : b : playback 1\n01-01: a : b : capture 1\n")
    write(
        tmp_path, "proc/asound/card1/stream1", "x\nCapture:\n Altset 1\n Format: S16_LE\n Channels: 1\n Rates: 16000\n"
    )
    dongle = read_inventory(tmp_path).cards[1]
    assert dongle.capture_offers == (Offer((S16,), (16000,), (1,)),)
    assert dongle.playback_offers == (Offer((S16,), (44100, 48000), (2,)),)


def test_a_card_without_sound_is_known_to_have_none(tmp_path: Path) -> None:
    write(tmp_path, "proc/asound/cards", Dongle(number=0).lines)
    write(tmp_path, "proc/asound/pcm", "")
    assert only(read_inventory(tmp_path)).capture_devices == ()


def test_no_sound_cards_are_no_problem(tmp_path: Path) -> None:
    write(tmp_path, "proc/asound/cards", "--- no soundcards ---\n")
    write(tmp_path, "proc/asound/card7/id", "Left\n")
    assert read_inventory(tmp_path) == Inventory()


def test_what_contradicts_itself_is_told_and_the_list_believed(tmp_path: Path) -> None:
    write_pi(tmp_path, Dongle())
    write(tmp_path, "proc/asound/cards", Dongle().lines + 2 * Dongle(id="Twin").lines)
    write(tmp_path, "sys/class/sound/card1/id", "Twin\n")
    write(tmp_path, "proc/asound/card1/id", "Array\n")
    write(tmp_path, "proc/asound/card1/usbid", "2886:001a\n")
    inventory = read_inventory(tmp_path)
    card = only(inventory)
    assert (card.id, card.usb and card.usb.id) == ("Device", "2886:001a")
    device = "/sys/devices/platform/scb/usb1/1-1/1-1.2"
    assert inventory.problems == (
        "/proc/asound/cards: has two cards 1; the second was passed over",
        "/proc/asound/card1/id: says Array, where card 1 is Device; that is used",
        "/sys/class/sound/card1/id: says Twin, where card 1 is Device; that is used",
        f"/proc/asound/card1/usbid: says 2886:001a, and {device} 0d8c:013c; 2886:001a is used",
    )


def test_what_makes_no_sense_is_told_in_one_line(tmp_path: Path) -> None:
    write(tmp_path, "proc/asound/cards", "what is\nthis\n")
    write(tmp_path, "proc/asound/card0/id", b"\xff\x1b[31m\n")
    write(tmp_path, "proc/asound/card0/usbid", "x" * 100)
    write(tmp_path, "sys/class/sound/card0/idVendor", "07\n")
    write(tmp_path, "sys/class/sound/card0/idProduct", "013c\n")
    write(tmp_path, "sys/class/sound/card0/device/x", "")
    inventory = read_inventory(tmp_path)
    assert only(inventory).id == "\ufffd\\x1b[31m"
    assert inventory.problems == (
        "/proc/asound/cards: no card can be made out in it",
        "/proc/asound/card0/id: is not UTF-8; what is not was replaced",
        f"/proc/asound/card0/usbid: {'x' * 40}… is no USB id",
        "/sys/class/sound/card0: 07:013c is no USB id",
    )


def test_what_is_too_large_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, "proc/asound/cards", " " * 70_000)
    write(tmp_path, "proc/asound/card0/id", "x" * 4097)
    assert read_inventory(tmp_path).problems == (
        "/proc/asound/cards: is larger than 65536 bytes, and was not read",
        "/proc/asound/card0/id: is larger than 4096 bytes, and was not read",
    )


def test_more_cards_than_any_kernel_has_are_not_all_looked_at(tmp_path: Path) -> None:
    write(tmp_path, "proc/asound/cards", "".join(f"{number} [X]: a - b\n" for number in range(300)))
    inventory = read_inventory(tmp_path)
    assert len(inventory.cards) == 256
    assert inventory.problems == ("/proc/asound: has 300 cards, of which 256 were looked at",)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "proc/asound/card0/id").mkdir(parents=True)
    os.mkfifo(tmp_path / "proc/asound/cards")
    write(tmp_path, "sys/class/sound", "")
    os.mknod(tmp_path / "proc/asound/card0/usbid", stat.S_IFSOCK | 0o600)
    assert read_inventory(tmp_path).problems == (
        "/proc/asound/cards: is no regular file",
        "/proc/asound/card0/id: is no regular file",
    )


def test_names_that_are_too_long_for_the_kernel_are_told(tmp_path: Path) -> None:
    link(tmp_path, "proc/asound/cards", "x" * 300)
    [problem] = read_inventory(tmp_path).problems
    assert problem == f"/proc/asound/cards: cannot be read: {os.strerror(36)}"


def test_a_card_that_is_unplugged_meanwhile_is_no_problem(tmp_path: Path) -> None:
    write_pi(tmp_path, Dongle())

    def unplug(card_id: str) -> None:
        if card_id == "Headphones":
            shutil.rmtree(tmp_path / "proc/asound/card1")
            shutil.rmtree(tmp_path / "sys/devices/platform/scb")

    inventory = read_inventory(tmp_path, live_controls=unplug)
    assert inventory.problems == ()
    gone = inventory.cards[1]
    assert (gone.id, gone.usb, gone.port, gone.capture_offers) == ("Device", None, "usb-0000:01:00.0-1.2", ())


def test_links_never_lead_out_of_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(tmp_path, "outside", "0d8c:013c\n")
    link(root, "proc/asound/card0/usbid", "../../../../outside")
    link(root, "proc/asound/card1/usbid", str(tmp_path / "outside"))
    link(root, "proc/asound/card2/usbid", "/../../inside")
    write(root, "inside", "2886:001a\n")
    first, second, third = read_inventory(root).cards
    assert (first.usb, second.usb) == (None, None)
    assert third.usb == UsbIdentity("2886:001a")


def test_links_that_lead_round_are_told(tmp_path: Path) -> None:
    link(tmp_path, "proc/asound/cards", "cards")
    link(tmp_path, "sys/class/sound", "sound")
    assert read_inventory(tmp_path).problems == (
        "/proc/asound/cards: its symbolic links lead round and round",
        "/sys/class/sound: its symbolic links lead round and round",
    )


def test_links_that_lead_round_inside_a_device_are_told(tmp_path: Path) -> None:
    write(tmp_path, "proc/asound/cards", Dongle(number=0).lines)
    link(tmp_path, "sys/class/sound/card0/device", "/sys/class/sound/card0/device/device")
    assert read_inventory(tmp_path).problems == (
        "/sys/class/sound/card0/device: its symbolic links lead round and round",
    )


PLACES = (
    "proc/asound/cards",
    "proc/asound/pcm",
    "proc/asound/card0/id",
    "proc/asound/card0/usbid",
    "proc/asound/card0/stream0",
    "proc/asound/card0/pcm0c",
    "sys/class/sound/card0/id",
    "sys/class/sound/card0/device",
    "sys/class/sound/card0/device/driver",
    "sys/class/sound/card0/idVendor",
    "sys/class/sound/card0/idProduct",
    "proc/device-tree/model",
    "var/lib/alsa/asound.state",
)
CONTENT = st.binary(max_size=60) | st.sampled_from([Dongle(number=0).lines.encode(), b"0d8c:013c\n", b"0d8c", b"card0"])
TARGETS = st.sampled_from([*PLACES, *(f"/{place}" for place in PLACES), "..", "/", ".", "/proc/asound/card0", "x"])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(files=st.dictionaries(st.sampled_from(PLACES), CONTENT), links=st.dictionaries(st.sampled_from(PLACES), TARGETS))
def test_any_root_is_read_without_complaint(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], links: dict[str, str]
) -> None:
    root = tmp_path_factory.mktemp("root")
    # Files first, then links, the deepest first: nothing is written through a link, which may lead anywhere.
    for place, content in files.items():
        with suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
            write(root, place, content)
    for place in sorted(links, key=lambda place: -place.count("/")):
        with suppress(FileExistsError, NotADirectoryError):
            link(root, place, links[place])
    inventory = read_inventory(root)
    assert all(problem.isprintable() for problem in inventory.problems)
    for card in inventory.cards:
        shown = (card.id, card.driver, card.name, card.long_name, card.port, card.kernel_driver, *card.compatible)
        assert all(text.isprintable() for text in shown)
        assert card.id
