from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatewayd.control.protocol import (
    NAME_LIMIT,
    AnswerMalformed,
    Command,
    LineSplitter,
    LineTooLong,
    Refusal,
    Request,
    RequestRefused,
    decode_answer,
    decode_request,
    encode_refusal,
    encode_request,
    encode_result,
)
from gatewayd.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENTATION = Path(__file__).resolve().parent.parent.parent / "docs" / "control.md"

COMMANDS = "status, start, stop, mute, unmute, events, metrics"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
json_lines = json_values.map(lambda value: json.dumps(value).encode())
near_requests = st.fixed_dictionaries(
    {},
    optional={
        "version": st.just(1) | json_values,
        "command": st.sampled_from(Command).map(lambda command: command.value) | json_values,
        "station": st.just("lobby") | json_values,
        "sation": st.just("lobby"),
    },
).map(lambda fields: json.dumps(fields).encode())


def outcome_of(decode: Callable[[bytes], object], line: bytes) -> object:
    """What was decoded, or which of the protocol's own errors came of it; no other is caught."""
    try:
        return decode(line)
    except (RequestRefused, AnswerMalformed) as error:
        return error


def refusal_of(line: bytes) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        decode_request(line)
    return caught.value


class TestRequest:
    def test_status_as_it_stands_in_the_documentation(self) -> None:
        assert decode_request(b'{"version": 1, "command": "status"}') == Request(Command.STATUS)

    def test_the_version_may_be_left_out(self) -> None:
        assert decode_request(b'{"command": "stop", "station": "lobby"}') == Request(Command.STOP, "lobby")

    def test_it_is_written_as_one_line(self) -> None:
        assert encode_request(Request(Command.START, "lobby")) == b'{"version":1,"command":"start","station":"lobby"}\n'

    @given(st.builds(Request, st.sampled_from(Command), st.none() | st.text(min_size=1, max_size=NAME_LIMIT)))
    def test_what_is_written_is_read_back(self, request_: Request) -> None:
        line = encode_request(request_)
        assert line.count(b"\n") == 1
        assert decode_request(line.rstrip(b"\n")) == request_

    @given(st.binary() | json_lines | near_requests)
    @example(b"[" * 60_000)
    @example(b'{"command":' * 10_000)
    @example(b'{"version": ' + b"9" * 5000 + b"}")
    @example(b'{"command": "\\ud800"}')
    @example(b'{"command": "status", "station": "\\ud800"}')
    @example(b"\xff\xfe{\x00}\x00")
    @example(b"")
    def test_any_bytes_are_a_request_or_refused(self, line: bytes) -> None:
        outcome = outcome_of(decode_request, line)
        if isinstance(outcome, Request):
            assert decode_request(encode_request(outcome)) == outcome
        else:
            assert isinstance(outcome, RequestRefused)
            assert str(outcome).isprintable()
            assert encode_refusal(outcome).count(b"\n") == 1

    @pytest.mark.parametrize(
        ("line", "refusal", "message"),
        [
            (b"status", Refusal.MALFORMED, "a request is one JSON object a line: Expecting value at character 1"),
            (b"\xff", Refusal.MALFORMED, "a request is one JSON object a line: it is not UTF-8"),
            (b"[1]", Refusal.MALFORMED, "a request is one JSON object a line: it is JSON, but not an object"),
            (b"{}", Refusal.MALFORMED, f"command must be one of {COMMANDS}"),
            (b'{"command": NaN}', Refusal.MALFORMED, "a request is one JSON object a line: NaN is not JSON"),
            (
                b'{"command": "status", "command": "stop"}',
                Refusal.MALFORMED,
                "a request is one JSON object a line: a name stands in it twice",
            ),
            (
                b'{"command": "stop", "sation": "lobby"}',
                Refusal.MALFORMED,
                "unknown: 'sation'; a request has version, command and station",
            ),
            (
                b'{"command": "stop", "station": ""}',
                Refusal.MALFORMED,
                "station must be a name of 1 to 64 characters",
            ),
            (
                b'{"command": "reboot"}',
                Refusal.UNKNOWN_COMMAND,
                f"unknown command 'reboot'; this daemon knows {COMMANDS}",
            ),
            (
                b'{"version": 2, "command": "status"}',
                Refusal.UNSUPPORTED_VERSION,
                "this daemon speaks version 1 of the control protocol",
            ),
            (
                b'{"version": true, "command": "status"}',
                Refusal.UNSUPPORTED_VERSION,
                "this daemon speaks version 1 of the control protocol",
            ),
        ],
    )
    def test_a_refusal_says_what_would_be_right(self, line: bytes, refusal: Refusal, message: str) -> None:
        refused = refusal_of(line)
        assert (refused.refusal, str(refused)) == (refusal, message)

    def test_a_refusal_cannot_steer_the_terminal_that_shows_it(self) -> None:
        assert "unknown command '\\x1b[2J'" in str(refusal_of(b'{"command": "\\u001b[2J"}'))


