"""Session tokens: asked for over HTTPS, or made by a command.

Whatever goes wrong has its own cause and says where to look, without ever repeating a token, a credential, a body or
what a command printed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

import trio

from gatewayd.addresses import parse_address
from gatewayd.cloud.portal import is_web_page, redirect_target, wants_login
from gatewayd.cloud.retry_after import retry_after_s
from gatewayd.errors import CloudError, ConfigurationInvalid
from gatewayd.seams.http import HttpRequest
from gatewayd.session.causes import Cause
from gatewayd.session.tokens import Token

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewayd.configuration.model import TokenConfiguration
    from gatewayd.seams.clock import Clock
    from gatewayd.seams.http import HttpClient, HttpResponse

ANSWER_LIMIT_BYTES = 65_536
"""Of an endpoint's answer or a command's output. A token fits into a header, so 8 KiB; parsing 64 KiB of JSON takes
about 1 ms."""
KILL_LIMIT_S = 1.0
"""For a killed command to be gone; only one that runs as another user, or hangs in the kernel, outlives it."""

_CAUSES = {
    Cause.CONNECT_TIMED_OUT: Cause.TOKEN_TIMED_OUT,
    Cause.PROTOCOL_VIOLATED: Cause.TOKEN_UNUSABLE,
    Cause.CONNECTION_LOST: Cause.TOKEN_UNAVAILABLE,
}
"""What a failed request means for a token; the causes of connecting stay what they are."""
_NOT_JSON = (ValueError, RecursionError)
"""What `json.loads` raises for bytes that are no JSON, or too deep."""
_SERVICE_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
"""What systemd tells the daemon itself; a command that passed it on could speak to systemd in the daemon's name."""


class HttpTokenSource:
    """Asks `configuration.url`; `read_credential` gives the secret of a name or path (`system.credentials`)."""

    def __init__(
        self,
        http: HttpClient,
        clock: Clock,
        configuration: TokenConfiguration,
        read_credential: Callable[[str], str],
        *,
        allow_plaintext: bool = False,
    ) -> None:
        self._http = http
        self._clock = clock
        self._configuration = configuration
        self._read_credential = read_credential
        self._allow_plaintext = allow_plaintext

    async def fetch(self) -> Token:
        """Make one request; see `seams.tokens.TokenSource`.

        The credential is read anew each time. One that cannot be read is `TOKEN_UNAVAILABLE`: it may yet appear.
        """
        configuration = self._configuration
        requested_at_s = self._clock.boottime_s()
        request = self._request()
        try:
            response = await self._http.request(
                request, timeout_s=configuration.timeout_s, body_limit_bytes=ANSWER_LIMIT_BYTES
            )
        except CloudError as error:
            cause = _CAUSES.get(error.cause, error.cause)
            raise CloudError(
                cause,
                f"the token endpoint: {error.detail}",
                http_status=error.http_status,
                retry_after_s=error.retry_after_s,
            ) from None
        if not 200 <= response.status <= 299:
            raise self._refusal(response)
        if is_web_page(response.headers, response.body) and not _is_json(response.body):
            raise _web_page(response.status)
        return read_answer(
            response.body, configuration, requested_at_s=requested_at_s, allow_plaintext=self._allow_plaintext
        )

    def _request(self) -> HttpRequest:
        configuration = self._configuration
        headers = dict(configuration.headers)
        body = b""
        if configuration.body is not None:
            headers.setdefault("Content-Type", "application/json")
            body = json.dumps(configuration.body).encode()
        if configuration.credential:
            try:
                headers["Authorization"] = f"Bearer {self._read_credential(configuration.credential)}"
            except ConfigurationInvalid as error:
                raise CloudError(Cause.TOKEN_UNAVAILABLE, f"the credential for the token endpoint: {error}") from None
        return HttpRequest(method=configuration.method, url=configuration.url, headers=headers, body=body)

    def _refusal(self, response: HttpResponse) -> CloudError:
        status = response.status
        cause = Cause.TOKEN_UNAVAILABLE
        if status in (401, 403):
            cause = Cause.TOKEN_REFUSED
            name = self._configuration.credential
            what = (
                f"it refuses this device's credential {name!r}" if name else "it wants a credential; none is configured"
            )
        elif 300 <= status <= 399:
            target = redirect_target(response.headers)
            what = (
                f"redirects are not followed; set agent.token.url to where it leads{target}, "
                "unless a captive portal of this network sent it"
            )
        elif wants_login(status):
            what = "this network wants somebody to log in first (captive portal)"
        elif status in (404, 405):
            what = "check agent.token.url and agent.token.method"
        elif status == 429:
            what = "too many requests"
        elif 400 <= status <= 499:
            what = "it does not take the request; check agent.token.body and agent.token.headers"
        else:
            what = "it has a problem of its own"
        return CloudError(
            cause,
            f"the token endpoint answered HTTP {status}: {what}",
            http_status=status,
            retry_after_s=retry_after_s(response.headers),
        )


class CommandTokenSource:
    """Runs `configuration.command`; what it prints on stdout is the answer.

    What it prints on stderr goes where the daemon's own stderr goes, the journal, and into no error.
    """

    def __init__(self, clock: Clock, configuration: TokenConfiguration, *, allow_plaintext: bool = False) -> None:
        self._clock = clock
        self._configuration = configuration
        self._allow_plaintext = allow_plaintext

    async def fetch(self) -> Token:
        """Run the command once, for `timeout_s` at most; see `seams.tokens.TokenSource`.

        Raises `TOKEN_COMMAND_FAILED` when it cannot be started or ends with another status than 0. Cancelling, and
        running out of time, kills it with all that it started in its session.
        """
        configuration = self._configuration
        requested_at_s = self._clock.boottime_s()
        output: bytes | None = None
        with trio.move_on_after(configuration.timeout_s):
            output = await self._run()
        if output is None:
            raise CloudError(Cause.TOKEN_TIMED_OUT, f"{self._name} did not finish within {configuration.timeout_s:g} s")
        return read_answer(output, configuration, requested_at_s=requested_at_s, allow_plaintext=self._allow_plaintext)

    @property
    def _name(self) -> str:
        # its arguments may carry a secret
        return f"the token command {self._configuration.command[0]}"

    async def _run(self) -> bytes:
        try:
            process = await trio.lowlevel.open_process(
                self._configuration.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if name not in _SERVICE_VARIABLES},
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it holds a NUL character"
            raise CloudError(Cause.TOKEN_COMMAND_FAILED, f"{self._name} cannot be started: {reason}") from None
        async with AsyncExitStack() as on_failure:
            on_failure.push_async_callback(_kill, process)
            output = await self._receive_output(process)
            status = await process.wait()
            on_failure.pop_all()
        if status != 0:
            how = f"ended with status {status}" if status > 0 else f"was killed by {signal.Signals(-status).name}"
            raise CloudError(Cause.TOKEN_COMMAND_FAILED, f"{self._name} {how}; its own words are in the journal")
        return output

    async def _receive_output(self, process: trio.Process) -> bytes:
        output = bytearray()
        assert process.stdout is not None  # noqa: S101 - asked for in open_process
        async with process.stdout:
            async for chunk in process.stdout:
                output += chunk
                if len(output) > ANSWER_LIMIT_BYTES:
                    raise CloudError(Cause.TOKEN_UNUSABLE, f"{self._name} printed more than {ANSWER_LIMIT_BYTES} bytes")
        return bytes(output)


async def _kill(process: trio.Process) -> None:
    """Kill a command that was not waited for, so that its number still is its own, with all it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with trio.move_on_after(KILL_LIMIT_S, shield=True):
        await process.wait()


def _web_page(status: int) -> CloudError:
    return CloudError(
        Cause.TOKEN_UNUSABLE,
        f"the token endpoint answered HTTP {status} with a web page: likely a captive portal, where somebody has to "
        "log this device in to the network; else check agent.token.url",
    )


def _is_json(body: bytes) -> bool:
    """Common frameworks call everything a web page that nobody called anything else."""
    try:
        json.loads(body)
    except _NOT_JSON:
        return False
    return True


def read_answer(
    answer: bytes, configuration: TokenConfiguration, *, requested_at_s: float, allow_plaintext: bool = False
) -> Token:
    """Take the token, and the address if `url_field` is set, out of an answer in JSON.

    Raises `CloudError` (`TOKEN_UNUSABLE`) for any bytes that do not carry them, and nothing else.
    """
    try:
        document = json.loads(answer)
    except _NOT_JSON:
        what = "is not JSON" if answer.strip() else "is empty"
        raise CloudError(Cause.TOKEN_UNUSABLE, f"the answer to the token request {what}") from None
    value = _text_at(document, configuration.token_field, "agent.token.token_field")
    if not configuration.url_field:
        return Token(value=value, requested_at_s=requested_at_s)
    url = _text_at(document, configuration.url_field, "agent.token.url_field")
    try:
        parse_address(url, schemes=("wss", "ws"), allow_plaintext=allow_plaintext)
    except ValueError as error:
        raise _unusable(configuration.url_field, "agent.token.url_field", str(error)) from None
    return Token(value=value, requested_at_s=requested_at_s, url=url)


def _text_at(document: object, path: str, setting: str) -> str:
    place = document
    for name in path.split("."):
        if not isinstance(place, dict) or name not in place:
            raise _unusable(path, setting, "is not there")
        place = place[name]
    if not isinstance(place, str):
        raise _unusable(path, setting, "is not a string")
    if not place:
        raise _unusable(path, setting, "is empty")
    return place


def _unusable(path: str, setting: str, what: str) -> CloudError:
    return CloudError(Cause.TOKEN_UNUSABLE, f"in the answer to the token request, {path!r} ({setting}) {what}")
