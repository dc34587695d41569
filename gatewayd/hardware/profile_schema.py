"""What may stand in a hardware profile: one table, from which reading validates and the reference for people is made.

Defaults are the model's. What must hold between keys is in `hardware.profile_rules`.
"""

from __future__ import annotations

from gatewayd.configuration.kinds import Flag, Items, Number, OneOf, Text, Whole
from gatewayd.configuration.schema import (
    CHANNELS,
    DEVICE,
    FORMAT,
    GAIN,
    HIGHPASS,
    PICK,
    PORT,
    PROFILE_NAME,
    RATE,
    VOLUME,
)
from gatewayd.configuration.tables import Key, PlacedTables, Table, TableArray
from gatewayd.hardware.profile import (
    CaptureProfile,
    Confidence,
    Duplex,
    Fact,
    Match,
    PlaybackProfile,
    Profile,
    Recovery,
)
from gatewayd.hardware.settings import MixerSetting, RecoveryStep, Side

PERIOD = Whole(5, 100, "ms")
BUFFER = Whole(20, 5000, "ms")
WARM_UP = Whole(0, 10_000, "ms")
CONTROL = Text("a mixer control, as `amixer scontrols` prints it", r".{1,64}")
"""The kernel's names have at most 43 characters (SNDRV_CTL_ELEM_ID_NAME_MAXLEN); libasound may add to them."""
USB_ID = Text("vendor:product in lower-case hexadecimal, such as 2886:001a", "[0-9a-f]{4}:[0-9a-f]{4}")
CARD_ID = Text("an ALSA card id, as in /proc/asound/cards", r"[A-Za-z0-9_-]{1,15}")
BEST = "the best of what the card offers"
AS_CAPTURE = f"as in `[capture]`, else {BEST}"
ONE_OF_FIVE = "one of these five must be given"


def _several(item: Text) -> Items:
    return Items(item, 0, 64, unique=True)


MATCH = Table(
    Match,
    {
        "usb_ids": Key(_several(USB_ID), "USB ids of the board."),
        "products": Key(
            _several(Text("a USB product string, or a part of one")),
            "What the board calls itself over USB; upper and lower case are the same.",
        ),
        "drivers": Key(
            _several(Text("a driver's name")),
            "The driver, as /proc/asound/cards names it or as the kernel's driver is called.",
        ),
        "device_tree": Key(
            _several(Text("a HAT's product, a board's model or a `compatible`, or a part of one")),
            "What the device tree says of the HAT, the board or the card's device.",
        ),
        "controls": Key(_several(CONTROL), "Mixer controls that must all be there."),
        "without_controls": Key(_several(CONTROL), "Mixer controls of which none may be there."),
        "ports": Key(_several(PORT), "Where it is connected, for a profile that is made for one place."),
        "card_ids": Key(
            _several(CARD_ID),
            "Names of the card, without the `_1` the kernel adds to a second one; different hardware shares them.",
        ),
        "generic": Key(Flag(), "It is used only where no other profile matches."),
    },
)

CAPTURE = Table(
    CaptureProfile,
    {
        "device": Key(DEVICE, "The ALSA device.", left_out="device 0 of the card that was recognised"),
        "rate_hz": Key(RATE, "The rate the card runs at.", left_out=BEST),
        "format": Key(FORMAT, "The sample format the card gives.", left_out=BEST),
        "channels": Key(CHANNELS, "How many channels the card gives.", left_out=BEST),
        "pick": Key(
            PICK,
            "Channels that are used, counted from 0; several are averaged.",
            left_out="the first channel, or both of two",
        ),
        "why_pick": Key(
            Text(empty=True),
            "Which channel carries what, and why these; needed where there are several.",
        ),
        "gain_db": Key(GAIN, "Amplification; what gets too loud is limited."),
        "highpass_hz": Key(HIGHPASS, "Removes sound below it, such as DC and rumble; 0: nothing."),
        "period_ms": Key(PERIOD, "How often the card hands over sound."),
        "buffer_ms": Key(BUFFER, "How much the card keeps for a late reader; at least two periods."),
        "warm_up_ms": Key(WARM_UP, "Sound that is thrown away after each opening, while the microphone settles."),
        "echo_cancelled": Key(Flag(), "The board itself takes the speaker's sound out of the picked channels."),
        "mute_gives_zeros": Key(Flag(), "The board's own mute button shows as digital zero, and in no other way."),
    },
)

