from __future__ import annotations

import io
import logging
import os
import re
import socket
import uuid
import warnings
from typing import TYPE_CHECKING, TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.session.causes import Cause
from gatewayd.system.lines import LINE_LIMIT_BYTES, LineFormatter, LineHandler, LogStyle
from gatewayd.system.logs import StationLog, configure_logging, style_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

log = logging.getLogger("gatewayd.test")


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """The process's logging afterwards is what it was before."""
    loggers = [logging.getLogger(name) for name in (None, "gatewayd", "trio_websocket")]
    levels, handlers = [logger.level for logger in loggers], logging.getLogger().handlers[:]
    with warnings.catch_warnings():
        yield
        logging.captureWarnings(capture=False)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    for handler in logging.getLogger().handlers[:]:
        if handler not in handlers:
            logging.getLogger().removeHandler(handler)
            handler.close()


@pytest.fixture
def logged() -> Callable[[], list[str]]:
    """Configures logging at info level into memory; gives the lines so far."""
    stream = io.StringIO()
    configure_logging("info", stream)
    return lambda: stream.getvalue().splitlines()


def record(message: str, *, level: int = logging.INFO, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("gatewayd.test", level, __file__, 1, message, None, None)
    made.__dict__.update(fields)
    return made


class TestLines:
    def test_in_a_file_a_line_carries_date_level_station_and_message(self, logged: Callable[[], list[str]]) -> None:
        StationLog(log, "lobby").warning("reconnecting in %.1f s", 1.5, extra={"cause": Cause.DNS_FAILED})
        log.info("listening")
        first, second = logged()
        assert re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4} warning lobby reconnecting in 1\.5 s \[dns_failed\]", first
        )
        assert second.endswith(" info - listening")

    def test_on_a_terminal_the_columns_are_aligned(self) -> None:
        formatter = LineFormatter(LogStyle.TERMINAL, debug=False)
        lines = [
            formatter.format(record("listening")),
            formatter.format(record("no sound", level=logging.WARNING, station="lobby")),
        ]
        assert [line[len("00:00:00.000 ") :] for line in lines] == [
            "info     -          listening",
            "warning  lobby      no sound",
        ]

    def test_colours_end_where_their_line_ends(self) -> None:
        formatter = LineFormatter(LogStyle.COLOURED, debug=True)
        assert formatter.format(record("gone", level=logging.ERROR)).endswith("\x1b[31merror    -          gone\x1b[0m")
        assert formatter.format(record("hello")).endswith("\x1b[0m info     -          hello")
        assert formatter.format(record("detail", level=logging.DEBUG)).endswith("detail\x1b[0m")

    @pytest.mark.parametrize(
        ("level", "priority"),
        [(logging.DEBUG, 7), (logging.INFO, 6), (logging.WARNING, 4), (logging.ERROR, 3), (logging.CRITICAL, 2)],
    )
    def test_journald_gets_the_priority_and_no_time(self, level: int, priority: int) -> None:
        formatter = LineFormatter(LogStyle.JOURNAL, debug=False)
        assert formatter.format(record("no sound", level=level, station="lobby")) == f"<{priority}>lobby: no sound"
        assert formatter.format(record("no sound", level=level)) == f"<{priority}>no sound"

    @given(st.sampled_from(LogStyle), st.text(st.characters()), st.text(st.characters()), st.text(st.characters()))
    def test_whatever_is_logged_is_one_line(self, style: LogStyle, message: str, station: str, cause: str) -> None:
        formatter = LineFormatter(style, debug=True)
        line = formatter.format(record(message.replace("%", "%%"), station=station, cause=cause))
        assert re.sub(r"\x1b\[\d+m", "", line).isprintable()
        line.encode("utf-8")

    def test_a_wrong_log_call_names_itself_and_stops_nothing(self) -> None:
        stream = io.StringIO()
        handler = LineHandler(stream)
        handler.setFormatter(LineFormatter(LogStyle.JOURNAL, debug=False))
        handler.handle(logging.LogRecord("gatewayd.test", logging.INFO, "card.py", 7, "%d frames", ("ten",), None))
        handler.handle(record("next"))
        assert stream.getvalue().splitlines() == [
            "<3>a log line from card.py:7 cannot be formatted: TypeError (a bug)",
            "<6>next",
        ]

    def test_extra_fields_of_a_call_and_the_station_both_arrive(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO, logger="gatewayd"):
            StationLog(log, "lobby").info("ended", extra={"cause": "stopped"})
        assert [(entry.__dict__["station"], entry.__dict__["cause"]) for entry in caplog.records] == [
            ("lobby", "stopped")
        ]


class TestExceptions:
    def log_one(self, level: str) -> str:
        stream = io.StringIO()
        configure_logging(level, stream)
        try:
            uuid.UUID("s3cret")
        except ValueError:
            log.exception("token request failed")
        (line,) = stream.getvalue().splitlines()
        return line

    def test_normally_only_type_and_place_are_told(self) -> None:
        assert re.search(r"token request failed \(ValueError at uuid\.py:\d+\)$", self.log_one("info"))

    def test_at_debug_level_the_traceback_is_told_on_the_same_line(self) -> None:
        line = self.log_one("debug")
        assert "token request failed Traceback (most recent call last): | File" in line
        assert line.endswith("| ValueError: badly formed hexadecimal UUID string")


