"""Every root that is written by this package, by its folder's name.

Order of cards is the order in which a kernel may find them: USB before HDMI as often as after.
"""

from __future__ import annotations

from tests.roots import header_boards, usb_boards
from tests.roots.kernel import CardShown, Machine, Root
from tests.roots.machines import CM_4, MINI_PC, PI_3, PI_4, PI_5, ZERO_2

GOOGLE_VOICE_HAT = {"vendor": "Google, Inc.", "product": "Google AIY audioHAT Board v1"}
GOOGLE_VOICE_BONNET = {"vendor": "Google", "product": "AIY VoiceBonnet"}
CODEC_ZERO = {"vendor": "Raspberry Pi Ltd.", "product": "RPi Codec Zero"}
IQAUDIO_CODEC = {"vendor": "IQaudIO Limited www.iqaudio.com", "product": "Pi-CodecZero"}
WAVESHARE_DA7212 = {"vendor": "Waveshare", "product": "DA7212 Audio HAT"}
HIFIBERRY_PRO = {"vendor": "HiFiBerry", "product": "HiFiBerry DAC+ ADC Pro"}


def after(machine: Machine, *cards: CardShown, hat: dict[str, str] | None = None, absolute: bool = False) -> Root:
    """`cards` after those that the machine brings itself."""
    return Root(machine, (*machine.own_cards, *cards), hat or {}, absolute_links=absolute)


def before(machine: Machine, *cards: CardShown, hat: dict[str, str] | None = None) -> Root:
    """`cards` before those that the machine brings itself."""
    return Root(machine, (*cards, *machine.own_cards), hat or {})


