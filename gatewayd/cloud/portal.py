"""What a captive portal makes of a request: the network answers in the service's name until somebody has logged in.

Over https:// it cannot, and the certificate gives it away; over http:// only the answer does.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from gatewayd.addresses import parse_address

if TYPE_CHECKING:
    from collections.abc import Mapping

_BEFORE_MARKUP = b" \t\r\n\xef\xbb\xbf"
"""White space and the bytes of a byte order mark."""
_WEB_PAGES = ("text/html", "application/xhtml+xml")


def is_web_page(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether an answer is made for a person to look at, by its type or its first character. Names in lower case."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type in _WEB_PAGES or body.lstrip(_BEFORE_MARKUP).startswith(b"<")


def redirect_target(headers: Mapping[str, str]) -> str:
    """The host that a redirect leads to, as ` to HOST` for a message; empty where it says none. Never more of the
    address, which may carry a secret.
    """
    try:
        location = parse_address(headers.get("location", ""), schemes=("https", "http"), allow_plaintext=True)
    except ValueError:
        return ""
    return f" to {location.host}"


def wants_login(status: int) -> bool:
    """Whether a network says in so many words that somebody has to log in first (RFC 6585, section 6)."""
    return status == HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED
