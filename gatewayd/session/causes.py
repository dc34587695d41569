"""Why an attempt or a session ended: one closed list, from which policy, status and log all speak."""

from __future__ import annotations

from enum import Enum


class Cause(str, Enum):
    """What ended an attempt or a session; the value is what status and log show."""

    # the way to a host, whether for the token or for the WebSocket
    DNS_FAILED = "dns_failed"
    CONNECT_REFUSED = "connect_refused"
    CONNECT_FAILED = "connect_failed"
    CONNECT_TIMED_OUT = "connect_timed_out"
    PROXY_FAILED = "proxy_failed"
    PROXY_REFUSED = "proxy_refused"
    TLS_FAILED = "tls_failed"
    CERTIFICATE_INVALID = "certificate_invalid"
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid"
    CLOCK_NOT_SET = "clock_not_set"  # the same, while this device does not know the time

    # the token
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a cause, not a secret: 401 or 403 from the token endpoint
    TOKEN_UNAVAILABLE = "token_unavailable"  # noqa: S105 - any other status, 429 and 5xx among them
    TOKEN_UNUSABLE = "token_unusable"  # noqa: S105 - an answer that is no token: not JSON, too large, field missing
    TOKEN_TIMED_OUT = "token_timed_out"  # noqa: S105
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - too old by the time it could have been used
    TOKEN_COMMAND_FAILED = "token_command_failed"  # noqa: S105

    # the WebSocket handshake
    UPGRADE_REFUSED = "upgrade_refused"
    UPGRADE_FAILED = "upgrade_failed"

    # said by the service: error codes and close codes
    AUTH_TIMED_OUT = "auth_timed_out"
    AUTH_MALFORMED = "auth_malformed"
    AUTH_REJECTED = "auth_rejected"
    SESSION_SETUP_FAILED = "session_setup_failed"
    SERVER_ERROR = "server_error"
    SESSION_ENDED = "session_ended"
    SERVER_SHUT_DOWN = "server_shut_down"
    CLOSED_NORMALLY = "closed_normally"
    CLOSED_ABNORMALLY = "closed_abnormally"

    # noticed here
    CONNECTION_LOST = "connection_lost"
    PROTOCOL_VIOLATED = "protocol_violated"
    CONNECTED_TIMED_OUT = "connected_timed_out"
    AGENT_READY_TIMED_OUT = "agent_ready_timed_out"
    SEND_TIMED_OUT = "send_timed_out"
    PING_TIMED_OUT = "ping_timed_out"
    DRIVER_OVERDUE = "driver_overdue"

    # asked for here
    DEVICE_LOST = "device_lost"
    STOPPED = "stopped"
    SHUT_DOWN = "shut_down"


ADVICE = {
    Cause.AUTH_TIMED_OUT: "this device or its link is too slow to send its token in time",
    Cause.CERTIFICATE_NOT_YET_VALID: "check the service's certificate; this device's clock is synchronised",
    Cause.PROXY_REFUSED: "check agent.proxy and agent.proxy_credential, and that the proxy lets this device through",
    Cause.TOKEN_REFUSED: "check the credential named by agent.token.credential, and that this device is still allowed",
    Cause.AUTH_REJECTED: "check that agent.token.url and agent.url belong to the same service, and the device's clock",
    Cause.AUTH_MALFORMED: "check agent.token.token_field: what it names is not a token of this service",
    Cause.UPGRADE_REFUSED: "check agent.url, and that this device is still allowed",
    Cause.CERTIFICATE_INVALID: "check agent.url and agent.ca_file; verification is never turned off",
    Cause.TOKEN_UNUSABLE: "check agent.token.url, token_field and url_field against the answer of the service",
}
"""What a person can do about a cause that does not pass by itself."""
