"""What follows: the events, how they look on the wire, and what docs/control.md says of them."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.control.events import (
    KINDS,
    DeviceFound,
    Event,
    HealthChanged,
    Muted,
    Notice,
    SessionEnded,
    StateChanged,
)
from gatewayd.control.protocol import AnswerMalformed, decode_event, encode_event
from gatewayd.control.schema import Finding, FindingKind, MicrophoneHealth, SessionState
from gatewayd.session.causes import Cause

DOCUMENTATION = Path(__file__).resolve().parent.parent.parent / "docs" / "control.md"
ENVELOPE = {"event", "time", "boot_s", "station"}


def shown(event: Event, station: str | None = "lobby") -> dict[str, object]:
    notice = Notice(time="2026-11-22T14:41:05.123Z", boot_s=81.23456, station=station, event=event)
    return decode_event(encode_event(notice.as_json()).rstrip(b"\n"))


class TestTheWire:
    def test_when_where_and_what(self) -> None:
        assert shown(StateChanged(SessionState.ENDED, SessionState.AGENT_READY, Cause.SESSION_SETUP_FAILED)) == {
            "event": "state_changed",
            "time": "2026-11-22T14:41:05.123Z",
            "boot_s": 81.235,
            "station": "lobby",
            "state": "ended",
            "previous": "agent_ready",
            "cause": "session_setup_failed",
        }

    def test_what_is_not_known_is_null_and_what_has_parts_is_whole(self) -> None:
        found = Finding(FindingKind.SLOT_SILENT, "channel 1 is silent", 1)
        changed = shown(HealthChanged(MicrophoneHealth.OK, MicrophoneHealth.STARTING, None, (found,)))
        assert changed["findings"] == [{"kind": "slot_silent", "text": "channel 1 is silent", "channel": 1}]
        assert changed["problem"] is None
        assert shown(SessionEnded(Cause.STOPPED, "stopped on request"))["close_code"] is None

    def test_an_event_of_the_daemon_has_no_station(self) -> None:
        assert shown(Muted(), None)["station"] is None

    def test_an_event_is_one_line_whatever_a_device_is_called(self) -> None:
        line = encode_event(Notice("", 0.0, "lobby", DeviceFound("hw:\n\x1b[2J\u2028", None)).as_json())
        assert line.count(b"\n") == 1
        assert decode_event(line)["device"] == "hw:\n\x1b[2J\u2028"

    @pytest.mark.parametrize(
        ("line", "what"),
        [(b"{", "not one JSON object a line"), (b"[1]", "not an object"), (b'{"ok":true}', "is no event")],
    )
    def test_what_is_no_event_is_called_that(self, line: bytes, what: str) -> None:
        with pytest.raises(AnswerMalformed, match=what):
            decode_event(line)

    @given(st.binary())
    def test_any_bytes_are_an_event_or_called_none(self, line: bytes) -> None:
        try:
            assert isinstance(decode_event(line)["event"], str)
        except AnswerMalformed:
            return


class TestNames:
    def test_no_two_share_one_and_no_field_hides_another(self) -> None:
        assert len({kind.name for kind in KINDS}) == len(KINDS)
        for kind in KINDS:
            assert ENVELOPE.isdisjoint(field.name for field in fields(kind))

    def test_the_documentation_has_every_event_with_its_fields_and_no_other(self) -> None:
        section = DOCUMENTATION.read_text().partition("\n## Events\n")[2].partition("\n## ")[0]
        rows = re.findall(r"^\| `(\w+)` \|(.*?)\| .+ \|$", section, re.MULTILINE)
        documented = {name: re.findall(r"`(\w+)`", listed) for name, listed in rows if name not in ENVELOPE}
        assert documented == {kind.name: [field.name for field in fields(kind)] for kind in KINDS}

    def test_an_example_in_the_documentation_is_what_is_sent(self) -> None:
        (example,) = re.findall(r'^(\{"event".*\})$', DOCUMENTATION.read_text(), re.MULTILINE)
        read = json.loads(example)
        event = StateChanged(SessionState(read["state"]), SessionState(read["previous"]), Cause(read["cause"]))
        assert list(shown(event)) == list(read)
