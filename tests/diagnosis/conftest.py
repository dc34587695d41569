from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.diagnosis.patients import HURRIED

if TYPE_CHECKING:
    from tests.softcard.card import SoftCard, SoundRack

VOICE = np.random.default_rng(1).integers(-9000, 9000, 16_000).astype("<i2").tobytes()


@pytest.fixture
def card(sound_rack: SoundRack) -> SoftCard:
    """A card `Mic` in a hurry, with somebody speaking."""
    card = sound_rack.plug_in("Mic", HURRIED)
    card.play_in(VOICE)
    return card
