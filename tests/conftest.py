"""Fixtures that every folder of tests may ask for."""

from __future__ import annotations

from tests.softcard.fixtures import sound_card, sound_rack, stepped_card, whole_rack

__all__ = ["sound_card", "sound_rack", "stepped_card", "whole_rack"]
