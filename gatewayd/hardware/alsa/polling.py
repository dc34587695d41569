"""The wait for a PCM's poll descriptors."""

from __future__ import annotations

import select

import trio


class Descriptors:
    """The poll descriptors of a PCM, nearly always one; several (of `multi` and its kin) are waited for as one."""

    def __init__(self, listed: list[tuple[int, int]]) -> None:
        self._listed = listed
        self._epoll: select.epoll | None = None
        if len(listed) != 1:
            self._epoll = select.epoll()
            for descriptor, events in listed:
                self._epoll.register(descriptor, events)

    async def wait(self) -> list[tuple[int, int]]:
        """Wait for any of them, and tell what happened to each, as `polldescriptors_revents` wants it.

        A single one is told with what it was waited for: an error shows at the read or write that follows. Raises
        `OSError` for a descriptor that cannot be polled, `trio.ClosedResourceError` when closed meanwhile. The caller
        bounds the wait; cancelling changes nothing.
        """
        if self._epoll is not None:
            await trio.lowlevel.wait_readable(self._epoll.fileno())
            happened = dict(self._epoll.poll(0))
            return [(descriptor, happened.get(descriptor, 0)) for descriptor, _ in self._listed]
        [(descriptor, events)] = self._listed
        if events & select.POLLIN:
            await trio.lowlevel.wait_readable(descriptor)
        else:
            await trio.lowlevel.wait_writable(descriptor)
        return self._listed

    def close(self) -> None:
        """End every wait. The descriptors themselves are libasound's to close, afterwards."""
        for descriptor, _ in self._listed:
            trio.lowlevel.notify_closing(descriptor)
        if self._epoll is not None:
            trio.lowlevel.notify_closing(self._epoll.fileno())
            self._epoll.close()
