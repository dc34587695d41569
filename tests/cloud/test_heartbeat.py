"""The heartbeat: when it asks, what counts as reachable, what it reports, and that it only speaks of changes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.cloud.heartbeat import Heartbeat
from gatewayd.cloud.portal import is_web_page, redirect_target
from gatewayd.configuration.model import HeartbeatConfiguration
from gatewayd.control.schema import HeartbeatStatus
from gatewayd.errors import CloudError
from gatewayd.session.causes import Cause
from tests.cloud.fakes import OffsetClock, ScriptedHttp, answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gatewayd.seams.http import HttpResponse

    Said = HttpResponse | CloudError

CONFIGURATION = HeartbeatConfiguration(url="https://api.example.com/heartbeat", interval_s=30, timeout_s=5)
REFUSED = CloudError(Cause.CONNECT_REFUSED, "api.example.com port 443 refused the connection")
FROM_THE_FUTURE = CloudError(Cause.CERTIFICATE_NOT_YET_VALID, "the certificate is not yet valid; is the clock set?")
GOOD, BAD = answer(200, b"ok"), answer(500)
HTML = {"content-type": "text/html; charset=utf-8"}
PORTAL = answer(200, b"<html>Welcome to our hotel</html>", HTML)


def middle(low: float, high: float) -> float:
    return (low + high) / 2


def heartbeat(
    http: ScriptedHttp,
    configuration: HeartbeatConfiguration = CONFIGURATION,
    report: Callable[[bool], Awaitable[None]] | None = None,
) -> Heartbeat:
    return Heartbeat(http, configuration, OffsetClock(), report=report, uniform=middle)


async def run_for(seconds: float, beating: Heartbeat) -> None:
    with trio.move_on_after(seconds):
        await beating.run()


async def verdict(*said: Said, expect: str = "") -> bool | None:
    """What is known after two requests."""
    beating = heartbeat(ScriptedHttp(list(said)), replace(CONFIGURATION, expect=expect))
    await run_for(11, beating)
    return beating.reachable


async def told(caplog: pytest.LogCaptureFixture, *said: Said, expect: str = "") -> list[str]:
    """What is logged of two requests."""
    caplog.set_level(logging.INFO)
    await verdict(*said, expect=expect)
    return caplog.messages


# when it asks


async def test_it_asks_at_once_and_then_every_interval_from_start_to_start(
    autojump_clock: trio.testing.MockClock,
) -> None:
    http = ScriptedHttp([GOOD], takes_s=4)
    beating = heartbeat(http)
    assert beating.status() == HeartbeatStatus(reachable=None, rtt_s=None)
    await run_for(95, beating)
    assert http.asked_at_s == [0, 30, 60, 90]
    assert http.bounds == {(5, 65536)}
    assert [(request.method, request.url) for request in http.requests] == [("GET", CONFIGURATION.url)] * 4
    assert beating.status() == HeartbeatStatus(reachable=True, rtt_s=4)


async def test_intervals_spread_by_a_tenth(autojump_clock: trio.testing.MockClock) -> None:
    drawn: list[tuple[float, float]] = []

    def highest(low: float, high: float) -> float:
        drawn.append((low, high))
        return high

    http = ScriptedHttp([GOOD, BAD])
    await run_for(50, Heartbeat(http, CONFIGURATION, OffsetClock(), uniform=highest))
    assert drawn == [(27, 33), (9, 11), (9, 11)]
    assert http.asked_at_s == [0, 33, 44]


async def test_a_first_failure_is_soon_confirmed_and_then_the_interval_holds_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    http = ScriptedHttp([GOOD, REFUSED, REFUSED, BAD, GOOD, GOOD])
    await run_for(121, heartbeat(http))
    assert http.asked_at_s == [0, 30, 40, 50, 80, 110]


async def test_an_interval_that_is_shorter_anyway_stays(autojump_clock: trio.testing.MockClock) -> None:
    http = ScriptedHttp([REFUSED])
    await run_for(7, heartbeat(http, replace(CONFIGURATION, interval_s=2)))
    assert http.asked_at_s == [0, 2, 4, 6]


async def test_requests_that_take_longer_than_the_interval_follow_each_other(
    autojump_clock: trio.testing.MockClock,
) -> None:
    http = ScriptedHttp([REFUSED], takes_s=15)
    await run_for(44, heartbeat(http))
    assert http.asked_at_s == [0, 15, 30]


@pytest.mark.parametrize(
    ("status", "retry_after", "asked_again_at_s"),
    [
        (429, "100", 105),
        (503, "100", 105),
        (503, "Sun, 06 Nov 1994 08:51:17 GMT", 125),
        (503, "999999", 3605),  # clamped to an hour
        (503, "soon", 10),
        (302, "100", 10),  # a portal's
        (200, "100", 30),  # no reason to wait
    ],
)
async def test_a_retry_after_is_not_undercut(
    status: int, retry_after: str, asked_again_at_s: float, autojump_clock: trio.testing.MockClock
) -> None:
    headers = {"retry-after": retry_after, "date": "Sun, 06 Nov 1994 08:49:17 GMT"}
    http = ScriptedHttp([answer(status, headers=headers)])
    await run_for(asked_again_at_s + 1, heartbeat(http))
    assert http.asked_at_s == [0, asked_again_at_s]


# what counts as reachable


@pytest.mark.parametrize("said", [GOOD, answer(200), answer(204), answer(299), answer(200, b'{"up": true}')])
async def test_one_good_answer_is_enough(said: HttpResponse, autojump_clock: trio.testing.MockClock) -> None:
    beating = heartbeat(ScriptedHttp([said]))
    await run_for(1, beating)
    assert beating.reachable is True
    assert beating.status().rtt_s == 0


@pytest.mark.parametrize(
    "said",
    [
        *(answer(status) for status in (301, 302, 307, 400, 404, 503, 511)),
        REFUSED,
        PORTAL,
        answer(200, b"", HTML),
        answer(200, b"Please log in", {"content-type": "Text/HTML"}),
        answer(200, b"\xef\xbb\xbf\r\n  <!DOCTYPE html><title>Log in</title>"),
        answer(200, b"<html/>", {"content-type": "application/json"}),
    ],
)
async def test_two_bad_answers_are_needed(said: Said, autojump_clock: trio.testing.MockClock) -> None:
    beating = heartbeat(ScriptedHttp([said]))
    await run_for(9, beating)
    assert beating.status() == HeartbeatStatus(reachable=None, rtt_s=None)
    await run_for(11, beating)
    assert beating.status() == HeartbeatStatus(reachable=False, rtt_s=None)


@pytest.mark.parametrize(
    ("body", "headers", "reachable"),
    [
        (b'{"status": "gatewayd-ok"}', {}, True),
        (b"<p>gatewayd-ok</p>", HTML, True),
        ("<p>gatewayd-ök</p>".encode(), HTML, False),
        (b"ok", {}, False),
        (b"", {}, False),
    ],
)
async def test_with_a_text_to_expect_that_text_decides(
    body: bytes, headers: dict[str, str], reachable: bool, autojump_clock: trio.testing.MockClock
) -> None:
    assert await verdict(answer(200, body, headers), expect="gatewayd-ok") is reachable


@pytest.mark.parametrize("status", [302, 404, 503, 511])
async def test_the_expected_text_does_not_make_a_bad_status_good(
    status: int, autojump_clock: trio.testing.MockClock
) -> None:
    assert await verdict(answer(status, b"gatewayd-ok"), expect="gatewayd-ok") is False


async def test_a_certificate_from_the_future_says_nothing_of_the_service(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    http = ScriptedHttp([FROM_THE_FUTURE, FROM_THE_FUTURE, FROM_THE_FUTURE, GOOD])
    beating = heartbeat(http)
    caplog.set_level(logging.DEBUG)
    await run_for(29, beating)
    assert (http.asked_at_s, beating.reachable) == ([0, 10, 20], None)
    await run_for(31, beating)
    assert beating.reachable
    assert caplog.messages == [
        "the heartbeat tells nothing: the certificate is not yet valid; is the clock set?",
        "the service can be reached: its heartbeat answers",
    ]


@given(
    st.dictionaries(st.sampled_from(["content-type", "location"]), st.text(max_size=40)),
    st.binary(max_size=60),
    st.integers(100, 599),
    st.sampled_from(["", "ok"]),
)
async def test_any_answer_leads_to_a_verdict(headers: dict[str, str], body: bytes, status: int, expect: str) -> None:
    beating = heartbeat(ScriptedHttp([answer(status, body, headers)]), replace(CONFIGURATION, expect=expect))
    for _ in range(2):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(beating.run)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
    expected = expect.encode() in body if expect else not is_web_page(headers, body)
    assert beating.reachable is (200 <= status <= 299 and expected)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://login.hotel.example/?session=s3cr3t", " to login.hotel.example"),
        ("http://10.0.0.1:8080/guest", " to 10.0.0.1"),
        ("/login?s3cr3t", ""),
        ("https://user:s3cr3t@h/", ""),
        ("http://\x1b[2Js3cr3t/", ""),
        ("", ""),
    ],
)
def test_of_where_a_redirect_leads_only_the_host_is_told(location: str, words: str) -> None:
    assert redirect_target({"location": location}) == words


# what it reports


@dataclass
class Notebook:
    reports: list[tuple[float, bool]] = field(default_factory=list)

    async def note(self, reachable: bool) -> None:
        await trio.lowlevel.checkpoint()
        self.reports.append((trio.current_time(), reachable))


async def test_changes_are_reported_and_nothing_else(autojump_clock: trio.testing.MockClock) -> None:
    notebook = Notebook()
    # asked at s:         0     30    60       70    100      110     120  150      180   210  220
    said: list[Said] = [GOOD, GOOD, REFUSED, GOOD, REFUSED, PORTAL, BAD, REFUSED, GOOD, BAD, BAD]
    await run_for(225, heartbeat(ScriptedHttp(said), report=notebook.note))
    assert notebook.reports == [(0, True), (110, False), (180, True), (220, False)]


async def test_a_service_that_was_never_there_is_reported_after_the_second_failure(
    autojump_clock: trio.testing.MockClock,
) -> None:
    notebook = Notebook()
    await run_for(61, heartbeat(ScriptedHttp([REFUSED], takes_s=1), report=notebook.note))
    assert notebook.reports == [(11, False)]


@pytest.mark.parametrize(("takes_s", "asked_at_s"), [(7, [0, 30, 60]), (33, [0, 33, 63])])
async def test_a_slow_report_holds_the_next_request_up_only_while_it_lasts(
    takes_s: float, asked_at_s: list[float], autojump_clock: trio.testing.MockClock
) -> None:
    async def dawdle(_reachable: bool) -> None:
        await trio.sleep(takes_s)

    http = ScriptedHttp([GOOD])
    await run_for(64, heartbeat(http, report=dawdle))
    assert http.asked_at_s == asked_at_s


async def test_what_a_report_raises_is_not_swallowed(autojump_clock: trio.testing.MockClock) -> None:
    async def fail(_reachable: bool) -> None:
        await trio.lowlevel.checkpoint()
        raise LookupError("a bug")

    with pytest.raises(LookupError, match="a bug"):
        await heartbeat(ScriptedHttp([GOOD]), report=fail).run()


# what it says


async def test_no_failure_ends_it_and_only_changes_are_logged(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[Said] = [GOOD, GOOD, REFUSED, REFUSED, REFUSED, answer(503), answer(503), GOOD, GOOD]
    await run_for(30 * len(said), heartbeat(ScriptedHttp(said)))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "the service can be reached: its heartbeat answers"),
        ("DEBUG", "a heartbeat failed, which may be chance: api.example.com port 443 refused the connection"),
        ("WARNING", "the service cannot be reached: api.example.com port 443 refused the connection"),
        ("WARNING", "the service cannot be reached: it answered HTTP 503"),
        ("INFO", "the service can be reached: its heartbeat answers"),
    ]


async def test_a_link_that_comes_and_goes_does_not_fill_the_log(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    a_round: list[Said] = [GOOD, REFUSED, REFUSED]
    http = ScriptedHttp([*a_round * 1000, GOOD])
    await run_for(1000 * 70 + 1200, heartbeat(http))
    assert len(http.asked_at_s) > 3000
    assert len(caplog.messages) < 30, "of 2000 changes, in 19 hours"
    assert caplog.messages[-1].startswith("the service can be reached: its heartbeat answers")


@pytest.mark.parametrize(
    ("said", "expect", "words"),
    [
        (
            answer(302, headers={"location": "http://hotel.example/?s3cr3t"}),
            "",
            "it answered HTTP 302, a redirect to hotel.example: likely a captive portal, or the address has moved",
        ),
        (answer(511), "", "it answered HTTP 511: this network wants somebody to log in first (captive portal)"),
        (
            PORTAL,
            "",
            (
                "it answered HTTP 200 with a web page: likely a captive portal; if it is the service's own, say in "
                "agent.heartbeat.expect what it contains"
            ),
        ),
        (
            PORTAL,
            "alive",
            "it answered HTTP 200 without what agent.heartbeat.expect says: likely a captive portal",
        ),
    ],
)
async def test_a_captive_portal_is_named(
    said: HttpResponse,
    expect: str,
    words: str,
    autojump_clock: trio.testing.MockClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await told(caplog, said, expect=expect) == [f"the service cannot be reached: {words}"]
