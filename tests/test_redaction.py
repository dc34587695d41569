from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.redaction import KNOWN_LIMIT, REDACTED, TEXT_LIMIT, forget_secrets, redacted, remember_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = 'k3y/with"odd+signs='
TOKEN = "Tk9hQ2FuYXJ5VG9rZW4xN3ZqM0xwWnE4"


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    forget_secrets()
    yield
    forget_secrets()


class TestKnownSecrets:
    @pytest.mark.parametrize("form", [SECRET, quote(SECRET, safe=""), json.dumps(SECRET)], ids=["plain", "URL", "JSON"])
    def test_are_found_in_every_form_they_travel_in(self, form: str) -> None:
        remember_secret(SECRET)
        assert redacted(f"sent {form} away") in (f"sent {REDACTED} away", f'sent "{REDACTED}" away')

    def test_are_found_where_the_text_was_cut_off(self) -> None:
        remember_secret(TOKEN)
        assert redacted(f"the service said: no such token {TOKEN[:9]}") == f"the service said: no such token {REDACTED}"
        assert redacted(f"the service said: {TOKEN[:5]}") == f"the service said: {TOKEN[:5]}"
        assert redacted(f"{TOKEN[:9]} is the start of it") == f"{TOKEN[:9]} is the start of it"

    def test_are_forgotten_when_many_others_came_after(self) -> None:
        remember_secret(TOKEN)
        for number in range(KNOWN_LIMIT - 1):
            remember_secret(f"secret number {number}")
        remember_secret(TOKEN)
        for number in range(KNOWN_LIMIT - 1):
            remember_secret(f"another secret, number {number}")
        assert redacted(TOKEN) == REDACTED
        remember_secret("one more secret")
        assert redacted(TOKEN) == TOKEN

    def test_what_is_too_short_to_be_one_is_left_alone(self) -> None:
        remember_secret("main")
        assert redacted("station main") == "station main"

    @given(
        st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=6, max_size=60), st.text(), st.text()
    )
    def test_never_come_out_whole(self, secret: str, before: str, after: str) -> None:
        forget_secrets()
        remember_secret(secret)
        assert secret not in redacted(before + secret + after).replace(REDACTED, "")


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("Authorization: Bearer abc", "Authorization: [redacted]"),
        ("authorization: Digest x", "authorization: [redacted]"),
        ("{'Authorization': 'Bearer abc'}", "{'Authorization': '[redacted]'}"),
        ("(b'proxy-authorization', b'Basic dTpw')", "(b'proxy-authorization', b'[redacted]')"),
        ("Proxy-Authorization: 0123456789abc", "Proxy-Authorization: [redacted]"),
        ("sent Bearer abcdefg1 along", "sent Bearer [redacted] along"),
        ("GET wss://host/ws?token=s3cret&x=1 failed", "GET wss://host/ws?[redacted] failed"),
        ("GET /ws?token=s3cret HTTP/1.1", "GET /ws?[redacted] HTTP/1.1"),
        ("http://user:password@proxy:3128/", "http://[redacted]@proxy:3128/"),
        ("got eyJhbGciOi.eyJzdWIiOiIx.c2ln-bg.", "got [redacted]."),
        ('{"token": "abc", "id": "front desk"}', '{"token": "[redacted]", "id": "front desk"}'),
        ("{'access_token': 'abc'}", "{'access_token': '[redacted]'}"),
        ("api_key=0123456789 sent", "api_key=[redacted] sent"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END", "[redacted]"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, without: str) -> None:
    assert redacted(text) == without


@pytest.mark.parametrize(
    "text",
    [
        "gatewayd.toml: agent.token.headers.Authorization: credentials belong into agent.token.credential",
        "check the credential named by agent.token.credential, and that this device is still allowed",
        "add LoadCredential=device-key2:/path/of/the/file1 to the unit",
        "agent.token.url: https://api.example.com/v1/session answers HTTP 503",
        "hw:CARD=Array,DEV=0: no such device; is it plugged in? `gatewayd devices` lists what is there",
        "the bearer of this message, 12345678 times",
        "token_type='bearer' max_tokens=1000000000",
    ],
)
def test_what_people_need_to_read_stays(text: str) -> None:
    assert redacted(text) == text


def test_a_long_text_loses_its_middle_at_blanks() -> None:
    text = "start " + "word " * TEXT_LIMIT + "end"
    short = redacted(text)
    assert len(short) <= TEXT_LIMIT + len(" [...] ")
    assert short.startswith("start word")
    assert " [...] word" in short
    assert short.endswith("word end")


@pytest.mark.parametrize(
    "piece",
    [
        "://",
        "a@",
        "?a=",
        "'a':",
        "'token':'",
        "authorization:",
        "bearer ",
        "eyJaaaaa.",
        "a=1",
        "-----BEGIN ",
        "a",
        "A ",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    for number in range(KNOWN_LIMIT):
        remember_secret(f"{number} {piece * 300}!")
    text = piece * (TEXT_LIMIT // len(piece))
    before_s = time.thread_time()
    redacted(text)
    assert time.thread_time() - before_s < 0.1, (
        "seconds of the processor's time; something quadratic takes ten times that"
    )
