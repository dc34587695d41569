from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatewayd.addresses import DEFAULT_PORTS, Address, is_loopback, parse_address, parse_endpoint

ANY = ("https", "http", "wss", "ws")


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "target"),
    [
        ("https://api.example.com", "https", "api.example.com", 443, "/"),
        ("https://api.example.com:8443/v1?device=lobby", "https", "api.example.com", 8443, "/v1?device=lobby"),
        ("wss://voice.example.com/ws", "wss", "voice.example.com", 443, "/ws"),
        ("WSS://Voice.Example.COM./Ws", "wss", "voice.example.com.", 443, "/Ws"),
        ("ws://127.0.0.1:8765/v1/voice", "ws", "127.0.0.1", 8765, "/v1/voice"),
        ("ws://[::1]:80/", "ws", "::1", 80, "/"),
        ("wss://[2001:DB8::1]", "wss", "2001:db8::1", 443, "/"),
        ("http://localhost:/x", "http", "localhost", 80, "/x"),
        ("https://voice_box.local?x=1", "https", "voice_box.local", 443, "/?x=1"),
        ("https://h/a?", "https", "h", 443, "/a"),
    ],
)
def test_a_whole_address_is_taken_apart(url: str, scheme: str, host: str, port: int, target: str) -> None:
    assert parse_address(url, schemes=ANY) == Address(scheme, host, port, target)


@pytest.mark.parametrize(
    ("url", "authority", "shown"),
    [
        ("https://h:443/a?key=1", "h", "https://h/a"),
        ("wss://h:444/a", "h:444", "wss://h:444/a"),
        ("ws://[::1]/a", "[::1]", "ws://[::1]/a"),
        ("ws://[::1]:81", "[::1]:81", "ws://[::1]:81/"),
    ],
)
def test_an_address_shows_itself_without_its_query(url: str, authority: str, shown: str) -> None:
    address = parse_address(url, schemes=ANY)
    assert address.authority == authority
    assert str(address) == shown
    assert "key" not in repr(address)


