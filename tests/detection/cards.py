"""Cards and profiles for tests of what is decided from them."""

from __future__ import annotations

from dataclasses import replace

from gatewayd.audio.formats import SampleFormat
from gatewayd.hardware.inventory import Board, Card, Inventory, UsbIdentity
from gatewayd.hardware.offers import Offer
from gatewayd.hardware.profile import CaptureProfile, Match, PlaybackProfile, Profile

S16, S24_3, S32 = SampleFormat.S16_LE, SampleFormat.S24_3LE, SampleFormat.S32_LE

PI = Board("Raspberry Pi 4 Model B Rev 1.4")
HEADPHONES = Card(0, "Headphones", "bcm2835_headpho", "bcm2835 Headphones", capture_devices=(), playback_devices=(0,))
DONGLE = Card(
    1,
    "Device",
    "USB-Audio",
    "USB PnP Sound Device",
    usb=UsbIdentity("0d8c:013c", "C-Media", "USB PnP Sound Device", path="1-1.2"),
    port="usb-0000:01:00.0-1.2",
    kernel_driver="snd-usb-audio",
    capture_devices=(0,),
    playback_devices=(0,),
    capture_offers=(Offer((S16,), (44100, 48000), (1,)),),
    playback_offers=(Offer((S16,), (44100, 48000), (2,)),),
)
ARRAY = Card(
    2,
    "Array",
    "USB-Audio",
    "reSpeaker XVF3800",
    usb=UsbIdentity("2886:001a", "Seeed", "reSpeaker XVF3800 4-Mic Array", path="1-1.4"),
    port="usb-0000:01:00.0-1.4",
    kernel_driver="snd-usb-audio",
    capture_devices=(0,),
    playback_devices=(0,),
    capture_offers=(Offer((S16,), (16000,), (2,)),),
    playback_offers=(Offer((S16,), (16000,), (2,)),),
)
WEBCAM = Card(
    3,
    "C920",
    "USB-Audio",
    "HD Pro Webcam C920",
    usb=UsbIdentity("046d:082d", product="HD Pro Webcam C920", path="1-1.3"),
    port="usb-0000:01:00.0-1.3",
    capture_devices=(0,),
    playback_devices=(),
    capture_offers=(Offer((S16,), (16000, 24000, 32000), (2,)),),
)
VOICE = Card(4, "sndrpigooglevoi", "RPi-simple", port="soc:sound", capture_devices=(0,), playback_devices=(0,))
SEEED = Card(5, "seeed2micvoicec", "seeed-2mic-voic", port="soc:sound", capture_devices=(0,), playback_devices=(0,))

CMEDIA = Profile(
    "c-media-dongle",
    "A dongle",
    match=Match(usb_ids=("0d8c:013c",), products=("USB PnP Sound",), card_ids=("Device",)),
    capture=CaptureProfile(48000, S16, 1),
    playback=PlaybackProfile(channels=2),
)
XVF3800 = Profile(
    "respeaker-xvf3800",
    "An array",
    match=Match(usb_ids=("2886:001a",), card_ids=("Array",)),
    capture=CaptureProfile(16000, S16, 2, pick=(1,)),
)
MEMS = Profile(
    "i2s-mems",
    "A microphone",
    match=Match(card_ids=("sndrpigooglevoi", "sndrpii2scard")),
    capture=CaptureProfile(48000, S32, 2, pick=(0,), gain_db=30.0, highpass_hz=80.0),
)
VOICE_HAT = Profile(
    "aiy-voice-hat",
    "A HAT",
    match=Match(device_tree=("Voice HAT",), card_ids=("sndrpigooglevoi",)),
    capture=CaptureProfile(48000, S32, 2),
)
GENERIC_USB = Profile("generic-usb", "Any USB", match=Match(drivers=("USB-Audio",), generic=True))
GENERIC = Profile("generic-capture", "Any", match=Match(generic=True))

PROFILES = {each.name: each for each in (CMEDIA, XVF3800, MEMS, VOICE_HAT, GENERIC_USB, GENERIC)}


def inventory(*cards: Card, board: Board = PI) -> Inventory:
    """The headphone socket of a Pi, and `cards`."""
    return Inventory((HEADPHONES, *cards), board)


def moved(card: Card, *, number: int, card_id: str = "", port: str = "") -> Card:
    """The same hardware as the kernel shows it after a replug: another number and id, at a port such as `1.3`."""
    usb = card.usb
    if usb is not None and port:
        usb = replace(usb, path=f"1-{port}")
    path = f"usb-0000:01:00.0-{port}" if port else card.port
    return replace(card, number=number, id=card_id or card.id, usb=usb, port=path)
