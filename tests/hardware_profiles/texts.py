"""Profiles as a person would write them, and what reading them says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatewayd.configuration.entries import Source
from gatewayd.errors import ConfigurationInvalid
from gatewayd.hardware.profiles import parse_profiles

if TYPE_CHECKING:
    from gatewayd.hardware.profile import Profile

SMALL = """
name = "board"
description = "A board"
[provenance]
"""

BOARD = """
name = "board"
description = "A board"

[match]
usb_ids = ["2886:001a"]

[capture]
rate_hz = 48000
format = "S32_LE"
channels = 2
pick = [0]
why_pick = "The left one."

[provenance]
match = { confidence = "one-rig", source = "a drawer" }
capture = { confidence = "unverified", source = "a hunch" }
"""

WHOLE = """
name = "board"
description = "A board"
quirks = "It is a board."

[match]
usb_ids = ["2886:001a"]
products = ["Board"]
drivers = ["snd-board"]
device_tree = ["board,board"]
controls = ["PGA"]
without_controls = ["PCM"]
ports = ["1-1.2"]
card_ids = ["Array", "Board"]
generic = true

[capture]
device = "hw:CARD=Array,DEV=1"
rate_hz = 44100
format = "S24_LE"
channels = 4
pick = [1, 2]
why_pick = "The others are broken."
gain_db = 3
highpass_hz = 80.5
period_ms = 10
buffer_ms = 200
warm_up_ms = 1000
echo_cancelled = true
mute_gives_zeros = true

[playback]
enabled = true
device = "hw:CARD=Device,DEV=0"
rate_hz = 8000
format = "FLOAT_LE"
channels = 1
volume = 0.25
period_ms = 40
buffer_ms = 80
keep_alive = true

[duplex]
same_parameters = false
capture_needs_playback = true

[[mixer]]
control = "PGA"
index = 1
side = "capture"
optional = true
raw = -3

[[mixer]]
control = "PCM"
percent = 80

[[mixer]]
control = "Line"
side = "playback"
db = -6

[[mixer]]
control = "Mic"
switch = true

[[mixer]]
control = "ALC Function"
choice = "Off"

[recovery]
steps = ["reopen", "reopen-duplex", "usb-reset", "alarm"]

[provenance]
quirks = { confidence = "unverified", source = "a hunch" }
match = { confidence = "one-rig", source = "a drawer" }
capture = { confidence = "driver-source", source = "board.c" }
"capture.gain_db" = { confidence = "one-rig", source = "ears" }
playback = { confidence = "vendor-file", source = "board.state" }
duplex = { confidence = "unverified", source = "a hunch" }
mixer = { confidence = "vendor-file", source = "board.state" }
"mixer.ALC Function" = { confidence = "measured", source = "a meter" }
recovery = { confidence = "unverified", source = "a hunch" }
"""


def read(text: str, name: str = "board.toml") -> Profile:
    [profile] = parse_profiles([Source(name, text.encode())]).values()
    return profile


def problems_of(*texts: str, name: str = "board.toml") -> list[str]:
    with pytest.raises(ConfigurationInvalid) as caught:
        parse_profiles([Source(name, text.encode()) for text in texts])
    assert caught.value.exit_code == 78
    return str(caught.value).splitlines()