def test_tls_follows_from_the_scheme() -> None:
    assert {scheme: parse_address(f"{scheme}://localhost", schemes=ANY).tls for scheme in ANY} == {
        "https": True,
        "wss": True,
        "http": False,
        "ws": False,
    }


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("", "must begin with wss:// or ws://"),
        ("voice.example.com/ws", "must begin with wss:// or ws://"),
        ("https://voice.example.com/ws", "must begin with wss:// or ws://"),
        ("wss:voice.example.com", "names no host"),
        ("wss:///ws", "names no host"),
        ("wss://:8443/ws", "names no host"),
        ("wss://user@h/", "must not carry a user name or password"),
        ("wss://user:word@h/", "must not carry a user name or password"),
        ("wss://@h/", "must not carry a user name or password"),
        ("wss://good.example\\@evil.example/", "must not carry a user name or password"),
        ("wss://h/#part", "must not carry a fragment"),
        ("wss://h/a b", "must be plain ASCII without blanks"),
        (" wss://h/", "must be plain ASCII without blanks"),
        ("wss://h/\n", "must be plain ASCII without blanks"),
        ("wss://h\t/", "must be plain ASCII without blanks"),
        ("wss://h\u00f6f.example/", "must be plain ASCII without blanks"),
        ("wss://h:x/", "its host or port cannot be read"),
        ("wss://h:65536/", "its host or port cannot be read"),
        ("wss://h:-1/", "its host or port cannot be read"),
        ("wss://h:0/", "there is no port 0"),
        ("wss://[::1/", "its host or port cannot be read"),
        ("wss://evil[::1]/", "cannot be read"),
        ("wss://[::1]evil/", "cannot be read"),
        ("wss://[not:an:address]/", ""),
        ("wss://[fe80::1%25eth0]/", "is no IP address, though it looks like one"),
        ("wss://[::1%eth0]/", "is no IP address, though it looks like one"),
        ("wss://256.1.1.1/", "is no IP address, though it looks like one"),
        ("wss://2130706433/", "is no IP address, though it looks like one"),
        ("wss://127.1/", "is no IP address, though it looks like one"),
        ("wss://127.0.0.1./", "is no IP address, though it looks like one"),
        ("wss://0x7f.0x1/", "is no IP address, though it looks like one"),
        ("wss://voice..example/", "neither a host name nor an IP address"),
        ("wss://./", "neither a host name nor an IP address"),
        ("wss://-a.example/", "neither a host name nor an IP address"),
        ("wss://a%41.example/", "neither a host name nor an IP address"),
        ("wss://h;x/", "neither a host name nor an IP address"),
        (f"wss://{'a' * 64}.example/", "neither a host name nor an IP address"),
        (f"wss://{'a.' * 127}a/", "neither a host name nor an IP address"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(url: str, what: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_address(url, schemes=("wss", "ws"))
    assert what in str(caught.value)


@pytest.mark.parametrize("host", ["voice.example.com", "10.0.0.7", "[::2]", "localhost.example.com", "0.0.0.0"])
@pytest.mark.parametrize(("scheme", "secure"), [("http", "https"), ("ws", "wss")])
def test_plaintext_stays_on_this_device_unless_allowed(scheme: str, secure: str, host: str) -> None:
    url = f"{scheme}://{host}/"
    with pytest.raises(ValueError, match=f"use {secure}://, or set agent.allow_plaintext = true"):
        parse_address(url, schemes=ANY)
    assert not parse_address(url, schemes=ANY, allow_plaintext=True).tls


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.1", False),
        ("10.0.0.1", False),
        ("::", False),
        ("localhost.", False),
        ("voice.example.com", False),
        ("", False),
    ],
)
def test_loopback_is_this_device_only(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


URLISH = st.one_of(
    st.text(),
    st.from_regex(r"(?i)(wss?|https?)://[^\s]{0,40}", fullmatch=True),
    st.tuples(st.sampled_from(ANY), st.text("ab1.:[]@%/?#\\-_x0 \t\n", max_size=20)).map("://".join),
)


@settings(deadline=None)
@given(URLISH, st.booleans())
@example("wss://[v1.x]/", True)
@example("//[", True)
@example("wss://\u2100/", True)
def test_any_text_is_an_address_or_a_reason(url: str, plaintext: bool) -> None:
    address = None
    with suppress(ValueError):
        address = parse_address(url, schemes=ANY, allow_plaintext=plaintext)
    if address is None:
        return
    again = f"{address.scheme}://{address.authority}{address.target}"
    assert parse_address(again, schemes=ANY, allow_plaintext=plaintext) == address
    assert address.host == urlsplit(url).hostname
    assert 0 < address.port < 65536
    assert address.target.startswith("/")
    assert address.target.isascii()
    assert address.tls or plaintext or is_loopback(address.host)
    assert DEFAULT_PORTS[address.scheme]


@settings(deadline=None)
@given(st.text("abcXYZ019-_.~", max_size=20).map("sk-".__add__))
def test_a_refused_address_is_never_repeated(secret: str) -> None:
    for url in (f"wss://user:{secret}@h/", f"ftp://h/?token={secret}", f"wss://h:{secret}/", f"wss://h /{secret}"):
        with pytest.raises(ValueError, match=r".") as caught:
            parse_address(url, schemes=("wss",))
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("127.0.0.1:9464", "127.0.0.1", 9464), ("[::1]:1", "::1", 1), ("[::]:65535", "::", 65535)],
)
def test_endpoints(text: str, host: str, port: int) -> None:
    assert parse_endpoint(text) == (host, port)


@pytest.mark.parametrize(
    "text", ["", "127.1:80", "127.0.0.1", "::1:80", "[127.0.0.1]:80", "[::1]", "[::1%lo]:80", "h:80"]
)
def test_what_is_no_endpoint(text: str) -> None:
    with pytest.raises(ValueError, match="must be an IP address and a port"):
        parse_endpoint(text)


@pytest.mark.parametrize("text", ["127.0.0.1:0", "127.0.0.1:65536"])
def test_ports_of_endpoints(text: str) -> None:
    with pytest.raises(ValueError, match="must have a port from 1 to 65535"):
        parse_endpoint(text)
