"""Telling a card that may not be opened from one that is not there, on real files."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatewayd.errors import DeviceDenied, DeviceMissing
from gatewayd.hardware.alsa.denial import denial
from gatewayd.hardware.alsa.explaining import why_not_opened
from gatewayd.hardware.alsa.mixer import AlsaMixer
from gatewayd.hardware.settings import MixerSetting
from tests.hardware.sounds import open_descriptors
from tests.softcard.card import SoundRack

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65_534


@pytest.fixture
def root() -> Iterator[Path]:
    """A root that everybody may look into, unlike pytest's folders; in it card 2, `Array`."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        (root / "proc/asound/card2").mkdir(parents=True)
        (root / "proc/asound/Array").symlink_to("card2")
        (root / "proc/asound/Odd").symlink_to("somewhere")
        (root / "dev/snd").mkdir(parents=True)
        (root / "dev/snd/controlC2").touch(0o600)
        yield root


@contextmanager
def not_allowed(node: Path) -> Iterator[None]:
    """Inside, this process may not open `node`: it has no rights, and this is no process of root."""
    node.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("card", ["Array", "2"])
def test_a_card_that_may_not_be_opened(root: Path, card: str) -> None:
    before = open_descriptors()
    assert denial(card, root) == 0
    with not_allowed(root / "dev/snd/controlC2"):
        assert denial(card, root) == errno.EACCES
    assert open_descriptors() == before


@pytest.mark.parametrize("card", ["Lobby", "Odd", "3", "", "..", "a/b", "x" * 5000, "\0"])
def test_a_card_that_is_not_there_denies_nothing(root: Path, card: str) -> None:
    assert denial(card, root) == 0


def test_a_mixer_that_libasound_does_not_find_for_lack_of_permission(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To libasound the card is not there at all; whether it is, and denied, the files tell."""
    (root / "rack").mkdir()
    for name, value in SoundRack(root / "rack").environment.items():
        monkeypatch.setenv(name, value)
    wanted = [MixerSetting("PGA", raw=1)]
    [without_card] = AlsaMixer(root / "empty").apply("Array", wanted).problems
    with not_allowed(root / "dev/snd/controlC2"):
        [denied] = AlsaMixer(root).apply("Array", wanted).problems
    assert without_card.startswith("card Array: its mixer is not there")
    assert denied.startswith("card Array: no permission for its mixer; add this user to group `audio`")


@pytest.mark.parametrize("code", [errno.ENODEV, errno.ENOENT])
def test_a_stream_that_libasound_does_not_find_for_lack_of_permission(root: Path, code: int) -> None:
    (root / "proc/asound/card2/id").write_text("Array\n")
    asked = "hw:CARD=Array,DEV=0"
    assert type(why_not_opened(asked, os.strerror(code), capture=True, root=root)) is DeviceMissing
    with not_allowed(root / "dev/snd/controlC2"):
        assert type(why_not_opened(asked, os.strerror(code), capture=True, root=root)) is DeviceDenied
        gone = why_not_opened("hw:CARD=Lobby,DEV=0", os.strerror(code), capture=True, root=root)
    assert type(gone) is DeviceMissing
