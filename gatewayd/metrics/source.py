"""The daemon's metrics for whoever asks: at most once a second the daemon itself is asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio

from gatewayd.errors import GatewayError
from gatewayd.metrics.exposition import CLASSIC, content_type_for, render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REUSE_S = 1.0
"""An answer serves everybody who asks within this time: scrapers in a hurry do not make the daemon work more."""


class Source:
    """The daemon's metrics as text, whether it runs or not."""

    def __init__(self, ask: Callable[[], Mapping[str, object]]) -> None:
        """`ask` gives the daemon's answer to the control command `metrics`, or raises a `GatewayError` where there is
        none; it is called in a thread.
        """
        self._ask = ask
        self._asking = trio.Lock()
        self._answer: Mapping[str, object] | None = None
        self._answered_s = float("-inf")

    async def for_scraper(self, accept: str) -> tuple[str, bytes]:
        """Content type and text for an `Accept` header; see `http.Render`."""
        content_type = content_type_for(accept)
        return content_type, render(await self._fresh(), time.time(), content_type)

    async def for_textfile(self) -> bytes:
        """The text in the format that node_exporter reads."""
        return render(await self._fresh(), time.time(), CLASSIC)

    async def _fresh(self) -> Mapping[str, object] | None:
        """The daemon's answer, not older than `REUSE_S`; None while it gives none."""
        async with self._asking:
            if trio.current_time() - self._answered_s >= REUSE_S:
                try:
                    self._answer = await trio.to_thread.run_sync(self._ask, abandon_on_cancel=True)
                except GatewayError:
                    self._answer = None
                self._answered_s = trio.current_time()
            return self._answer
