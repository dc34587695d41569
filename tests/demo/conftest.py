"""The demo's sentence, and what the gateway makes of it, for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatewayd.audio.convert import CaptureConverter, PlaybackConverter
from tests.demo.plan import I2S_MICROPHONE
from tests.demo.sentence import Sentence, make_sentence
from tests.demo.sounds import from_card, from_wire

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Sound = npt.NDArray[np.float64]


@pytest.fixture(scope="session")
def sentence() -> Sentence:
    """What the microphone of a run of 15 s hears."""
    return make_sentence(15.0)


@pytest.fixture(scope="session")
def known(sentence: Sentence) -> Sound:
    """The sentence at 16 kHz."""
    return sentence.as_agent_should_hear()


@pytest.fixture(scope="session")
def sentence_bytes(sentence: Sentence) -> bytes:
    """The sentence as the card gives it."""
    return sentence.as_microphone()


@pytest.fixture(scope="session")
def wire_frames(sentence_bytes: bytes) -> list[bytes]:
    """The sentence as the gateway sends it, from the card's first block on."""
    return CaptureConverter(I2S_MICROPHONE, pick=[0]).feed(sentence_bytes)


@pytest.fixture(scope="session")
def heard(wire_frames: list[bytes]) -> Sound:
    """What the agent hears of it in 15 s, from block 23 on."""
    return from_wire(wire_frames[23:773])


@pytest.fixture(scope="session")
def played(wire_frames: list[bytes]) -> Sound:
    """The echo of it as the card plays it, at 16 kHz."""
    converter = PlaybackConverter(I2S_MICROPHONE)
    return from_card(b"".join(converter.feed(frame) for frame in wire_frames[23:773]))
