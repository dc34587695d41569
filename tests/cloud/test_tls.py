"""TLS against real handshakes: a certificate is refused at once, and told as what is wrong with it."""

from __future__ import annotations

import socket
import ssl
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
import trio
import trustme

from gatewayd.cloud.dial import TcpDialer
from gatewayd.cloud.tls import make_tls_context
from gatewayd.errors import CloudError, ConfigurationInvalid
from gatewayd.session.causes import Cause
from tests.cloud.peers import answering, client_tls, listening, server_tls, silent

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cloud.peers import Behaviour

NOW = datetime.now(timezone.utc)
YEAR = timedelta(days=365)


async def greet(stream: trio.abc.Stream) -> None:
    await stream.send_all(b"hello")


async def failure(behaviour: Behaviour, *, trusting: trustme.CA, tls: ssl.SSLContext | None) -> CloudError:
    dialer = TcpDialer(tls_context=client_tls(trusting))
    async with listening(behaviour, tls=tls) as port:
        with pytest.raises(CloudError) as caught:
            async with dialer.dial(host="127.0.0.1", port=port, tls=True):
                pass
    return caught.value


async def test_a_trusted_certificate_for_this_host(authority: trustme.CA, no_descriptor_left: None) -> None:
    dialer = TcpDialer(tls_context=client_tls(authority))
    async with (
        listening(greet, tls=server_tls(authority.issue_cert("127.0.0.1"))) as port,
        dialer.dial(host="127.0.0.1", port=port, tls=True) as stream,
    ):
        assert await stream.receive_some(100) == b"hello"


async def test_the_dot_of_a_complete_host_name_is_no_mismatch(authority: trustme.CA) -> None:
    # /etc/hosts knows no complete names
    dialer = TcpDialer(
        tls_context=client_tls(authority),
        resolver=lambda host, port, *, type, flags: socket.getaddrinfo("127.0.0.1", port, type=type, flags=flags),  # noqa: A006 - its name there
    )
    async with (
        listening(greet, tls=server_tls(authority.issue_cert("voice.example.com"))) as port,
        dialer.dial(host="voice.example.com.", port=port, tls=True) as stream,
    ):
        assert await stream.receive_some(100) == b"hello"


async def test_an_unknown_issuer(authority: trustme.CA, no_descriptor_left: None) -> None:
    error = await failure(greet, trusting=trustme.CA(), tls=server_tls(authority.issue_cert("127.0.0.1")))
    assert error.cause is Cause.CERTIFICATE_INVALID
    assert error.detail == (
        "the certificate of 127.0.0.1 comes from an issuer that this device does not trust; "
        "a private issuer goes in agent.ca_file"
    )


