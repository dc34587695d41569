"""Fixtures that every folder of tests may ask for."""

from __future__ import annotations

import logging
import signal
import warnings
from typing import TYPE_CHECKING

import hypothesis
import pytest

from gatewayd.system.losses import LossyHandler
from tests.softcard.fixtures import sound_card, sound_rack, stepped_card, whole_rack

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["sound_card", "sound_rack", "stepped_card", "whole_rack"]

# A shell that starts the tests in the background has SIGINT ignored, and what is ignored stays so in every program that
# a test starts and wants to interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Time is judged by benchmarks, never by tests: an example that takes long on a busy machine is no failure.
hypothesis.settings.register_profile("gatewayd", deadline=None)
hypothesis.settings.load_profile("gatewayd")


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """A command sets up the process's logging; here it is one of many, so what it set up is taken away again."""
    root, own = logging.getLogger(), logging.getLogger("gatewayd")
    levels = root.level, own.level
    with warnings.catch_warnings():
        yield
        logging.captureWarnings(capture=False)
    for handler in [handler for handler in root.handlers if isinstance(handler, LossyHandler)]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(levels[0])
    own.setLevel(levels[1])
