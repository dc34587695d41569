"""The TLS settings of the whole process: made once, used for every connection.

Verification is always on: there is no setting that turns it off. `ssl.create_default_context` would do nearly the same,
but it reads all of the system's certificates (60 ms and 1 MB, ten times the time on a small device), and it logs
session keys for whoever sets SSLKEYLOGFILE.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from gatewayd.errors import ConfigurationInvalid, Problem

SYSTEM_CERTIFICATES = ssl.get_default_verify_paths().openssl_capath
"""Where OpenSSL looks for the system's certificates."""


def make_tls_context(
    ca_file: str = "",
    client_cert: str = "",
    client_key: str = "",
    *,
    source: str = "configuration",
    system_certificates: str = SYSTEM_CERTIFICATES,
) -> ssl.SSLContext:
    """Trust the system's issuers and those in `ca_file`; show `client_cert` to servers that ask. TLS 1.2 and up.

    Paths of PEM files, empty for none; an empty `client_key` looks for the key in `client_cert`. Raises
    `ConfigurationInvalid` with every file that cannot be used; `source` is the file that named them.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which verifies certificate and host name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _trust_system(context, Path(system_certificates))
    problems = []
    if ca_file:
        problems += _problem(source, "agent.ca_file", _trust(context, ca_file))
    if client_cert:
        problems += _problem(source, "agent.client_cert", _show(context, client_cert, client_key))
    if problems:
        raise ConfigurationInvalid(problems)
    return context


def _trust_system(context: ssl.SSLContext, directory: Path) -> None:
    """A directory of certificates under the hashes of their names (Debian's, openssl-rehash(1)) is looked into when a
    certificate is wanted; elsewhere everything is read now.
    """
    if next(directory.glob("*.0"), None) is not None:
        context.load_verify_locations(capath=directory)
    else:
        context.set_default_verify_paths()


def _trust(context: ssl.SSLContext, ca_file: str) -> str | None:
    try:
        context.load_verify_locations(cafile=ca_file)
    except ssl.SSLError:
        return f"{ca_file} holds no certificates in PEM format"
    except OSError as error:
        return f"{ca_file} cannot be read: {error.strerror}"
    return None


def _show(context: ssl.SSLContext, certificate: str, key: str) -> str | None:
    files = f"{certificate} and {key}" if key else certificate
    try:
        context.load_cert_chain(certificate, key or None, password=_refuse_passphrase)
    except _PassphraseWanted:
        return f"the key in {key or certificate} wants a passphrase; store it without one"
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"{files} do not belong together: the key is another's"
        return f"{files} must hold a certificate and its private key in PEM format"
    except OSError as error:
        # OpenSSL does not say which of the two it could not open
        return f"{files} cannot be read: {error.strerror}"
    return None


class _PassphraseWanted(Exception):
    """OpenSSL would have asked at the terminal."""


def _refuse_passphrase() -> str:
    raise _PassphraseWanted


def _problem(source: str, place: str, what: str | None) -> list[Problem]:
    return [Problem(source, place, what)] if what else []
