"""Credentials: read where they are, never shown, and told from those that only the service is given."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gatewayd.diagnosis.results import Step
from tests.diagnosis.patients import Patient, leading_to, service_at

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "dk7Rw2ZtYp4Nq8Bv1Xc6Mf3Js9Hg5LaEuTi0Od"


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


async def test_a_credential_in_a_file_is_used(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(SECRET)
    key.chmod(0o600)
    async with service_at(tmp_path, credential=SECRET) as service:
        chart = await Patient(tmp_path, leading_to(service, token=f"credential = {json.dumps(str(key))}")).examined()
    assert chart.told(Step.CREDENTIALS) == ("pass", "agent.token.credential can be read", None)
    assert chart.told(Step.TOKEN)[0] == "pass"
    assert SECRET not in repr(chart)


async def test_a_credential_that_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("another")
    key.chmod(0o600)
    async with service_at(tmp_path, credential=SECRET) as service:
        chart = await Patient(tmp_path, leading_to(service, token=f"credential = {json.dumps(str(key))}")).examined()
    verdict, text, advice = chart.told(Step.TOKEN)
    assert verdict == "fail"
    assert "HTTP 401: it refuses this device's credential" in text
    assert advice == "check the credential named by agent.token.credential, and that this device is still allowed"


async def test_a_file_that_everybody_can_read(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(SECRET)
    key.chmod(0o644)
    async with service_at(tmp_path) as service:
        chart = await Patient(tmp_path, leading_to(service, token=f"credential = {json.dumps(str(key))}")).examined()
    assert chart.told(Step.CREDENTIALS) == (
        "warn",
        f"agent.token.credential: every user of this device can read {key}",
        f"run `chmod 600 {key}`",
    )
    assert chart.told(Step.TOKEN)[0] == "pass"


@pytest.mark.parametrize("content", [None, "", "two\nlines", "x" * 9000])
async def test_a_file_that_holds_no_credential(tmp_path: Path, content: str | None) -> None:
    key = tmp_path / "key"
    if content is not None:
        key.write_text(content)
    async with service_at(tmp_path) as service:
        chart = await Patient(tmp_path, leading_to(service, token=f"credential = {json.dumps(str(key))}")).examined()
        assert service.token_requests == 0
    assert chart.told(Step.CREDENTIALS)[0] == "fail"
    assert chart.of(Step.CREDENTIALS).text.startswith(f"{key}: ")
    assert chart.told(Step.CONNECT)[0] == "pass"
    assert chart.told(Step.TOKEN)[0] == "skipped"


async def test_a_credential_that_only_the_service_is_given(tmp_path: Path) -> None:
    async with service_at(tmp_path) as service:
        chart = await Patient(tmp_path, leading_to(service, token='credential = "device-key"')).examined()
    assert chart.told(Step.CREDENTIALS) == (
        "warn",
        "agent.token.credential: systemd gives it to the service only, so it cannot be tried from here",
        "run this as root while the service runs: then it is read where systemd keeps it",
    )
    assert chart.told(Step.TOKEN)[0] == chart.told(Step.SESSION)[0] == "skipped"


async def test_the_running_service_s_credential_is_found(tmp_path: Path) -> None:
    kept = tmp_path / "service-credentials"
    kept.mkdir()
    (kept / "device-key").write_text(SECRET)
    (kept / "device-key").chmod(0o400)
    async with service_at(tmp_path, credential=SECRET) as service:
        chart = await Patient(tmp_path, leading_to(service, token='credential = "device-key"')).examined()
    assert chart.told(Step.CREDENTIALS)[0] == chart.told(Step.TOKEN)[0] == "pass"


async def test_a_certificate_that_is_not_there(tmp_path: Path) -> None:
    async with service_at(tmp_path) as service:
        agent = leading_to(service, ca_file=str(tmp_path / "nothing.pem"))
        chart = await Patient(tmp_path, agent).examined()
    verdict, text, _ = chart.told(Step.CREDENTIALS)
    assert verdict == "fail"
    assert "agent.ca_file: " in text
    assert "cannot be read: No such file or directory" in text
    for step in (Step.CONNECT, Step.HEARTBEAT, Step.TOKEN):
        assert chart.told(step) == ("skipped", "it needs credentials, which failed", None)