PLAYBACK = Table(
    PlaybackProfile,
    {
        "enabled": Key(Flag(), "`false`: the board has no speaker."),
        "device": Key(DEVICE, "The ALSA device.", left_out="as in `[capture]`"),
        "rate_hz": Key(RATE, "The rate the card runs at.", left_out=AS_CAPTURE),
        "format": Key(FORMAT, "The sample format the card takes.", left_out=AS_CAPTURE),
        "channels": Key(CHANNELS, "How many channels the card takes; all get the same.", left_out=AS_CAPTURE),
        "volume": Key(VOLUME, "Linear: 1 leaves the agent's voice as it is."),
        "period_ms": Key(PERIOD, "How often the card takes sound."),
        "buffer_ms": Key(BUFFER, "How much the card holds; at least two periods. More delays the voice."),
        "keep_alive": Key(Flag(), "Play silence while there is nothing to say; the board fails when playback stops."),
    },
)

DUPLEX = Table(
    Duplex,
    {
        "same_parameters": Key(
            Flag(), "Rate, format and channels of both directions must be the same: they share one converter's clock."
        ),
        "capture_needs_playback": Key(Flag(), "The microphone gives sound only while playback is open."),
    },
)

MIXER = Table(
    MixerSetting,
    {
        "control": Key(CONTROL, "Which control.", required=True),
        "index": Key(Whole(0, 127), "Which of several controls of that name."),
        "side": Key(OneOf(Side), "Which side of it.", left_out="the one it has; needed where it has both"),
        "optional": Key(Flag(), "Not every revision of the board has it: missing, it is no problem."),
        "raw": Key(Whole(-65_536, 65_536), "A volume in the driver's own steps.", left_out=ONE_OF_FIVE),
        "percent": Key(Whole(0, 100, "%"), "A volume as a share of its steps.", left_out=ONE_OF_FIVE),
        "db": Key(Number(-130, 60, "dB"), "A volume in decibels, as the driver counts them.", left_out=ONE_OF_FIVE),
        "switch": Key(Flag(), "On or off.", left_out=ONE_OF_FIVE),
        "choice": Key(Text(), "One of an enumeration's texts.", left_out=ONE_OF_FIVE),
    },
)

RECOVERY = Table(
    Recovery,
    {
        "steps": Key(
            Items(OneOf(RecoveryStep), 1, len(RecoveryStep), unique=True),
            "What is done, one after the other, while the microphone gives nothing usable.",
        ),
    },
)

FACT = Table(
    Fact,
    {
        "confidence": Key(OneOf(Confidence), "How sure it is.", required=True),
        "source": Key(Text(), "Where it comes from: a driver's file, a repository, whose device.", required=True),
    },
)

PROFILE = Table(
    Profile,
    {
        "name": Key(
            Text("letters, digits, dashes and underscores", PROFILE_NAME), "As the file's name.", required=True
        ),
        "description": Key(Text(), "The board, in one line.", required=True),
        "quirks": Key(Text(empty=True), "What a person should know besides."),
        "match": Key(MATCH),
        "capture": Key(CAPTURE),
        "playback": Key(PLAYBACK),
        "duplex": Key(DUPLEX),
        "mixer": Key(TableArray(MIXER, 64)),
        "recovery": Key(RECOVERY),
        "provenance": Key(PlacedTables(FACT), required=True),
    },
)
