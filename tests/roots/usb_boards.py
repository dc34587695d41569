"""USB microphones as the kernel shows them, from vendors' files and reports of users; serial numbers are invented."""

from __future__ import annotations

from tests.roots.kernel import CardShown, Pcm, Setting, Usb

DUPLEX = (Pcm("USB Audio", capture=True, playback=True),)
CAPTURE_ONLY = (Pcm("USB Audio", capture=True),)
PLAYBACK_ONLY = (Pcm("USB Audio", playback=True),)


def usb(
    card_id: str,
    usb_id: str,
    product: str,
    manufacturer: str = "",
    *,
    capture: tuple[Setting, ...] = (),
    playback: tuple[Setting, ...] = (),
    serial: str = "",
    speed: str = "full speed",
    name: str = "",
) -> CardShown:
    """A USB card; it captures and plays what it has settings for."""
    pcms = DUPLEX if capture and playback else CAPTURE_ONLY if capture else PLAYBACK_ONLY
    device = Usb(usb_id, product, manufacturer, serial, capture, playback, speed)
    return CardShown(card_id, "USB-Audio", name or product, pcms, device)


def s16(channels: int, rates: str) -> tuple[Setting, ...]:
    """The one alternate setting that most microphones have."""
    return (Setting("S16_LE", channels, rates),)


XVF3800 = usb(
    "Array",
    "2886:001a",
    "reSpeaker XVF3800 4-Mic Array",
    "Seeed Studio",
    capture=s16(2, "16000"),
    playback=s16(2, "16000"),
    serial="101991441253900417",
    speed="high speed",
)
XVF3800_SIX_CHANNELS = usb(
    "Array",
    "2886:001a",
    "reSpeaker XVF3800 4-Mic Array",
    "Seeed Studio",
    capture=s16(6, "16000"),
    playback=s16(2, "16000"),
    serial="101991441253900522",
    speed="high speed",
)
MIC_ARRAY = usb(
    "ArrayUAC10",
    "2886:0018",
    "ReSpeaker 4 Mic Array (UAC1.0)",
    "SEEED",
    capture=s16(6, "16000"),
    playback=s16(2, "16000"),
)
MIC_ARRAY_ONE_CHANNEL = usb(
    "ArrayUAC10",
    "2886:0018",
    "ReSpeaker 4 Mic Array (UAC1.0)",
    "SEEED",
    capture=s16(1, "16000"),
    playback=s16(2, "16000"),
)
RESPEAKER_LITE = usb(
    "Lite", "2886:0019", "ReSpeaker Lite", "Seeed Studio", capture=s16(2, "16000"), playback=s16(2, "16000")
)
PS3_EYE = usb(
    "CameraB409241",
    "1415:2000",
    "USB Camera-B4.09.24.1",
    "OmniVision Technologies, Inc.",
    capture=s16(4, "16000"),
    speed="high speed",
)
C_MEDIA = usb(
    "Device",
    "0d8c:013c",
    "USB PnP Sound Device",
    "C-Media Electronics Inc.",
    capture=s16(1, "44100, 48000"),
    playback=s16(2, "44100, 48000"),
)
JABRA_410 = usb(
    "USB",
    "0b0e:0412",
    "Jabra SPEAK 410 USB",
    capture=s16(1, "16000"),
    playback=s16(2, "8000, 16000, 48000"),
    serial="50C2ED1A4C00",
)
JABRA_510 = usb(
    "USB",
    "0b0e:0420",
    "Jabra SPEAK 510 USB",
    capture=s16(1, "16000"),
    playback=s16(2, "8000, 16000, 48000"),
    serial="50C2ED3B7701",
)
POWERCONF = usb(
    "S500",
    "291a:3305",
    "Anker PowerConf S500",
    "Anker",
    capture=s16(1, "16000, 48000"),
    playback=s16(2, "48000"),
    serial="A3305F1000482",
)
EMEET = usb("Plus", "328f:007d", "EMEET OfficeCore M0 Plus", "EMEET", capture=s16(1, "16000"), playback=s16(2, "48000"))
C920 = usb(
    "C920",
    "046d:082d",
    "HD Pro Webcam C920",
    capture=s16(2, "16000, 24000, 32000"),
    serial="9F1C62AF",
    speed="high speed",
)
C270 = usb(
    "U0x46d0x825",
    "046d:0825",
    "",
    capture=s16(1, "16000, 24000, 32000, 48000"),
    serial="5A37E810",
    speed="high speed",
    name="USB Device 0x46d:0x825",
)
YETI = usb(
    "Microphone",
    "b58e:9e84",
    "Yeti Stereo Microphone",
    "Blue Microphones",
    capture=s16(2, "44100, 48000"),
    playback=s16(2, "44100, 48000"),
    serial="REV8",
)
SAMSON_GOMIC = usb(
    "GoMic",
    "17a0:0302",
    "Samson GoMic",
    "Samson Technologies",
    capture=s16(2, "44100, 48000"),
    playback=s16(2, "44100, 48000"),
)
SAMSON_METEOR = usb(
    "Mic",
    "17a0:0310",
    "Samson Meteor Mic",
    "Samson Technologies",
    capture=s16(2, "44100, 48000"),
    playback=s16(2, "44100, 48000"),
)
SAMSON_C01U = usb("C01U", "17a0:0001", "Samson C01U", "Samson Technologies", capture=s16(1, "44100, 48000"))
SAMSON_Q1U = usb("Q1U", "17a0:0002", "Samson Q1U", "Samson Technologies", capture=s16(1, "44100, 48000"))
POWERCONF_FIRST = usb(
    "PowerConf", "291a:3301", "Anker PowerConf", "Anker", capture=s16(1, "16000, 48000"), playback=s16(2, "48000")
)
POWERCONF_S330 = usb(
    "S330", "291a:3308", "Anker PowerConf S330", "Anker", capture=s16(2, "48000"), playback=s16(2, "48000")
)
C922 = usb("C922", "046d:085c", "C922 Pro Stream Webcam", capture=s16(2, "16000, 24000, 32000"), serial="D1A7C0EF")
JABRA_710 = usb(
    "J710", "0b0e:2475", "Jabra Speak 710", capture=s16(1, "16000"), playback=s16(2, "48000"), serial="501AA5C30D01"
)
BRIO = usb("BRIO", "046d:085e", "Logitech BRIO", capture=s16(2, "16000, 24000, 32000, 48000"), serial="8E15F20C")
C930E = usb(
    "C930e", "046d:0843", "Logitech Webcam C930e", capture=s16(2, "16000, 24000, 32000, 48000"), serial="3C2A90BE"
)
FIFINE = usb("Microphone", "3142:0009", "fifine Microphone", "fifine", capture=s16(1, "44100, 48000"))
UMA_8 = usb(
    "SPK",
    "2752:001d",
    "micArray RAW SPK",
    "miniDSP",
    capture=(Setting("S32_LE", 8, "11025, 16000, 32000, 44100, 48000"),),
    playback=(Setting("S16_LE", 2, "48000"), Setting("S24_3LE", 2, "48000")),
)
POLY_SYNC_20 = usb("P20", "047f:0148", "Poly Sync 20", "Plantronics", capture=s16(1, "48000"), playback=s16(2, "48000"))
NT_USB_MINI = usb(
    "Mini", "19f7:0015", "RØDE NT-USB Mini", "RØDE", capture=(Setting("S24_3LE", 1, "48000"),), playback=s16(2, "48000")
)
UNKNOWN_USB = usb(
    "Codec",
    "1fc9:5a11",
    "Lobby Intercom Codec",
    "Nordlicht Audio",
    capture=(Setting("S16_LE", 1, "8000, 16000"), Setting("S24_3LE", 2, "48000, 96000")),
    playback=s16(2, "48000"),
    serial="NL0042",
)
"""A microphone that nobody has written a profile for."""
USB_SPEAKER = usb(
    "UACDemoV10", "4c4a:4155", "UACDemoV1.0", "Jieli Technology", playback=s16(2, "48000"), serial="1120040808"
)
