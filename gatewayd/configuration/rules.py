"""What must hold between keys, once each is well-formed by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewayd.addresses import is_loopback, parse_address, parse_endpoint
from gatewayd.configuration.entries import source_of
from gatewayd.configuration.report import Path, Report, place_of
from gatewayd.configuration.schema import HTTP, PROXY, WEBSOCKET
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from gatewayd.configuration.entries import Entry
    from gatewayd.configuration.model import (
        AgentConfiguration,
        Configuration,
        MetricsConfiguration,
        StationConfiguration,
    )

_TOKEN = ("agent", "token")


@dataclass(frozen=True)
class Judge:
    """Reports broken rules, each at one key, unless a key it depends on is already known to be wrong."""

    root: Entry
    report: Report

    def broken(self, path: Path, what: str, *, with_keys: tuple[Path, ...] = ()) -> None:
        """`what` is wrong at `path`, judged together with other keys."""
        if not any(self.report.spoiled(each) for each in (path, *with_keys)):
            self.report.add(source_of(self.root, path), path, what)

    def missing(self, path: Path, what: str, *, with_keys: tuple[Path, ...] = ()) -> None:
        """As `broken`, where a key is not there; a file that could not be read may have it."""
        if not self.report.incomplete:
            self.broken(path, what, with_keys=with_keys)


def check_rules(configuration: Configuration, root: Entry, report: Report) -> None:
    """Report every rule that `configuration`, read from `root`, breaks."""
    judge = Judge(root, report)
    _check_token(configuration.agent, judge)
    _check_addresses(configuration.agent, judge)
    _check_client_certificate(configuration.agent, judge)
    _check_proxy(configuration.agent, judge)
    _check_refused(configuration.agent, judge)
    _check_metrics(configuration.metrics, judge)
    if not configuration.stations:
        judge.missing(("stations",), "there is no station; add a table [stations.main]")
    for station in configuration.stations:
        _check_pick(station, judge)
        _check_port(station, judge)


def _check_token(agent: AgentConfiguration, judge: Judge) -> None:
    token = agent.token
    url, command = (*_TOKEN, "url"), (*_TOKEN, "command")
    if not token.url and not token.command:
        judge.missing(url, f"is missing; give an address here, or {place_of(command)}", with_keys=(command,))
    if token.url and token.command:
        judge.broken(command, f"stands beside {place_of(url)}; give one of them", with_keys=(url,))
    if token.command and not token.command[0].startswith("/"):
        judge.broken(command, "must begin with the absolute path of a program")
    if token.method == "GET" and token.body is not None:
        judge.broken((*_TOKEN, "body"), "cannot be sent with GET; use POST", with_keys=((*_TOKEN, "method"),))


def _check_addresses(agent: AgentConfiguration, judge: Judge) -> None:
    url_field = (*_TOKEN, "url_field")
    if not agent.url and not agent.token.url_field:
        what = f"is missing; give the voice service's address, or {place_of(url_field)} where the token's answer has it"
        judge.missing(("agent", "url"), what, with_keys=(url_field,))
    for path, url, schemes in (
        (("agent", "url"), agent.url, WEBSOCKET),
        ((*_TOKEN, "url"), agent.token.url, HTTP),
        (("agent", "heartbeat", "url"), agent.heartbeat.url, HTTP),
    ):
        if url:
            try:
                parse_address(url, schemes=schemes, allow_plaintext=agent.allow_plaintext)
            except ValueError as error:
                judge.broken(path, str(error), with_keys=(("agent", "allow_plaintext"),))


def _check_client_certificate(agent: AgentConfiguration, judge: Judge) -> None:
    certificate, key = ("agent", "client_cert"), ("agent", "client_key")
    if agent.client_cert and not agent.client_key:
        judge.missing(certificate, f"needs {place_of(key)} with it", with_keys=(key,))
    if agent.client_key and not agent.client_cert:
        judge.missing(key, f"needs {place_of(certificate)} with it", with_keys=(certificate,))


def _check_proxy(agent: AgentConfiguration, judge: Judge) -> None:
    proxy = ("agent", "proxy")
    if agent.proxy and parse_address(agent.proxy, schemes=PROXY, allow_plaintext=True).target != "/":
        judge.broken(proxy, "must be host and port alone, such as http://proxy.example.com:3128")
    if agent.proxy_credential and not agent.proxy:
        judge.missing(("agent", "proxy_credential"), f"needs {place_of(proxy)} with it", with_keys=(proxy,))


def _check_refused(agent: AgentConfiguration, judge: Judge) -> None:
    least, most = ("agent", "backoff", "refused_min_s"), ("agent", "backoff", "refused_max_s")
    backoff = agent.backoff
    if backoff.refused_min_s > backoff.refused_max_s:
        what = f"is {backoff.refused_min_s:g}, more than {place_of(most)}, which is {backoff.refused_max_s:g}"
        judge.broken(least, what, with_keys=(most,))


def _check_metrics(metrics: MetricsConfiguration, judge: Judge) -> None:
    listen, allow_remote = ("metrics", "listen"), ("metrics", "allow_remote")
    if not metrics.listen:
        return
    try:
        host, _ = parse_endpoint(metrics.listen)
    except ValueError as error:
        judge.broken(listen, str(error))
        return
    if not metrics.allow_remote and not is_loopback(host):
        what = f"can be reached by other hosts; use 127.0.0.1 or [::1], or set {place_of(allow_remote)} = true"
        judge.broken(listen, what, with_keys=(allow_remote,))


def _check_port(station: StationConfiguration, judge: Judge) -> None:
    port = ("stations", station.name, "port")
    device = ("stations", station.name, "capture", "device")
    if station.port is not None and station.capture.device is not None:
        judge.broken(
            port, f"stands beside {place_of(device)}, which names the card already; give one", with_keys=(device,)
        )


def _check_pick(station: StationConfiguration, judge: Judge) -> None:
    capture = station.capture
    if capture.pick is not None and capture.channels is not None:
        path: Path = ("stations", station.name, "capture")
        what = beyond(capture.pick, capture.channels)
        if what:
            judge.broken((*path, "pick"), what, with_keys=((*path, "channels"),))


def beyond(pick: tuple[int, ...], channels: int) -> str:
    """What is wrong with picking these channels, counted from 0, of so many; empty if nothing is."""
    if max(pick) < channels:
        return ""
    there = "is only channel 0" if channels == 1 else f"are channels 0 to {channels - 1}"
    return f"picks channel {max(pick)}; of {channels} there {there}"
