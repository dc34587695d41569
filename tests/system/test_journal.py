from __future__ import annotations

import logging
import os
import resource
import socket
import sys
import time
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewayd.message_ids import MessageId
from gatewayd.redaction import REDACTED, remember_secret
from gatewayd.session.causes import Cause
from gatewayd.system.fields import FIELDS
from gatewayd.system.journal import JournalHandler
from gatewayd.system.logs import StationLog, configure_logging, lost_records, tell_losses
from tests.system.journald import Journald, listening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from trio.testing import MockClock

log = logging.getLogger("gatewayd.test")
FRAME_DELAY_LIMIT_S = 0.04
"""What a stopped journald may delay a frame by at most."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "socket"


@pytest.fixture
def journald(path: Path) -> Iterator[Journald]:
    with listening(path) as journald:
        yield journald


@pytest.fixture
def handler(path: Path) -> Iterator[JournalHandler]:
    handler = JournalHandler(path, debug=False)
    yield handler
    handler.close()


@pytest.fixture
def under_systemd(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Logging as a service has it: stderr is a stream to journald, and the environment says so."""
    ours, theirs = socket.socketpair()
    with ours, theirs, os.fdopen(os.dup(ours.fileno()), "w") as stderr:
        status = os.fstat(ours.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        configure_logging("debug", stderr, journal=path)
        yield


def record(message: str, level: int = logging.INFO, **fields: object) -> logging.LogRecord:
    return with_fields(message, fields, level)


def with_fields(message: str, fields: Mapping[str, object], level: int = logging.INFO) -> logging.LogRecord:
    made = logging.LogRecord("gatewayd.test", level, "/lib/test.py", 7, message, None, None, "act")
    made.__dict__.update(fields)
    return made


def fill(handler: JournalHandler) -> int:
    """Log until journald takes no more; how many it took."""
    count = 0
    while not handler.untold:
        handler.handle(record(f"number {count}"))
        count += 1
    return count - 1


def voluntary_waits() -> int:
    """How often this thread gave the processor away to wait for something (getrusage(2))."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


class TestEntries:
    def test_a_record_has_its_text_its_place_and_its_fields(self, journald: Journald, under_systemd: None) -> None:
        StationLog(log, "lobby").warning(
            "no such host %s", "voice.example", extra={"cause": Cause.DNS_FAILED, "message_id": MessageId.SESSION_ENDED}
        )
        (entry,) = journald.entries()
        assert entry.pop("CODE_LINE").isdecimal()
        assert entry == {
            "MESSAGE": "lobby: no such host voice.example [dns_failed]",
            "PRIORITY": "4",
            "SYSLOG_IDENTIFIER": "gatewayd",
            "MESSAGE_ID": MessageId.SESSION_ENDED.value,
            "LOGGER": "gatewayd.test",
            "CODE_FILE": __file__,
            "CODE_FUNC": "test_a_record_has_its_text_its_place_and_its_fields",
            "GATEWAYD_STATION": "lobby",
            "GATEWAYD_CAUSE": "dns_failed",
        }

    @pytest.mark.parametrize(
        ("level", "priority"),
        [(logging.DEBUG, "7"), (logging.INFO, "6"), (logging.WARNING, "4"), (logging.ERROR, "3"), (50, "2")],
    )
    def test_levels_are_priorities(
        self, journald: Journald, handler: JournalHandler, level: int, priority: str
    ) -> None:
        handler.handle(record("listening", level=level))
        (entry,) = journald.entries()
        assert entry["PRIORITY"] == priority

    def test_extra_fields_that_are_not_on_the_list_stay_here(self, journald: Journald, handler: JournalHandler) -> None:
        handler.handle(record("x", request={"token": "abc"}, count=3, span_s=1.5, http_status=None))
        (entry,) = journald.entries()
        assert {name for name in entry if name.startswith("GATEWAYD")} == {"GATEWAYD_COUNT", "GATEWAYD_SPAN_S"}

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text(st.characters()), st.dictionaries(st.sampled_from(sorted(FIELDS)), st.text(st.characters())))
    def test_whatever_is_logged_forges_no_field(
        self, journald: Journald, handler: JournalHandler, message: str, fields: dict[str, str]
    ) -> None:
        handler.handle(with_fields(message.replace("%", "%%"), fields))
        (entry,) = journald.entries()
        own = {"MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "LOGGER", "CODE_FILE", "CODE_LINE", "CODE_FUNC"}
        assert set(entry) == own | {f"GATEWAYD_{key.upper()}" for key in fields}
        assert all(value.isprintable() for value in entry.values())
        assert handler.lost["info"] == 0

    def test_the_largest_record_is_taken_whole(self, journald: Journald, handler: JournalHandler) -> None:
        handler.handle(with_fields("m " * 50_000, dict.fromkeys(FIELDS, "v " * 50_000)))
        (entry,) = journald.entries()
        assert len(entry["MESSAGE"]) == 4096
        assert {len(entry[f"GATEWAYD_{key.upper()}"]) for key in FIELDS} == {512}


class TestSecrets:
    SECRET = "Tk9hQ2FuYXJ5VG9rZW4xN3ZqM0xwWnE4"

    def entry(self, journald: Journald) -> dict[str, str]:
        (entry,) = journald.entries()
        assert self.SECRET not in "".join(entry.values())
        return entry

    def test_are_in_neither_text_nor_fields(self, journald: Journald, under_systemd: None) -> None:
        remember_secret(self.SECRET)
        log.info("sent %r to %s", {"token": self.SECRET}, self.SECRET, extra={"what": f"frames for {self.SECRET}"})
        entry = self.entry(journald)
        assert entry["MESSAGE"] == f"sent {{'token': '{REDACTED}'}} to {REDACTED}"
        assert entry["GATEWAYD_WHAT"] == f"frames for {REDACTED}"

    def test_are_not_in_other_packages_records(self, journald: Journald, under_systemd: None) -> None:
        logging.getLogger("trio-websocket").warning("GET %s failed", f"wss://host/ws?token={self.SECRET}")
        assert self.entry(journald)["MESSAGE"] == f"GET wss://host/ws?{REDACTED} failed"

    def test_are_not_in_a_wrong_log_call(self, journald: Journald, under_systemd: None) -> None:
        log.info("%d frames", self.SECRET)
        entry = self.entry(journald)
        assert entry["PRIORITY"] == "3"
        assert "cannot be formatted: TypeError (a bug)" in entry["MESSAGE"]

    def test_are_not_in_a_traceback(self, journald: Journald, under_systemd: None) -> None:
        remember_secret(self.SECRET)
        try:
            os.environ[self.SECRET]
        except KeyError:
            log.exception("request failed")
        assert self.entry(journald)["MESSAGE"].endswith(f"| KeyError: '{REDACTED}'")

    def test_a_value_that_cannot_be_shown_stops_nothing(self, journald: Journald, under_systemd: None) -> None:
        class Broken:
            def __str__(self) -> str:
                raise RuntimeError(TestSecrets.SECRET)

        log.info("odd", extra={"what": Broken()})
        assert self.entry(journald)["GATEWAYD_WHAT"] == "(RuntimeError)"


class TestJournaldThatDoesNotListen:
    def test_a_stopped_one_is_never_waited_for(self, journald: Journald, handler: JournalHandler) -> None:
        """Were one of these sends to wait, it would wait for ever: nobody reads."""
        assert fill(handler) > 1
        largest = with_fields("m " * 50_000, dict.fromkeys(FIELDS, "v " * 50_000))
        longest_s, waits = 0.0, 0
        for _ in range(100):
            waits_before, before_s = voluntary_waits(), time.thread_time()
            handler.handle(largest)
            longest_s = max(longest_s, time.thread_time() - before_s)
            waits += voluntary_waits() - waits_before
        assert handler.untold == 101
        assert waits < 10, "each send that waits would have given the processor away"
        assert longest_s < FRAME_DELAY_LIMIT_S, "the processor's time that a frame would have waited for"

    async def test_a_stopped_one_delays_no_frame(
        self, journald: Journald, under_systemd: None, autojump_clock: MockClock
    ) -> None:
        """On a virtual clock a wait of any length would show, and one in a system call would never end."""
        late_s = []

        async def listen() -> None:
            for number in range(500):
                await trio.sleep_until(number * 0.02)
                late_s.append(trio.current_time() - number * 0.02)
                log.warning("frame %d", number)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            for number in range(50):
                log.error("storm %d", number)
                await trio.sleep(0.2)
        assert (len(late_s), max(late_s)) == (500, 0.0)
        assert sum(lost_records().values()) + len(journald.entries()) == 550

    def test_one_that_goes_on_is_told_what_it_missed_first(self, journald: Journald, handler: JournalHandler) -> None:
        fill(handler)
        handler.handle(record("lost", level=logging.ERROR))
        journald.entries()
        handler.handle(record("and on"))
        notice, on = journald.entries()
        assert (notice["GATEWAYD_LOST"], notice["PRIORITY"]) == ("2", "4")
        assert notice["MESSAGE_ID"] == MessageId.LOG_RECORDS_LOST.value
        assert notice["MESSAGE"].endswith("what reads them did not keep up (1 info, 1 error)")
        assert on["MESSAGE"] == "and on"
        assert (handler.untold, handler.lost) == (0, {"debug": 0, "info": 1, "warning": 0, "error": 1})

    def test_the_loss_can_be_told_without_a_next_record(self, journald: Journald, under_systemd: None) -> None:
        while not sum(lost_records().values()):
            log.debug("again and again")
        tell_losses()
        journald.entries()
        tell_losses()
        tell_losses()
        (notice,) = journald.entries()
        assert notice["GATEWAYD_LOST"] == "1"
        assert lost_records() == {"debug": 1, "info": 0, "warning": 0, "error": 0}

    def test_a_missing_one_is_found_when_it_comes(self, path: Path, handler: JournalHandler) -> None:
        handler.handle(record("to nobody"))
        with listening(path) as journald:
            handler.handle(record("first"))
            assert [entry["MESSAGE"].split()[0] for entry in journald.entries()] == ["1", "first"]

    def test_one_that_was_restarted_is_found_again(self, path: Path, handler: JournalHandler) -> None:
        with listening(path) as journald:
            handler.handle(record("before"))
            assert len(journald.entries()) == 1
        handler.handle(record("in between"))
        path.unlink()
        with listening(path) as journald:
            handler.handle(record("after"))
            assert [entry.get("GATEWAYD_LOST") for entry in journald.entries()] == ["1", None]


class TestChoice:
    def test_without_its_socket_lines_go_to_its_stream(self, under_systemd: None, path: Path) -> None:
        (handler,) = [handler for handler in logging.getLogger().handlers if type(handler).__name__ == "LineHandler"]
        assert handler.formatter is not None
        assert handler.format(record("no sound", level=logging.WARNING)) == "<4>no sound"

    def test_a_terminal_or_file_gets_lines(self, journald: Journald, path: Path) -> None:
        configure_logging("info", sys.stderr, journal=path)
        log.info("here")
        assert journald.entries() == []

    def test_before_logging_is_configured_nothing_was_lost(self) -> None:
        assert lost_records() == {"debug": 0, "info": 0, "warning": 0, "error": 0}
        tell_losses()
