"""Fixtures that every folder of tests may ask for."""

from __future__ import annotations

import hypothesis

from tests.softcard.fixtures import sound_card, sound_rack, stepped_card, whole_rack

__all__ = ["sound_card", "sound_rack", "stepped_card", "whole_rack"]

# Time is judged by benchmarks, never by tests: an example that takes long on a busy machine is no failure.
hypothesis.settings.register_profile("gatewayd", deadline=None)
hypothesis.settings.load_profile("gatewayd")