class TestLevels:
    def test_below_the_level_nothing_is_told(self, logged: Callable[[], list[str]]) -> None:
        log.debug("detail")
        assert logged() == []

    def test_other_packages_tell_from_warning_on(self) -> None:
        stream = io.StringIO()
        configure_logging("debug", stream)
        logging.getLogger("trio_websocket").debug("GET wss://host/ws?token=s3cret")
        logging.getLogger("wsproto").info("chatter")
        logging.getLogger("trio_websocket").warning("odd")
        log.debug("detail")
        assert [line.split(" - ")[1] for line in stream.getvalue().splitlines()] == ["odd", "detail"]

    def test_python_warnings_are_one_line_too(self, logged: Callable[[], list[str]]) -> None:
        warnings.simplefilter("always")
        warnings.warn("old way", stacklevel=1)
        (line,) = logged()
        assert "UserWarning: old way" in line

    def test_configuring_again_replaces_what_was_set_up(self) -> None:
        first, second = io.StringIO(), io.StringIO()
        configure_logging("info", first)
        configure_logging("info", second)
        log.info("once")
        assert (first.getvalue(), len(second.getvalue().splitlines())) == ("", 1)


class TestStyle:
    def test_memory_and_files_are_plain(self, tmp_path: Path) -> None:
        assert style_for(io.StringIO(), {}) is LogStyle.PLAIN
        with (tmp_path / "log").open("w") as file:
            assert style_for(file, {"TERM": "xterm"}) is LogStyle.PLAIN

    @pytest.mark.parametrize(
        ("environment", "style"),
        [
            ({"TERM": "xterm"}, LogStyle.COLOURED),
            ({"TERM": "dumb"}, LogStyle.TERMINAL),
            ({}, LogStyle.TERMINAL),
            ({"TERM": "xterm", "NO_COLOR": "1"}, LogStyle.TERMINAL),
        ],
    )
    def test_a_terminal_is_coloured_if_it_can(self, environment: dict[str, str], style: LogStyle) -> None:
        main, terminal = os.openpty()
        with os.fdopen(terminal, "w") as stream:
            assert style_for(stream, environment) is style
        os.close(main)

    def test_the_journals_own_socket_is_known_by_device_and_inode(self) -> None:
        journal, stderr = socket.socketpair()
        with journal, stderr, os.fdopen(os.dup(stderr.fileno()), "w") as stream:
            status = os.fstat(stderr.fileno())
            assert style_for(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}) is LogStyle.JOURNAL
            assert style_for(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino + 1}"}) is LogStyle.PLAIN


class TestReaderThatDoesNotKeepUp:
    @staticmethod
    def fill(handler: LineHandler, line: str = "x" * 1000) -> int:
        """Log until a line is lost; how many were not."""
        count = 0
        while not handler.untold:
            handler.handle(record(line))
            count += 1
        return count - 1

    @staticmethod
    def handler(stream: TextIO) -> LineHandler:
        handler = LineHandler(stream)
        handler.setFormatter(LineFormatter(LogStyle.JOURNAL, debug=False))
        return handler

    def test_a_full_pipe_is_not_waited_for_and_the_loss_is_told(self) -> None:
        read, write = os.pipe()
        with os.fdopen(write, "w") as stream, os.fdopen(read, "rb", buffering=0) as reader:
            handler = self.handler(stream)
            written = self.fill(handler)
            handler.handle(record("lost too"))
            before = b""
            while before.count(b"\n") < written:
                before += reader.read(65536)
            handler.handle(record("and on"))
            lost, on = reader.read(65536).decode().splitlines()
            assert re.fullmatch(
                r"<4>2 log records were lost here, the first at [-0-9]+ [:0-9]+: "
                r"what reads them did not keep up \(2 info\)",
                lost,
            )
            assert on == "<6>and on"
            assert (handler.untold, handler.lost["info"]) == (0, 2)

    def test_a_full_journal_socket_is_not_waited_for(self) -> None:
        journal, stderr = socket.socketpair()
        with journal, stderr, os.fdopen(os.dup(stderr.fileno()), "w") as stream:
            assert self.fill(self.handler(stream)) > 10

    def test_a_terminal_that_stands_still_is_not_waited_for(self) -> None:
        main, terminal = os.openpty()
        with os.fdopen(terminal, "w") as stream:
            handler = self.handler(stream)
            written = self.fill(handler)
            assert written > 1
            assert os.get_blocking(terminal), "the shell shares this descriptor"
            screen = os.read(main, 65536)
            while b"lost here" not in screen:
                handler.handle(record("and on"))
                screen += os.read(main, 65536)
            assert re.search(rb"\r\n<4>\d+ log records were lost here", screen)
            handler.close()
        os.close(main)

    def test_a_reader_that_left_is_no_error(self) -> None:
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, "w") as stream:
            handler = self.handler(stream)
            handler.handle(record("to nobody"))
            assert handler.lost == {"debug": 0, "info": 1, "warning": 0, "error": 0}

    def test_a_closed_stream_is_no_error(self) -> None:
        stream = io.StringIO()
        handler = self.handler(stream)
        stream.close()
        handler.handle(record("to nobody", level=logging.CRITICAL))
        assert handler.lost["error"] == 1

    @given(st.text(min_size=1, max_size=16).map(lambda text: text * LINE_LIMIT_BYTES))
    def test_a_long_line_is_cut_in_its_middle(self, text: str) -> None:
        stream = io.StringIO()
        self.handler(stream).handle(record(f"start {text.replace('%', '%%')} end"))
        line = stream.getvalue()
        assert len(line.encode()) <= LINE_LIMIT_BYTES
        assert line.startswith("<6>start ")
        assert line.endswith(" end\n")
