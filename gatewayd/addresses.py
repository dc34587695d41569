"""Addresses of the cloud: `https://`, `wss://` and their plaintext kin."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

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
    parts, port = _split(url)
    if parts.scheme not in schemes:
        allowed = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ValueError(f"must begin with {allowed}")
    if not parts.hostname:
        raise ValueError(f"names no host; a whole address looks like {parts.scheme}://host/path")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry a user name or password; give the path of a credential instead")
    if any(ord(character) <= 0x20 or ord(character) >= 0x7F for character in url):
        raise ValueError("must be plain ASCII without blanks; escape other characters with %XX")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    address = Address(parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme], target)
    if not address.tls and not allow_plaintext and not is_loopback(address.host):
        secure = {"http": "https", "ws": "wss"}[address.scheme]
        raise ValueError(
            f"{address.scheme}:// is unencrypted and allowed only to this device itself; use {secure}://, "
            "or set agent.allow_plaintext = true"
        )
    return address


def is_loopback(host: str) -> bool:
    """Whether `host` is this device itself: `localhost` or a loopback address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError:
        raise ValueError("is not a valid address: its host or port cannot be read") from None
