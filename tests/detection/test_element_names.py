"""What is made of a state file's control names, held against what libasound makes of the same controls of a mixer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.hardware.alsa.elements import elements
from gatewayd.hardware.proc_asound import parse_control_names
from tests.softcard.mixer import SoftChoice, SoftControl, SoftSwitch, SoftVolume

if TYPE_CHECKING:
    from tests.softcard.card import SoftCard

SUFFIXES = [f"{side}{kind}" for side in ("", "Playback ", "Capture ") for kind in ("Volume", "Switch", "Enum", "Route")]
CONTROLS: tuple[SoftControl, ...] = (
    *(SoftVolume(f"A{number} {suffix}") for number, suffix in enumerate(SUFFIXES) if suffix.endswith("Volume")),
    *(SoftSwitch(f"B{number} {suffix}") for number, suffix in enumerate(SUFFIXES) if suffix.endswith("Switch")),
    *(
        SoftChoice(f"C{number} {suffix}", items=("x", "y"))
        for number, suffix in enumerate(SUFFIXES)
        if "Enum" in suffix
    ),
    SoftVolume("Capture Volume"),
    SoftSwitch("Capture Switch"),
    SoftVolume("Playback Volume"),
    SoftVolume("PGA"),
    SoftSwitch("Auto Gain Control"),
    SoftSwitch("3D Control - Switch"),
    SoftSwitch("3D Control- Switch"),
    SoftVolume("Input Boost Mixer LINPUT1 Volume"),
    SoftVolume("Volume"),
    SoftVolume("Mic Volume Volume"),
    SoftChoice("Input Source", items=("Mic", "Line")),
    SoftChoice("Capture Source", items=("Front Mic", "Rear Mic")),
    SoftChoice("ADC Input", items=("Left", "Right")),
)
TYPES = {SoftVolume: "INTEGER", SoftSwitch: "BOOLEAN", SoftChoice: "ENUMERATED"}


def stored(control: SoftControl, number: int) -> str:
    """A control as `alsactl store` writes it."""
    items = control.items if isinstance(control, SoftChoice) else ()
    comment = ["access 'read write'", f"type {TYPES[type(control)]}", "count 1"]
    comment += [f"item.{place} '{text}'" for place, text in enumerate(items)]
    lines = "".join(f"\t\t\t{line}\n" for line in comment)
    head = f"\tcontrol.{number} {{\n\t\tiface MIXER\n\t\tname '{control.name}'\n\t\tvalue 0\n"
    return f"{head}\t\tcomment {{\n{lines}\t\t}}\n\t}}\n"


def test_names_of_controls_become_those_of_libasounds_elements(sound_card: SoftCard) -> None:
    sound_card.mixer.define(*CONTROLS)
    state = "".join(stored(control, number) for number, control in enumerate(CONTROLS, start=1))
    found = parse_control_names(f"state.Array {{\n{state}}}\n", "Array")
    assert found == frozenset(name for name, _ in elements("hw:CARD=Array"))
    assert {"Capture", "Playback", "PGA", "3D Control - Switch", "Front Mic", "Rear Mic", "Mic Volume"} <= found
