"""What the daemon does when it is asked on its control socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.control.protocol import Command, Refusal, Request, RequestRefused
from gatewayd.text import one_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from gatewayd.control.schema import DaemonStatus
    from gatewayd.station.supervised import SupervisedStation


class Answers:
    """Carries requests out; `stations`, `status` and `measurements` say what there is at the moment."""

    def __init__(
        self,
        stations: Callable[[], Mapping[str, SupervisedStation]],
        status: Callable[[], DaemonStatus],
        measurements: Callable[[], Mapping[str, object]] = dict,
    ) -> None:
        self._stations = stations
        self._status = status
        self._measurements = measurements

    async def answer(self, request: Request) -> Mapping[str, object]:
        """Do what is asked and return the status after it, for metrics with the measurements.

        Raises `RequestRefused`, and `Unavailable` where a microphone did not close.
        """
        chosen = self._chosen(request.station)
        order = _ORDERS.get(request.command)
        if order is not None:
            for station in chosen:
                await order(station)
        status = self._status().as_json()
        if request.command is Command.METRICS:
            return {"status": status, "measurements": self._measurements()}
        return status

    def _chosen(self, name: str | None) -> Sequence[SupervisedStation]:
        stations = self._stations()
        if name is None:
            return list(stations.values())
        if name not in stations:
            known = ", ".join(stations)
            raise RequestRefused(
                Refusal.UNKNOWN_STATION, f"there is no station '{one_line(name)}'; gatewayd runs with these: {known}"
            )
        return [stations[name]]


async def _start(station: SupervisedStation) -> None:
    await station.request_session()


async def _stop(station: SupervisedStation) -> None:
    await station.dismiss_session()


async def _mute(station: SupervisedStation) -> None:
    await station.mute()


async def _unmute(station: SupervisedStation) -> None:
    await station.unmute()


_ORDERS: Mapping[Command, Callable[[SupervisedStation], Awaitable[None]]] = {
    Command.START: _start,
    Command.STOP: _stop,
    Command.MUTE: _mute,
    Command.UNMUTE: _unmute,
}
"""The others only ask: their answer is the status."""
