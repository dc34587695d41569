"""A real daemon's numbers: every metric there is comes from somewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from gatewayd.metrics.catalogue import FAMILIES
from tests.endtoend.running import daemon, run_command, voice_service, write_configuration
from tests.endtoend.test_daemon import MONO_16K, noise
from tests.metrics.test_exposition import parse_openmetrics

if TYPE_CHECKING:
    from pathlib import Path

    from tests.softcard.card import SoundRack

SECRETS = re.compile(r"[Bb]earer|eyJ|token-|sk-")
KNOWN_LATER = {"gatewayd_capture_measured_rate_hertz", "gatewayd_session_next_attempt_seconds"}
"""What a daemon does not know in its first seconds, or only while it waits."""


@pytest.mark.slow
async def test_every_metric_is_there_in_a_real_daemon(tmp_path: Path, sound_rack: SoundRack) -> None:
    card = sound_rack.plug_in("Array", MONO_16K)
    card.play_in(noise(30))
    async with voice_service(tmp_path) as service:
        setting = write_configuration(tmp_path, service, card)
        async with daemon(setting) as running:
            await running.wait_state("agent_ready")
            await running.wait_until(lambda station: station["capture"]["level_dbfs"] is not None)
            await (await service.wait_session()).wait_heard(20)
            code, text, errors = await run_command(setting, "metrics", "--config", str(setting.configuration))
            assert (code, errors) == (0, "")
            await running.stop()
    found = {metric.name: metric for metric in parse_openmetrics(text)}
    samples = {
        (s.name, *(label for _, label in sorted(s.labels.items()))): s.value
        for metric in found.values()
        for s in metric.samples
    }
    assert {family.name for family in FAMILIES} - set(found) <= KNOWN_LATER | {"gatewayd_session_ends"}
    assert samples["gatewayd_session_ready_seconds_count", "main"] == 1
    assert samples["gatewayd_session_token_seconds_count", "main"] == 1
    assert samples["gatewayd_session_connects_total", "main"] == 1
    assert samples["gatewayd_session_frame_age_seconds_count", "main"] >= 20
    assert samples["gatewayd_session_frame_age_seconds_bucket", "0.1", "main"] >= 1
    assert samples["gatewayd_capture_level_dbfs_bucket", "+Inf", "main"] >= 1
    assert samples["gatewayd_capture_digital_zero_seconds_total", "main"] == 0
    assert 20e6 < samples["gatewayd_resident_memory_bytes",] < 100e6
    assert samples["gatewayd_open_files",] > 5
    assert not SECRETS.search(text)
