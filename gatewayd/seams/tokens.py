"""Where session tokens come from; `cloud.token` has the adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gatewayd.session.tokens import Token


class TokenSource(Protocol):
    """Where tokens come from."""

    async def fetch(self) -> Token:
        """Ask for a fresh token, within the source's own time limit.

        Raises `CloudError` with a connecting cause or one of the `TOKEN_…` causes. Cancelling abandons the request.
        """
        ...