ONE_BOARD = {
    "pi4-respeaker-2mics-v1": after(PI_4, header_boards.two_mics(PI_4, header_boards.WM8960_CONTROLS, "wm8960-hifi")),
    "pi4-respeaker-2mics-v2": after(
        PI_4, header_boards.two_mics(PI_4, header_boards.TLV320AIC3104_CONTROLS, "tlv320aic3x-hifi")
    ),
    "pi4-respeaker-2mics-no-controls": after(PI_4, header_boards.two_mics(PI_4, (), "wm8960-hifi")),
    "zero2-adafruit-voice-bonnet": after(ZERO_2, header_boards.wm8960_soundcard(ZERO_2)),
    "pi3-respeaker-4mic": after(PI_3, header_boards.seeed_array(PI_3, 4)),
    "pi4-respeaker-6mic": before(PI_4, header_boards.seeed_array(PI_4, 8)),
    "pi4-respeaker-mic-array": after(PI_4, usb_boards.MIC_ARRAY.at("1.3")),
    "pi3-respeaker-mic-array-one-channel": before(PI_3, usb_boards.MIC_ARRAY_ONE_CHANNEL.at("1.2")),
    "zero2-respeaker-lite": after(ZERO_2, usb_boards.RESPEAKER_LITE.at("1")),
    "pi4-respeaker-xvf3800": after(PI_4, usb_boards.XVF3800.at("1.2")),
    "pi5-respeaker-xvf3800": before(PI_5, usb_boards.XVF3800.at("1")),
    "pi5-respeaker-xvf3800-six-channels": after(PI_5, usb_boards.XVF3800_SIX_CHANNELS.at("2")),
    "pi4-i2s-microphone": after(PI_4, header_boards.voice_hat(PI_4)),
    "zero2-i2s-microphone": after(ZERO_2, header_boards.i2s_simple(ZERO_2)),
    "pi3-aiy-voice-hat": after(PI_3, header_boards.voice_hat(PI_3), hat=GOOGLE_VOICE_HAT),
    "zero2-aiy-voice-bonnet": before(ZERO_2, header_boards.voice_bonnet(ZERO_2), hat=GOOGLE_VOICE_BONNET),
    "pi4-codec-zero": after(PI_4, header_boards.codec_zero(PI_4, "Zero", "RPi Codec Zero"), hat=CODEC_ZERO),
    "zero2-iqaudio-codec": after(
        ZERO_2, header_boards.codec_zero(ZERO_2, "IQaudIOCODEC", "IQaudIOCODEC"), hat=IQAUDIO_CODEC
    ),
    "pi4-hifiberry-dac-adc-pro": after(PI_4, header_boards.hifiberry_dac_adc(PI_4, pro=True), hat=HIFIBERRY_PRO),
    "pi5-hifiberry-dac-adc": after(PI_5, header_boards.hifiberry_dac_adc(PI_5, pro=False)),
    "pi4-ps3-eye": after(PI_4, usb_boards.PS3_EYE.at("1.1")),
    "pi4-c-media-dongle": after(PI_4, usb_boards.C_MEDIA.at("1.2")),
    "pi3-c-media-dongle": after(PI_3, usb_boards.C_MEDIA.at("1.4")),
    "pi3-jabra-speak-410": after(PI_3, usb_boards.JABRA_410.at("1.3")),
    "pi4-jabra-speak-510": before(PI_4, usb_boards.JABRA_510.at("1.4")),
    "pi5-anker-powerconf": after(PI_5, usb_boards.POWERCONF.at("2")),
    "pi4-emeet-m0-plus": after(PI_4, usb_boards.EMEET.at("1.2")),
    "pi4-logitech-c920": after(PI_4, usb_boards.C920.at("1.1")),
    "zero2-logitech-c270": after(ZERO_2, usb_boards.C270.at("1")),
    "mini-pc-blue-yeti": after(MINI_PC, usb_boards.YETI.at("3")),
    "pi3-samson-gomic": after(PI_3, usb_boards.SAMSON_GOMIC.at("1.5")),
    "pi4-samson-meteor": after(PI_4, usb_boards.SAMSON_METEOR.at("1.2")),
    "pi3-samson-c01u": after(PI_3, usb_boards.SAMSON_C01U.at("1.2")),
    "pi3-samson-q1u": after(PI_3, usb_boards.SAMSON_Q1U.at("1.3")),
    "pi4-anker-powerconf-first": after(PI_4, usb_boards.POWERCONF_FIRST.at("1.1")),
    "pi5-anker-powerconf-s330": before(PI_5, usb_boards.POWERCONF_S330.at("1")),
    "pi4-logitech-c922": after(PI_4, usb_boards.C922.at("1.4")),
    "pi5-jabra-speak-710": after(PI_5, usb_boards.JABRA_710.at("1")),
    "pi5-logitech-brio": after(PI_5, usb_boards.BRIO.at("2")),
    "mini-pc-logitech-c930e": before(MINI_PC, usb_boards.C930E.at("4")),
    "pi3-fifine": before(PI_3, usb_boards.FIFINE.at("1.4")),
    "pi4-minidsp-uma8": after(PI_4, usb_boards.UMA_8.at("1.2")),
    "cm4-poly-sync-20": after(CM_4, usb_boards.POLY_SYNC_20.at("1.4")),
    "pi4-rode-nt-usb-mini": after(PI_4, usb_boards.NT_USB_MINI.at("1.4")),
    "pi4-waveshare-da7212": after(
        PI_4, header_boards.codec_zero(PI_4, "IQaudIOCODEC", "IQaudIOCODEC"), hat=WAVESHARE_DA7212
    ),
    "pi3-matrix-voice": after(PI_3, header_boards.matrix(PI_3)),
}
SEVERAL = {
    "pi4-two-c-media-dongles": after(PI_4, usb_boards.C_MEDIA.at("1.2"), usb_boards.C_MEDIA.at("1.4", "Device_1")),
    "pi4-two-c-media-dongles-rebooted": before(
        PI_4, usb_boards.C_MEDIA.at("1.4"), usb_boards.C_MEDIA.at("1.2", "Device_1")
    ),
    "cm4-three-c-media-dongles": after(
        CM_4,
        usb_boards.C_MEDIA.at("1.1"),
        usb_boards.C_MEDIA.at("1.2", "Device_1"),
        usb_boards.C_MEDIA.at("1.3", "Device_2"),
    ),
    "pi4-two-xvf3800": after(
        PI_4, usb_boards.XVF3800.at("1.1"), usb_boards.XVF3800.at("1.2", "Array_1", "101991441253900733")
    ),
    "pi4-yeti-and-jabra": after(PI_4, usb_boards.YETI.at("1.1"), usb_boards.JABRA_510.at("1.3")),
    "pi4-webcam-and-puck": before(PI_4, usb_boards.C920.at("1.3"), usb_boards.EMEET.at("1.4")),
    "pi4-xvf3800-and-unknown": after(PI_4, usb_boards.UNKNOWN_USB.at("1.1"), usb_boards.XVF3800.at("1.2")),
    "pi3-hat-and-dongle": after(
        PI_3, header_boards.two_mics(PI_3, header_boards.WM8960_CONTROLS, "wm8960-hifi"), usb_boards.C_MEDIA.at("1.2")
    ),
    "pi3-aiy-voice-hat-and-dongle": after(
        PI_3, header_boards.voice_hat(PI_3), usb_boards.C_MEDIA.at("1.2"), hat=GOOGLE_VOICE_HAT
    ),
    "pi4-two-unknown-usb": after(
        PI_4, usb_boards.UNKNOWN_USB.at("1.1"), usb_boards.UNKNOWN_USB.at("1.2", "Codec_1", "NL0043")
    ),
}
UNKNOWN = {
    "pi4-unknown-usb": after(PI_4, usb_boards.UNKNOWN_USB.at("1.3")),
    "pi4-unknown-hat": after(PI_4, header_boards.unknown_soc(PI_4)),
    "mini-pc-own-input": after(MINI_PC),
    "mini-pc-unknown-usb": after(MINI_PC, usb_boards.UNKNOWN_USB.at("2")),
}
NOTHING_TO_HEAR_WITH = {
    "pi3-usb-speaker": after(PI_3, usb_boards.USB_SPEAKER.at("1.2")),
    "pi4-only-playback": after(PI_4),
    "pi4-no-cards": Root(PI_4),
}
COPIED_CARELESSLY = {
    "pi4-xvf3800-absolute-links": after(PI_4, usb_boards.XVF3800.at("1.2"), absolute=True),
    "pi3-aiy-voice-hat-absolute-links": after(PI_3, header_boards.voice_hat(PI_3), hat=GOOGLE_VOICE_HAT, absolute=True),
}
SOUND = {**ONE_BOARD, **SEVERAL, **UNKNOWN, **NOTHING_TO_HEAR_WITH, **COPIED_CARELESSLY}
