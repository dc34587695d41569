from __future__ import annotations

import ssl
import stat
from typing import TYPE_CHECKING

import pytest
import trio

from gatewayd.sim.certificates import Authority, Flaw
from gatewayd.sim.service import SimOptions
from tests.sim.client import connect
from tests.sim.serving import serving

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_conversation_over_tls(tmp_path: Path) -> None:
    async with serving(SimOptions(tls=Authority(tmp_path).server_tls())) as service:
        assert service.ws_url.startswith("wss://127.0.0.1:")
        assert service.token_url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=service.ca_file)
        async with connect(service, trusting) as client:
            await client.become_ready(service)
            await client.send_frame()
            assert await client.next() == "binary 640"
            service.sessions[-1].close(4500)
            assert await client.transcript() == ["close 4500", "eof"]


@pytest.mark.parametrize(("flaw", "verify_code"), [(Flaw.WRONG_HOST, 64), (Flaw.EXPIRED, 10), (Flaw.NOT_YET_VALID, 9)])
async def test_every_flaw_is_what_a_client_sees(tmp_path: Path, flaw: Flaw, verify_code: int) -> None:
    async with serving(SimOptions(tls=Authority(tmp_path).server_tls(flaw=flaw))) as service:
        trusting = ssl.create_default_context(cafile=service.ca_file)
        with pytest.raises(trio.BrokenResourceError) as broken:
            async with connect(service, trusting):
                pass
        cause = broken.value.__cause__
        assert isinstance(cause, ssl.SSLCertVerificationError)
        assert cause.verify_code == verify_code


async def test_another_authority_is_not_trusted(tmp_path: Path) -> None:
    other = Authority(tmp_path, name="other.pem")
    async with serving(SimOptions(tls=Authority(tmp_path).server_tls())) as service:
        with pytest.raises(trio.BrokenResourceError):
            async with connect(service, ssl.create_default_context(cafile=str(other.ca_file))):
                pass


async def test_clients_may_have_to_show_a_certificate(tmp_path: Path) -> None:
    authority, devices = Authority(tmp_path), Authority(tmp_path, name="devices.pem")
    async with serving(SimOptions(tls=authority.server_tls(clients=devices))) as service:
        certificate = devices.client_certificate("lobby")
        assert stat.S_IMODE(certificate.key_file.stat().st_mode) == 0o600
        known = ssl.create_default_context(cafile=service.ca_file)
        known.load_cert_chain(certificate.certificate_file, certificate.key_file)
        async with connect(service, known) as client:
            await client.become_ready(service)
        async with connect(service, ssl.create_default_context(cafile=service.ca_file)) as stranger:
            assert not stranger.accepted
            assert await stranger.next() in ("reset", "eof")


async def test_no_tls_where_tls_is_spoken(tmp_path: Path) -> None:
    async with serving(SimOptions(tls=Authority(tmp_path).server_tls())) as service:
        async with connect(service) as client:
            assert not client.accepted
        trusting = ssl.create_default_context(cafile=service.ca_file)
        async with connect(service, trusting) as client:
            assert client.accepted
