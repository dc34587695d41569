from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.audio.formats import SampleFormat
from gatewayd.hardware.offers import Offer
from gatewayd.hardware.proc_asound import (
    CardLine,
    PcmDevices,
    StreamOffers,
    element_name,
    parse_cards,
    parse_control_names,
    parse_pcm,
    parse_stream,
)
from tests.detection.roots import DONGLE_STREAM

S16, S24_3, S32 = SampleFormat.S16_LE, SampleFormat.S24_3LE, SampleFormat.S32_LE

CARDS = """\
 0 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones
                      bcm2835 Headphones
 1 [Device         ]: USB-Audio - USB PnP Sound Device
                      C-Media USB PnP Sound Device at usb-0000:01:00.0-1.2, full speed
31 [seeed2micvoic_1]: seeed-2mic-voic - seeed-2mic-voicecard
                      seeed-2mic-voicecard
"""

PCM = """\
00-00: bcm2835 Headphones : bcm2835 Headphones : playback 8
01-00: USB Audio : USB Audio : playback 1 : capture 1
01-02: USB Audio #2 : USB Audio #2 : capture 1
02-00: named : capture 1 : like this : playback 1
"""

UAC2_STREAM = """\
A maker A microphone at usb-xhci-hcd.1.auto-1, high speed : USB Audio

Capture:
  Status: Stop
  Interface 2
    Altset 1
    Format: S16_LE S24_3LE DSD_U8
    Channels: 2
    Endpoint: 0x82 (2 IN) (ASYNC)
    Rates: 8000 - 48000 (continuous)
    Data packet interval: 125 us
    Bits: 16
  Interface 2
    Altset 2
    Format: SPECIAL
    Channels: 2
    Rates: 48000
  Interface 2
    Altset 3
    Format: S32_LE
    Channels: 18
    Rates: 48000
  Interface 2
    Altset 4
    Format: S32_LE
    Channels: 8
    Rates: 48000, 88200, 192000
  Interface 2
    Altset 5
    Format: S32_LE
    Channels: 8
    Rates: 48000
"""

STATE = """\
state.PCH {
	control.1 {
		iface MIXER
		name 'Front Mic Playback Volume'
	}
}
state.Device {
	control.1 {
		iface PCM
		name 'Playback Channel Map'
		value.0 0
	}
	control.2 {
		iface MIXER
		name 'Mic Playback Switch'
		value true
		comment {
			access 'read write'
			type BOOLEAN
			count 1
		}
	}
	control.3 {
		iface MIXER
		name 'Capture Volume'
		value 14
		comment {
			type INTEGER
			range '0 - 16'
			name 'no control at all'
		}
	}
	control.4 {
		iface MIXER
		name 'Capture Source'
		comment {
			type ENUMERATED
			item.0 Mic
			item.1 'Line In'
		}
	}
	control.5 {
		name "What\\'s \\"this\\""
	}
	control.6 {
		iface MIXER
		name Firmware
		comment {
			type BYTES
		}
	}
	control.7 {
		iface MIXER
	}
}
"""


def test_each_card_takes_two_lines() -> None:
    assert parse_cards(CARDS) == (
        CardLine(0, "Headphones", "bcm2835_headpho", "bcm2835 Headphones", "bcm2835 Headphones"),
        CardLine(
            1,
            "Device",
            "USB-Audio",
            "USB PnP Sound Device",
            "C-Media USB PnP Sound Device at usb-0000:01:00.0-1.2, full speed",
        ),
        CardLine(31, "seeed2micvoic_1", "seeed-2mic-voic", "seeed-2mic-voicecard", "seeed-2mic-voicecard"),
    )


@pytest.mark.parametrize("text", ["", "--- no soundcards ---\n", "\0\0\0", "0 [: - \n"])
def test_no_cards(text: str) -> None:
    assert parse_cards(text) == ()


def test_cards_that_are_cut_off_give_what_is_there() -> None:
    assert parse_cards(" 0 [A              ]: \n 1 [B              ]: USB-Audio") == (
        CardLine(0, "A", "", "", ""),
        CardLine(1, "B", "USB-Audio", "", ""),
    )


def test_devices_are_told_by_the_end_of_their_lines() -> None:
    assert parse_pcm(PCM) == {
        0: PcmDevices(playback=(0,)),
        1: PcmDevices(capture=(0, 2), playback=(0,)),
        2: PcmDevices(playback=(0,)),
    }


def test_a_running_stream_is_read_like_one_that_stands() -> None:
    assert parse_stream(DONGLE_STREAM) == StreamOffers(
        capture=(Offer((S16,), (44100, 48000), (1,)),), playback=(Offer((S16,), (44100, 48000), (2,)),)
    )


def test_what_cannot_be_converted_is_left_out_of_the_settings() -> None:
    offers = parse_stream(UAC2_STREAM)
    assert offers.playback == ()
    assert offers.capture == (
        Offer((S16, S24_3), (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000), (2,)),
        Offer((S32,), (48000,), (8,)),
    )


def test_controls_become_the_elements_that_libasound_makes() -> None:
    assert parse_control_names(STATE, "Device") == frozenset({"Mic", "Capture", "Line In", 'What\'s "this"'})


def test_a_card_that_is_not_in_the_state_is_not_known() -> None:
    assert parse_control_names(STATE, "Array") is None
    assert parse_control_names("state.Array {\n}\n", "Array") == frozenset()


@pytest.mark.parametrize(
    ("control", "element"),
    [
        ("Mic Capture Volume", "Mic"),
        ("Master Playback Enum", "Master"),
        ("Capture Volume", "Capture"),
        ("Playback Volume", "Playback"),
        ("ADC PCM Switch", "ADC PCM"),
        ("3D Control - Switch", "3D Control - Switch"),
        ("3D Control- Switch", "3D Control- Switch"),
        ("Input Source", "Input Source"),
        ("PGA", "PGA"),
        (" Volume", " Volume"),
        ("Auto Gain Control", "Auto Gain Control"),
    ],
)
def test_suffixes_of_controls(control: str, element: str) -> None:
    assert element_name(control) == element


ANYTHING = st.text() | st.text(alphabet=" 0123456789[]:-\n\t{}='\"\\aAltsetRates,FormChonieIMXRstcl.")


@given(ANYTHING)
def test_any_text_is_read_without_complaint(text: str) -> None:
    parse_cards(text)
    parse_pcm(text)
    parse_stream(text)
    parse_control_names(text, "Device")


@given(st.sampled_from([CARDS, PCM, DONGLE_STREAM, UAC2_STREAM, STATE]), st.data())
def test_what_is_torn_apart_is_read_without_complaint(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    torn = "".join(data.draw(st.permutations(pieces)))
    for stream in (parse_stream(torn).capture, parse_stream(torn).playback):
        assert all(offer.formats and offer.rates_hz and offer.channels for offer in stream)
    parse_cards(torn)
    parse_pcm(torn)
    parse_control_names(torn, "Device")
