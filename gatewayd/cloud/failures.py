"""What the system and OpenSSL say of a failed connection, told by its cause and in plain words."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from typing import TYPE_CHECKING

from gatewayd.errors import CloudError
from gatewayd.session.causes import Cause

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXPIRED, _NOT_YET_VALID = 10, 9
_SELF_SIGNED = (18, 19)
_UNKNOWN_ISSUER = (2, 20, 21)
_HOST_MISMATCH = (62, 64)
"""X509_V_ERR_… of openssl/x509_vfy.h."""

_TLS_REASONS = {
    "WRONG_VERSION_NUMBER": "the other end does not speak TLS on this port; check scheme and port",
    "HTTP_REQUEST": "the other end does not speak TLS on this port; check scheme and port",
    "UNSUPPORTED_PROTOCOL": "the other end speaks no version of TLS from 1.2 up",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the other end speaks no version of TLS from 1.2 up",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the other end wants a client certificate (agent.client_cert)",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the other end refused the handshake; it may want a client certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the other end refused the client certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the other end says that the client certificate has expired",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "the other end says that the client certificate was revoked",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the other end refused the client certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "the other end does not know the issuer of the client certificate",
    "TLSV1_UNRECOGNIZED_NAME": "the other end does not know this host name",
    "UNEXPECTED_EOF_WHILE_READING": "the other end hung up during the handshake",
}
"""By `ssl.SSLError.reason`; anything else is shown as OpenSSL writes it."""


def resolving_failed(host: str, error: OSError | ValueError) -> CloudError:
    """For what getaddrinfo raised; a `ValueError` means a name that cannot even be asked for."""
    if isinstance(error, ValueError):
        return CloudError(Cause.DNS_FAILED, f"{host} is not a possible host name")
    if error.errno == socket.EAI_AGAIN:
        return CloudError(
            Cause.DNS_FAILED, f"cannot resolve {host}: no DNS server answered; check this device's network"
        )
    return CloudError(Cause.DNS_FAILED, f"cannot resolve {host}: {error.strerror}; check the address")


def connecting_failed(host: str, port: int, errors: Sequence[OSError]) -> CloudError:
    """For the errors of all addresses of a host; a refusal tells most, because the host was there to say it."""
    place = f"{host} port {port}"
    for error in errors:
        if error.errno == errno.ECONNREFUSED:
            return CloudError(Cause.CONNECT_REFUSED, f"{place} refused the connection: nothing listens there")
    for error in errors:
        if error.errno == errno.ETIMEDOUT:
            return CloudError(Cause.CONNECT_TIMED_OUT, f"{place} does not answer")
    return CloudError(Cause.CONNECT_FAILED, f"cannot connect to {place}: {_words(errors[0])}")


def securing_failed(host: str, error: BaseException) -> CloudError:
    """For what a TLS handshake raised; the reason may lie in the chain of causes."""
    reason = _root(error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return _certificate_refused(host, reason)
    if isinstance(reason, ssl.SSLError):
        return CloudError(Cause.TLS_FAILED, f"no TLS with {host}: {_tls_words(reason)}")
    if isinstance(reason, OSError):
        return CloudError(Cause.TLS_FAILED, f"no TLS with {host}: {_words(reason)} during the handshake")
    return CloudError(Cause.TLS_FAILED, f"no TLS with {host}: the other end hung up during the handshake")


def connection_broke(error: BaseException) -> CloudError:
    """For a stream that broke after it was open.

    With TLS 1.3 a server refuses a client's certificate only then, so that this may still be `TLS_FAILED`.
    """
    reason = _root(error)
    if isinstance(reason, ssl.SSLError):
        return CloudError(Cause.TLS_FAILED, f"the connection broke: {_tls_words(reason)}")
    if isinstance(reason, OSError):
        return CloudError(Cause.CONNECTION_LOST, f"the connection broke: {_words(reason)}")
    return CloudError(Cause.CONNECTION_LOST, "the connection broke")


def _certificate_refused(host: str, error: ssl.SSLCertVerificationError) -> CloudError:
    code = error.verify_code
    if code == _NOT_YET_VALID:
        return CloudError(
            Cause.CERTIFICATE_NOT_YET_VALID,
            f"the certificate of {host} is not yet valid by this device's clock; is the clock set?",
        )
    if code == _EXPIRED:
        what = "has expired by this device's clock"
    elif code in _HOST_MISMATCH:
        what = "is for another host: a wrong address, or a captive portal"
    elif code in _SELF_SIGNED:
        what = (
            "comes from an issuer that this device does not trust (self-signed); a private issuer goes in agent.ca_file"
        )
    elif code in _UNKNOWN_ISSUER:
        what = "comes from an issuer that this device does not trust; a private issuer goes in agent.ca_file"
    else:
        what = f"is not valid: {error.verify_message}"
    return CloudError(Cause.CERTIFICATE_INVALID, f"the certificate of {host} {what}")


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _tls_words(error: ssl.SSLError) -> str:
    reason = error.reason or ""
    if isinstance(error, ssl.SSLEOFError):
        reason = "UNEXPECTED_EOF_WHILE_READING"
    return _TLS_REASONS.get(reason, reason.replace("_", " ").lower() or "TLS failed for a reason that OpenSSL keeps")


def _words(error: OSError) -> str:
    return error.strerror or (os.strerror(error.errno) if error.errno else "for an unknown reason")
