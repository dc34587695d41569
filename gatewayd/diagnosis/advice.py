"""The one thing to do about an error, as an order to a person."""

from __future__ import annotations

from gatewayd.errors import (
    CloudError,
    ConfigurationInvalid,
    DeviceAmbiguous,
    DeviceBusy,
    DeviceDenied,
    DeviceError,
    DeviceLost,
    DeviceMissing,
    DeviceRefused,
    DeviceStalled,
    GatewayError,
)
from gatewayd.session.causes import ADVICE, Cause

SET_CLOCK = "set the clock: `timedatectl set-ntp true`, and let this device reach a time server"
REPORT = "look at what it says, and run this again; `gatewayd bundle FILE` collects what support needs"

_DEVICE: tuple[tuple[type[DeviceError], str], ...] = (
    (DeviceMissing, "plug the card in, and see `gatewayd devices` for what is there"),
    (DeviceAmbiguous, "say in the station's table which card is meant: `gatewayd devices` names the ports"),
    (DeviceBusy, "stop the program that holds it (`fuser -v /dev/snd/*` as root names it)"),
    (DeviceDenied, "run this as root, or add this user to the group that may: `usermod -aG audio USER`"),
    (DeviceRefused, "set rate_hz, format and channels of the station to what `gatewayd devices` says it offers"),
    (DeviceLost, "plug it in again, and look at `dmesg` for what its driver says"),
    (DeviceStalled, "unplug the card and plug it in again; if that does not help, restart the device"),
)
_CLOUD = {
    Cause.DNS_FAILED: "check the network of this device, and the host name in the configuration",
    Cause.CONNECT_REFUSED: "check host and port in the configuration; the host is there, and nothing listens",
    Cause.CONNECT_FAILED: "check the network of this device: `ip route` and `ip address`",
    Cause.CONNECT_TIMED_OUT: "check whether a firewall of this network drops what this device sends",
    Cause.PROXY_FAILED: "check agent.proxy, and that the proxy runs",
    Cause.TLS_FAILED: "check scheme and port of the address, and agent.client_cert if the service wants one",
    Cause.CERTIFICATE_NOT_YET_VALID: SET_CLOCK,
    Cause.CLOCK_NOT_SET: SET_CLOCK,
    Cause.TOKEN_UNAVAILABLE: "check agent.token.url and method; if they are right, ask whoever runs that endpoint",
    Cause.TOKEN_TIMED_OUT: "ask whoever runs the token endpoint why it is slow, or raise agent.token.timeout_s",
    Cause.TOKEN_EXPIRED: "check the link of this device: connecting took longer than the token is good for",
    Cause.TOKEN_COMMAND_FAILED: "run agent.token.command by hand as the service's user, and see why it fails",
    Cause.UPGRADE_FAILED: "check agent.url: what answers there is no WebSocket of the voice service",
    Cause.SESSION_SETUP_FAILED: "run this again in a minute; if it stays so, ask whoever runs the voice service",
    Cause.CONNECTED_TIMED_OUT: "ask whoever runs the voice service why it does not answer a token",
    Cause.AGENT_READY_TIMED_OUT: "ask whoever runs the agent: the service took the session, and no agent came",
    Cause.SESSION_ENDED: "ask whoever runs the agent why it ends sessions at once",
    Cause.SERVER_SHUT_DOWN: "run this again in a minute: the service is restarting",
    Cause.CONNECTION_LOST: "check the link of this device; what broke may be a proxy or firewall between",
}


def advice(error: GatewayError) -> str:
    """What a person is to do about `error`."""
    if isinstance(error, CloudError):
        return about_cause(error.cause)
    if isinstance(error, DeviceError):
        return next((order for kind, order in _DEVICE if isinstance(error, kind)), REPORT)
    if isinstance(error, ConfigurationInvalid):
        return "correct it; `gatewayd check` tells all that is wrong at once"
    return REPORT


def about_cause(cause: Cause) -> str:
    """What a person is to do about an end of this cause."""
    return _CLOUD.get(cause) or ADVICE.get(cause) or REPORT