class TestAnswer:
    @given(st.dictionaries(st.text(), json_values))
    def test_a_result_is_read_back(self, result: dict[str, object]) -> None:
        line = encode_result(result)
        assert line.count(b"\n") == 1
        assert decode_answer(line) == json.loads(json.dumps(result), parse_constant=lambda _: None)

    @pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
    def test_numbers_that_json_does_not_know_become_null(self, number: float) -> None:
        assert decode_answer(encode_result({"levels": [number, (number, 1.5)]})) == {"levels": [None, [None, 1.5]]}

    def test_a_refusal_is_raised_again_on_the_other_side(self) -> None:
        line = encode_refusal(RequestRefused(Refusal.UNKNOWN_STATION, "no station 'loby'; there are: lobby"))
        with pytest.raises(RequestRefused, match="no station 'loby'; there are: lobby") as caught:
            decode_answer(line)
        assert caught.value.refusal is Refusal.UNKNOWN_STATION
        assert caught.value.exit_code is ExitCode.USAGE

    def test_a_newer_daemons_reason_counts_as_failed(self) -> None:
        with pytest.raises(RequestRefused, match="the moon is full") as caught:
            decode_answer(b'{"ok": false, "error": {"code": "moon", "message": "the moon is full", "phase": 4}}')
        assert caught.value.refusal is Refusal.FAILED

    @given(st.binary() | json_lines)
    @example(b'{"ok": true}')
    @example(b'{"ok": false, "error": {"code": 1, "message": "x"}}')
    @example(b'{"ok": 1, "result": {}}')
    @example(b'{"ok": false, "error": {"code": "busy", "message": "\\u001b[2J\\nx"}}')
    def test_any_bytes_are_an_answer_or_one_of_two_errors(self, line: bytes) -> None:
        outcome = outcome_of(decode_answer, line)
        assert isinstance(outcome, dict) or str(outcome).isprintable()


@pytest.mark.parametrize("refusal", Refusal)
def test_the_documentation_lists_every_refusal_with_its_exit_code(refusal: Refusal) -> None:
    exit_code = int(RequestRefused(refusal, "").exit_code)
    rows = [line for line in DOCUMENTATION.read_text().splitlines() if line.startswith(f"| `{refusal.value}` |")]
    assert [row.split("|")[-2].strip() for row in rows] == [str(exit_code)]


class TestLineSplitter:
    @given(st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"."))), st.data())
    def test_lines_are_the_same_however_the_stream_is_cut(self, lines: list[bytes], data: st.DataObject) -> None:
        stream = b"".join(line + b"\n" for line in lines) + b"rest"
        cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
        splitter, seen = LineSplitter(limit_bytes=21), []
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            splitter.feed(stream[start:end])
            while (line := splitter.next_line()) is not None:
                seen.append(line)
        assert seen == lines
        assert splitter.rest() == b"rest"
        assert splitter.rest() == b""

    def test_a_line_of_exactly_the_limit_passes(self) -> None:
        splitter = LineSplitter(limit_bytes=4)
        splitter.feed(b"abc\n")
        assert splitter.next_line() == b"abc"

    @pytest.mark.parametrize("data", [b"abcd", b"abcd\n", b"abcdefgh\nx\n"])
    def test_one_byte_more_does_not_ended_or_not(self, data: bytes) -> None:
        splitter = LineSplitter(limit_bytes=4)
        splitter.feed(data)
        with pytest.raises(LineTooLong):
            splitter.next_line()
