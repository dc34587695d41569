"""All faults; docs/faults.md is drawn from them (`page.py`)."""

from __future__ import annotations

from tests.tiers.faults.ends import ENDS
from tests.tiers.faults.handshakes import HANDSHAKES
from tests.tiers.faults.requests import TOKENS, UPGRADES
from tests.tiers.faults.silence import SILENCE
from tests.tiers.faults.words import BROKEN, STRANGE

SECTIONS = {
    "The token cannot be had": TOKENS,
    "The WebSocket is refused": UPGRADES,
    "TLS fails": HANDSHAKES,
    "The service ends the session": ENDS,
    "The service breaks the protocol": BROKEN,
    "The service falls silent, or talks without end": SILENCE,
    "The service says strange things, and the session goes on": STRANGE,
}
FAULTS = tuple(fault for faults in SECTIONS.values() for fault in faults)
