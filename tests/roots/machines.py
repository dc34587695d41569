"""The computers that recorded roots come from, with the cards they bring themselves: those only play."""

from __future__ import annotations

from tests.roots.kernel import CardShown, Machine, Pcm, Platform

MAI = (Pcm("MAI PCM i2s-hifi-0", playback=True),)


def _headphones(mailbox: str) -> CardShown:
    return CardShown(
        "Headphones",
        "bcm2835_headphones",
        "bcm2835 Headphones",
        (Pcm("bcm2835 Headphones", playback=True, subdevices=8),),
        Platform(f"platform/soc/{mailbox}/bcm2835-audio", "bcm2835_audio", bus="bcm2835-audio"),
    )


def _hdmi(name: str, path: str, compatible: str) -> CardShown:
    return CardShown(name.replace("-", ""), "vc4-hdmi", name, MAI, Platform(f"platform/{path}", "vc4_hdmi", compatible))


PI_3 = Machine(
    "Raspberry Pi 3 Model B Plus Rev 1.3",
    "platform/soc/3f980000.usb",
    (
        _headphones("3f00b840.mailbox"),
        _hdmi("vc4-hdmi", "soc/3f902000.hdmi", "brcm,bcm2835-hdmi"),
    ),
)
ZERO_2 = Machine(
    "Raspberry Pi Zero 2 W Rev 1.0",
    "platform/soc/3f980000.usb",
    (_hdmi("vc4-hdmi", "soc/3f902000.hdmi", "brcm,bcm2835-hdmi"),),
)
PI_4 = Machine(
    "Raspberry Pi 4 Model B Rev 1.4",
    "platform/scb/fd500000.pcie/pci0000:00/0000:00:00.0/0000:01:00.0",
    (
        _headphones("fe00b840.mailbox"),
        _hdmi("vc4-hdmi-0", "soc/fef00700.hdmi", "brcm,bcm2711-hdmi0"),
        _hdmi("vc4-hdmi-1", "soc/fef05700.hdmi", "brcm,bcm2711-hdmi1"),
    ),
)
CM_4 = Machine(
    "Raspberry Pi Compute Module 4 Rev 1.1",
    "platform/soc/fe980000.usb",
    (
        _hdmi("vc4-hdmi-0", "soc/fef00700.hdmi", "brcm,bcm2711-hdmi0"),
        _hdmi("vc4-hdmi-1", "soc/fef05700.hdmi", "brcm,bcm2711-hdmi1"),
    ),
)
PI_5 = Machine(
    "Raspberry Pi 5 Model B Rev 1.0",
    "platform/axi/1000120000.pcie/1f00200000.usb/xhci-hcd.0",
    (
        _hdmi("vc4-hdmi-0", "soc@107c000000/107c701400.hdmi", "brcm,bcm2712-hdmi0"),
        _hdmi("vc4-hdmi-1", "soc@107c000000/107c706400.hdmi", "brcm,bcm2712-hdmi1"),
    ),
    sound_node="platform/soc@107c000000/soc@107c000000:sound",
    kernel="6.6.51+rpt-rpi-2712",
)
MINI_PC = Machine(
    "",
    "pci0000:00/0000:00:14.0",
    (
        CardShown(
            "PCH",
            "HDA-Intel",
            "HDA Intel PCH",
            (
                Pcm("ALC269VC Analog", capture=True, playback=True),
                Pcm("HDMI 0", playback=True, device=3),
            ),
            Platform("pci0000:00/0000:00:1f.3", "snd_hda_intel", bus="pci"),
            long_name="HDA Intel PCH at 0x6001118000 irq 139",
        ),
    ),
    kernel="6.1.0-26-amd64",
)
"""A fanless x86 computer: its own analogue input captures, whether or not something is plugged in."""
