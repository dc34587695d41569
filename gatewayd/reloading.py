"""Taking a new configuration while everything runs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NoReturn

import trio

from gatewayd.control.events import ConfigurationRefused, ConfigurationReloaded, publish_nowhere
from gatewayd.errors import ConfigurationInvalid, GatewayError
from gatewayd.message_ids import MessageId
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gatewayd.control.events import Publish
    from gatewayd.plan import Changes, Plan
    from gatewayd.system.notify import Notifier

_log = logging.getLogger(__name__)


class Reloading:
    """Loads when asked, and has `adopt` make what was loaded true.

    What cannot be loaded, or not be adopted, changes nothing: all problems are logged, and `problems` says so until a
    reload succeeds. `show` is called when that may have changed.
    """

    def __init__(
        self,
        load: Callable[[], Plan],
        adopt: Callable[[Plan], Awaitable[Changes]],
        notifier: Notifier,
        *,
        show: Callable[[], None],
        publish: Publish = publish_nowhere,
    ) -> None:
        self._publish = publish
        self._load = load
        self._adopt = adopt
        self._notifier = notifier
        self._show = show
        self._requested = trio.Event()
        self.problems: tuple[str, ...] = ()
        """That the configuration on disk is not the one that runs; for people."""

    def request(self) -> None:
        """Have the configuration read anew. Asked again before that began, it is read once; after, once more."""
        self._requested.set()

    async def run(self) -> NoReturn:
        """Carry requests out until cancelled."""
        while True:
            await self._requested.wait()
            self._requested = trio.Event()
            self._notifier.reloading()
            await self._reload()
            self._show()
            self._notifier.ready()

    async def _reload(self) -> None:
        try:
            # in a thread: files and their parsing take longer than sound may wait on a small device
            done = await self._adopt(await trio.to_thread.run_sync(self._load))
        except GatewayError as error:
            extra = {"message_id": MessageId.CONFIGURATION_REJECTED, "problems": len(_each(error))}
            for problem in _each(error):
                _log.error("the new configuration is refused: %s", problem, extra=extra)
            self.problems = (f"new configuration refused: {_each(error)[0]}",)
            self._publish(ConfigurationRefused(tuple(_each(error))))
        else:
            self.problems = ()
            extra = {"message_id": MessageId.CONFIGURATION_RELOADED}
            _log.info("configuration read anew: %s", done.told, extra=extra)
            self._publish(ConfigurationReloaded((*done.changed, *done.added), done.removed))


def _each(error: GatewayError) -> list[str]:
    if isinstance(error, ConfigurationInvalid):
        return [one_line(str(problem)) for problem in error.problems]
    return [one_line(str(error))]
