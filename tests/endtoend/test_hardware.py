"""The whole daemon, and sound hardware that comes, goes, changes its name, or is there twice."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.endtoend.running import Setting, daemon, run_command, voice_service, write_agent
from tests.roots.kernel import CardShown, Pcm, Root, Usb, write
from tests.roots.kernel import Setting as Offered
from tests.roots.machines import PI_4
from tests.softcard.card import StreamDefinition
from tests.softcard.timeline import Direction

if TYPE_CHECKING:
    from pathlib import Path

    from gatewayd.sim.service import Service
    from tests.softcard.card import SoftCard, SoundRack

pytestmark = pytest.mark.slow

SIXTEEN = (Offered("S16_LE", 1, "16000"),)
PLAIN_MICROPHONE = CardShown(
    "Mic",
    "USB-Audio",
    "Plain Mic",
    (Pcm("USB Audio", capture=True, playback=True),),
    Usb("1234:5678", "Plain Mic", "Plain", capture=SIXTEEN, playback=SIXTEEN),
)
MONO_16K = StreamDefinition(formats=("S16_LE",), rates_hz=(16_000,), channels=(1,))


class Host:
    """A Raspberry Pi whose sound cards come and go: in the copy of its files, and for ALSA."""

    def __init__(self, folder: Path, rack: SoundRack) -> None:
        self.root = folder / "root"
        self._rack = rack
        self.show()

    def show(self, *cards: CardShown) -> None:
        """What the kernel shows from now on, besides the board's own cards that only play."""
        made = self.root.with_name("root.new")
        made.mkdir()
        write(Root(PI_4, (*PI_4.own_cards, *cards)), made)
        gone = self.root.with_name("root.old")
        if self.root.exists():
            self.root.rename(gone)
        made.rename(self.root)
        shutil.rmtree(gone, ignore_errors=True)

    def plug_in(self, card_id: str) -> SoftCard:
        """A card for ALSA, with somebody speaking; who shows it is asked before."""
        card = self._rack.plug_in(card_id, MONO_16K)
        card.play_in(np.random.default_rng(2).integers(-9000, 9000, 64_000).astype("<i2").tobytes())
        return card


@pytest.fixture
def host(tmp_path: Path, sound_rack: SoundRack) -> Host:
    return Host(tmp_path, sound_rack)


def configure(folder: Path, service: Service, host: Host, stations: str) -> Setting:
    setting = write_agent(folder, service, stations)
    return Setting(setting.configuration, setting.environment, ("--sysroot", str(host.root)))


def heard(station: dict[str, Any]) -> bool:
    return bool(station["state"] == "agent_ready" and station["capture"]["health"] == "ok")


def broke_off(times: int, station: dict[str, Any]) -> bool:
    return bool(station["capture"]["gaps"] == times)


async def test_a_microphone_is_found_whenever_it_comes_and_whatever_it_is_called(tmp_path: Path, host: Host) -> None:
    async with voice_service(tmp_path) as service:
        setting = configure(tmp_path, service, host, "[stations.main]")
        async with daemon(setting) as running:
            absent = await running.wait_until(lambda station: station["capture"]["problem"] is not None)
            assert absent["state"] == "no_device"
            assert absent["profile"] is None
            assert absent["capture"]["health"] == "missing"
            assert absent["capture"]["problem"].startswith("a microphone: not found among 3 sound cards; ")

            card = host.plug_in("Mic")
            host.show(PLAIN_MICROPHONE.at("1.2"))
            found = await running.wait_until(heard)
            assert (found["profile"], found["capture"]["device"]) == ("generic-usb", "hw:CARD=Mic,DEV=0")
            assert found["playback"]["device"] == "hw:CARD=Mic,DEV=0"

            host.show()
            card.unplug()
            await running.wait_state("no_device")

            card.replug("Mic_1")
            host.show(PLAIN_MICROPHONE.at("1.4", card_id="Mic_1"))
            again = await running.wait_until(heard)
            assert again["capture"]["device"] == "hw:CARD=Mic_1,DEV=0"
            assert again["capture"]["gaps"] == 1
            assert (await running.stop())[0] == 0


async def test_of_two_equal_microphones_the_configuration_must_say_which(tmp_path: Path, host: Host) -> None:
    host.plug_in("Mic")
    host.plug_in("Mic_1")
    host.show(PLAIN_MICROPHONE.at("1.2"), PLAIN_MICROPHONE.at("1.4", card_id="Mic_1"))
    async with voice_service(tmp_path) as service:
        async with daemon(configure(tmp_path, service, host, "[stations.main]")) as running:
            torn = await running.wait_until(lambda station: station["capture"]["problem"] is not None)
            assert torn["state"] == "no_device"
            for port in ("usb-0000:01:00.0-1.2", "usb-0000:01:00.0-1.4"):
                assert f'port = "{port}"' in torn["capture"]["problem"]
            assert (await running.stop())[0] == 0
        settled = configure(tmp_path, service, host, '[stations.main]\nport = "usb-0000:01:00.0-1.4"')
        async with daemon(settled) as running:
            found = await running.wait_until(heard)
            assert found["capture"]["device"] == "hw:CARD=Mic_1,DEV=0"


async def test_a_station_whose_microphone_goes_disturbs_no_other(tmp_path: Path, host: Host) -> None:
    door, desk = host.plug_in("Mic"), host.plug_in("Mic_1")
    host.show(PLAIN_MICROPHONE.at("1.2"), PLAIN_MICROPHONE.at("1.4", card_id="Mic_1"))
    stations = '[stations.door]\nport = "1-1.2"\n[stations.desk]\nport = "1-1.4"'
    async with voice_service(tmp_path) as service, daemon(configure(tmp_path, service, host, stations)) as running:
        for name in ("door", "desk"):
            await running.wait_until(heard, name)
        for times in (1, 2, 3):
            door.unplug()
            await running.wait_until(lambda station: station["capture"]["health"] == "missing", "door")
            door.replug()
            await running.wait_until(partial(broke_off, times), "door")
        undisturbed = (await running.status())["stations"]["desk"]
        capture, session = undisturbed["capture"], undisturbed["session"]
        assert (capture["xruns"], capture["reopens"], capture["gaps"]) == (0, 0, 0)
        assert (session["connects"], session["frames_dropped"]["stalled"]) == (1, 0)
        assert desk.is_open(Direction.CAPTURE)
        door_again = (await running.status())["stations"]["door"]["capture"]
        assert (door_again["reopens"], door_again["gaps"]) == (3, 3)
        assert (await running.stop())[0] == 0


async def test_check_says_what_each_station_would_open_and_what_is_not_here(tmp_path: Path, host: Host) -> None:
    host.show(PLAIN_MICROPHONE.at("1.2"))
    async with voice_service(tmp_path) as service:
        stations = '[stations.main]\n[stations.desk]\nprofile = "jabra-speak-510"'
        setting = configure(tmp_path, service, host, stations)
        code, printed, errors = await run_command(
            setting, "check", "--config", str(setting.configuration), "--sysroot", str(host.root)
        )
    assert code == 0
    assert "main: profile generic-usb, captures hw:CARD=Mic,DEV=0 (S16_LE 16000 Hz 1 ch, channel 0)" in printed
    assert "warning: " in errors
    assert "stations.desk" in errors
    assert "jabra-speak-510" in errors
