"""Addresses of the cloud: `https://`, `wss://` and their plaintext kin."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import field
from urllib.parse import SplitResult, urlsplit

from gatewayd.lean import dataclass

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True)
class Address:
    """A parsed address. `str()` leaves out the query, which may carry a secret."""

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)
    """Path and query, as a request line wants them."""

    @property
    def tls(self) -> bool:
        """Whether the scheme asks for TLS."""
        return self.scheme in ("https", "wss")

    @property
    def authority(self) -> str:
        """The `Host` header: the port only where it is not the scheme's own, IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target.partition('?')[0]}"


def parse_address(url: str, *, schemes: tuple[str, ...], allow_plaintext: bool = False) -> Address:
    """Parse `url`, whose scheme must be one of `schemes`.

    A scheme without TLS is taken for a loopback host only, unless `allow_plaintext`. User names and passwords in
    addresses are refused: they end up in logs. Raises `ValueError` with a message for a person; it never repeats the
    address, which may carry a secret.
    """
    # urlsplit drops blanks, tabs and line breaks in silence, so they are looked for first.
    if any(not "!" <= character <= "~" for character in url):
        raise ValueError("must be plain ASCII without blanks; escape other characters with %XX")
    parts, port = _split(url)
    if parts.scheme not in schemes:
        allowed = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ValueError(f"must begin with {allowed}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry a user name or password; give the path of a credential instead")
    if not parts.hostname:
        raise ValueError(f"names no host; a whole address looks like {parts.scheme}://host/path")
    if "#" in url:
        raise ValueError("must not carry a fragment: what follows # is never sent; write %23 for a # in a name")
    _check_host(parts.hostname, parts.netloc)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    address = Address(parts.scheme, parts.hostname, DEFAULT_PORTS[parts.scheme] if port is None else port, target)
    if not address.tls and not allow_plaintext and not is_loopback(address.host):
        secure = {"http": "https", "ws": "wss"}[address.scheme]
        raise ValueError(
            f"{address.scheme}:// is unencrypted and allowed only to this device itself; use {secure}://, "
            "or set agent.allow_plaintext = true"
        )
    return address


def parse_endpoint(text: str) -> tuple[str, int]:
    """IP address and port of `ADDRESS:PORT`, IPv6 in brackets. Raises `ValueError` with a message for a person."""
    found = re.fullmatch(r"(\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<four>[0-9.]+)):(?P<port>[0-9]{1,5})", text)
    host = (found["six"] or found["four"]) if found else ""
    if found is None or not _is_ip_address(host) or (":" in host) is (found["six"] is None):
        raise ValueError("must be an IP address and a port, such as 127.0.0.1:9464 or [::1]:9464")
    if not 1 <= int(found["port"]) <= 65_535:
        raise ValueError("must have a port from 1 to 65535")
    return host, int(found["port"])


def is_loopback(host: str) -> bool:
    """Whether `host` is this device itself: `localhost` or a loopback address."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\Z")
"""One part of a host name (RFC 1123, 2.1), with the underscore that local networks use."""
_NUMBER = re.compile(r"[0-9]+\Z|0x[0-9a-f]*\Z")
"""A last part by which resolvers take a name for an IPv4 address, in more ways than four numbers (inet_aton(3))."""
_LONGEST_NAME = 253
"""Longest host name in characters (RFC 1035, 2.3.4: 255 bytes on the wire)."""


def _check_host(host: str, netloc: str) -> None:
    """Refuse what no resolver takes, and what one reader of addresses takes for another host than the next."""
    written = f"[{host}]" if ":" in host else host
    if re.fullmatch(rf"{re.escape(written)}(:[0-9]*)?", netloc.lower()) is None:
        raise ValueError("is not a valid address: its host or port cannot be read")
    labels = host.removesuffix(".").split(".")
    if ":" in host or _NUMBER.match(labels[-1]):
        if "%" in host or not _is_ip_address(host):
            raise ValueError("names a host that is no IP address, though it looks like one")
    elif len(host) > _LONGEST_NAME or not all(_LABEL.match(label) for label in labels):
        raise ValueError("names a host that is neither a host name nor an IP address")


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is not a valid address: its host or port cannot be read") from None
    if port == 0:
        raise ValueError("is not a valid address: there is no port 0")
    return parts, port