async def test_the_system_s_certificates_are_found_by_the_hash_of_their_name(
    authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    await trio.run_process(["openssl", "rehash", str(tmp_path)])
    context = make_tls_context(system_certificates=str(tmp_path))
    assert context.cert_store_stats()["x509"] == 0, "nothing is read before it is wanted"
    async with (
        listening(greet, tls=server_tls(authority.issue_cert("127.0.0.1"))) as port,
        TcpDialer(tls_context=context).dial(host="127.0.0.1", port=port, tls=True) as stream,
    ):
        assert await stream.receive_some(100) == b"hello"


def test_a_system_without_hashed_certificates_has_them_read_at_once(tmp_path: Path) -> None:
    context = make_tls_context(system_certificates=str(tmp_path / "nowhere"))
    by_default = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    by_default.set_default_verify_paths()
    assert context.cert_store_stats() == by_default.cert_store_stats()


def test_verification_is_on_and_session_keys_are_told_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    context = make_tls_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.keylog_filename is None


async def test_another_host_s_certificate(authority: trustme.CA) -> None:
    error = await failure(greet, trusting=authority, tls=server_tls(authority.issue_cert("voice.example.com")))
    assert error.cause is Cause.CERTIFICATE_INVALID
    assert error.detail == "the certificate of 127.0.0.1 is for another host: a wrong address, or a captive portal"


async def test_an_expired_certificate(authority: trustme.CA) -> None:
    certificate = authority.issue_cert("127.0.0.1", not_before=NOW - 2 * YEAR, not_after=NOW - YEAR)
    error = await failure(greet, trusting=authority, tls=server_tls(certificate))
    assert error.cause is Cause.CERTIFICATE_INVALID
    assert error.detail == "the certificate of 127.0.0.1 has expired by this device's clock"


async def test_a_certificate_from_the_future_points_to_the_clock(authority: trustme.CA) -> None:
    certificate = authority.issue_cert("127.0.0.1", not_before=NOW + YEAR, not_after=NOW + 2 * YEAR)
    error = await failure(greet, trusting=authority, tls=server_tls(certificate))
    assert error.cause is Cause.CERTIFICATE_NOT_YET_VALID
    assert "is the clock set?" in error.detail


async def test_a_server_without_tls_on_the_port(authority: trustme.CA) -> None:
    async def refuse_in_http(stream: trio.abc.Stream) -> None:
        await stream.receive_some(4096)
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await silent(stream)

    error = await failure(refuse_in_http, trusting=authority, tls=None)
    assert error.cause is Cause.TLS_FAILED
    assert "does not speak TLS on this port" in error.detail


async def test_a_server_that_hangs_up_in_the_handshake(authority: trustme.CA) -> None:
    async def hang_up(stream: trio.abc.Stream) -> None:
        await stream.receive_some(4096)

    error = await failure(hang_up, trusting=authority, tls=None)
    assert error.cause is Cause.TLS_FAILED
    assert "during the handshake" in error.detail


async def test_a_server_of_the_last_century(authority: trustme.CA) -> None:
    async def alert(stream: trio.abc.Stream) -> None:
        await stream.receive_some(4096)
        await stream.send_all(b"\x15\x03\x01\x00\x02\x02\x46")  # RFC 5246, 7.2: fatal, protocol_version
        await silent(stream)

    error = await failure(alert, trusting=authority, tls=None)
    assert error.cause is Cause.TLS_FAILED
    assert "no version of TLS from 1.2 up" in error.detail


async def test_a_client_certificate_is_shown(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    ours = authority.issue_cert("lobby")
    ours.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    ours.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    context = make_tls_context(*(str(tmp_path / name) for name in ("ca.pem", "cert.pem", "key.pem")))
    strict = server_tls(authority.issue_cert("127.0.0.1"))
    authority.configure_trust(strict)
    strict.verify_mode = ssl.CERT_REQUIRED
    dialer = TcpDialer(tls_context=context)
    async with (
        listening(answering(b"hello"), tls=strict) as port,
        dialer.dial(host="127.0.0.1", port=port, tls=True) as stream,
    ):
        await stream.send_all(b"\r\n\r\n")
        assert await stream.receive_some(100) == b"hello"


def test_verification_is_on_and_old_versions_are_off() -> None:
    context = make_tls_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def problems(*files: Path | str) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as caught:
        make_tls_context(*map(str, files), source="gatewayd.toml")
    return str(caught.value).splitlines()


def test_files_that_are_not_there_are_all_named(tmp_path: Path) -> None:
    ca, certificate, key = tmp_path / "ca", tmp_path / "cert", tmp_path / "key"
    assert problems(ca, certificate, key) == [
        f"gatewayd.toml: agent.ca_file: {ca} cannot be read: No such file or directory",
        f"gatewayd.toml: agent.client_cert: {certificate} and {key} cannot be read: No such file or directory",
    ]


def test_files_that_hold_something_else(tmp_path: Path, authority: trustme.CA) -> None:
    text = tmp_path / "text"
    text.write_text("certainly")
    assert problems(text, text) == [
        f"gatewayd.toml: agent.ca_file: {text} holds no certificates in PEM format",
        f"gatewayd.toml: agent.client_cert: {text} must hold a certificate and its private key in PEM format",
    ]


def test_a_key_of_another_certificate(tmp_path: Path, authority: trustme.CA) -> None:
    certificate, key = tmp_path / "cert", tmp_path / "key"
    authority.issue_cert("lobby").cert_chain_pems[0].write_to_path(str(certificate))
    authority.issue_cert("hall").private_key_pem.write_to_path(str(key))
    assert problems("", certificate, key) == [
        f"gatewayd.toml: agent.client_cert: {certificate} and {key} do not belong together: the key is another's"
    ]


def test_a_key_with_a_passphrase_asks_nobody(tmp_path: Path, authority: trustme.CA) -> None:
    from cryptography.hazmat.primitives import serialization as pem  # noqa: PLC0415 - for this test alone

    certificate, key = tmp_path / "cert", tmp_path / "key"
    ours = authority.issue_cert("lobby")
    ours.cert_chain_pems[0].write_to_path(str(certificate))
    private = pem.load_pem_private_key(ours.private_key_pem.bytes(), None)
    locked = pem.BestAvailableEncryption(b"opensesame")
    key.write_bytes(private.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, locked))
    assert problems("", certificate, key) == [
        f"gatewayd.toml: agent.client_cert: the key in {key} wants a passphrase; store it without one"
    ]
