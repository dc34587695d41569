"""Certificates for the local service, good ones and bad ones, made on the spot and never kept beyond a test or a run.

Needs trustme (`pip install gatewayd[sim]`), imported only when a certificate is made.
"""

from __future__ import annotations

import datetime as dt
import ssl
from enum import Enum
from typing import TYPE_CHECKING

from gatewayd.errors import Unavailable
from gatewayd.lean import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    import trustme

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_DAY = dt.timedelta(days=1)


class Flaw(str, Enum):
    """What is wrong with a certificate."""

    NONE = "none"
    WRONG_HOST = "wrong_host"
    """Issued for `wrong.invalid`."""
    EXPIRED = "expired"
    """Ended yesterday."""
    NOT_YET_VALID = "not_yet_valid"
    """Begins tomorrow; what a device sees whose clock is not set."""


@dataclass(frozen=True)
class ServerTls:
    """What a service needs to speak TLS."""

    context: ssl.SSLContext
    ca_file: Path


@dataclass(frozen=True)
class ClientCertificate:
    """For mutual TLS: PEM files of a client's certificate chain and its key."""

    certificate_file: Path
    key_file: Path


class Authority:
    """A certificate authority of one's own; its certificate is written to `directory/ca.pem`.

    Raises `Unavailable` where trustme is not installed, `OSError` where `directory` cannot be written.
    """

    def __init__(self, directory: Path, *, name: str = "ca.pem") -> None:
        try:
            import trustme  # noqa: PLC0415 - an optional extra that only TLS needs
        except ImportError:
            raise Unavailable(
                "making certificates needs trustme, which is not installed; run: pip install 'gatewayd[sim]'"
            ) from None
        self._directory = directory
        self._authority = trustme.CA(organization_name="gatewayd local voice service")
        self.ca_file = directory / name
        self.ca_file.write_bytes(self._authority.cert_pem.bytes())

    def server_tls(self, *hosts: str, flaw: Flaw = Flaw.NONE, clients: Authority | None = None) -> ServerTls:
        """A server's TLS with a fresh certificate for `hosts` (left out: loopback).

        With `clients`, only clients with a certificate of that authority are let in.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._issue(hosts or LOOPBACK, flaw).configure_cert(context)
        if clients is not None:
            context.load_verify_locations(clients.ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
        return ServerTls(context, self.ca_file)

    def client_certificate(self, name: str = "device") -> ClientCertificate:
        """A client's certificate and key, written to `directory` as `NAME.pem` and `NAME.key` (mode 600)."""
        leaf = self._authority.issue_cert(f"{name}.invalid", common_name=name)
        certificate_file, key_file = self._directory / f"{name}.pem", self._directory / f"{name}.key"
        certificate_file.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        key_file.touch(mode=0o600)
        key_file.write_bytes(leaf.private_key_pem.bytes())
        return ClientCertificate(certificate_file, key_file)

    def _issue(self, hosts: tuple[str, ...], flaw: Flaw) -> trustme.LeafCert:
        now = dt.datetime.now(dt.timezone.utc)
        if flaw is Flaw.WRONG_HOST:
            return self._authority.issue_cert("wrong.invalid")
        if flaw is Flaw.EXPIRED:
            return self._authority.issue_cert(*hosts, not_before=now - 30 * _DAY, not_after=now - _DAY)
        if flaw is Flaw.NOT_YET_VALID:
            return self._authority.issue_cert(*hosts, not_before=now + _DAY, not_after=now + 30 * _DAY)
        return self._authority.issue_cert(*hosts)
