"""Texts of libasound, told apart."""

from __future__ import annotations

import errno
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayd.errors import DeviceBusy, DeviceDenied, DeviceError, DeviceLost, DeviceMissing, DeviceRefused
from gatewayd.hardware.failures import opening_failure, stream_failure


@pytest.mark.parametrize(
    ("code", "kind", "advice"),
    [
        (errno.ENOENT, DeviceMissing, "`gatewayd devices`"),
        (errno.ENODEV, DeviceMissing, "`gatewayd devices`"),
        (errno.ENXIO, DeviceMissing, "`gatewayd devices`"),
        (errno.EBUSY, DeviceBusy, "`fuser -v /dev/snd/*`"),
        (errno.EAGAIN, DeviceBusy, "`fuser -v /dev/snd/*`"),
        (errno.EACCES, DeviceDenied, "`usermod -aG audio USER`"),
        (errno.EPERM, DeviceDenied, "`DeviceAllow=char-alsa rw`"),
        (errno.EINVAL, DeviceRefused, "`gatewayd devices`"),
        (errno.EIO, DeviceLost, "failed"),
    ],
)
def test_a_failure_to_open_says_what_to_do(code: int, kind: type[DeviceError], advice: str) -> None:
    error = opening_failure("hw:0", os.strerror(code), "")
    assert type(error) is kind
    assert advice in error.detail
    assert os.strerror(code) in error.detail


@pytest.mark.parametrize(
    ("holder", "advice"),
    [
        ("pulseaudio (process 12)", "PULSE_IGNORE=1 keeps it off this one"),
        ("pipewire (process 12)", "ACP_IGNORE=1 keeps it off this one"),
        ("wireplumber (process 12)", "ACP_IGNORE=1 keeps it off this one"),
        ("pipewire-media- (process 12)", "ACP_IGNORE=1 keeps it off this one"),
        ("gatewayd (process 12)", "`systemctl stop gatewayd`"),
        ("gatewayd itself", "give each station a device of its own"),
        ("arecord (process 12), aplay (process 13)", "stop it, or give gatewayd another device"),
        ("process 12", "stop it, or give gatewayd another device"),
    ],
)
def test_a_busy_device_names_its_holder_and_how_it_is_got_back(holder: str, advice: str) -> None:
    busy = os.strerror(errno.EBUSY)
    error = opening_failure("hw:0", busy, "", holder=holder)
    assert type(error) is DeviceBusy
    assert error.detail.startswith(f"{holder} holds it; ")
    assert advice in error.detail
    assert error.detail.endswith(f"({busy})")


def test_a_denied_device_names_the_group_that_may_open_it() -> None:
    error = opening_failure("hw:0", os.strerror(errno.EACCES), "", group="sound")
    assert type(error) is DeviceDenied
    assert error.detail == (
        "no permission; add this user to group `sound` (`usermod -aG sound USER`), then start gatewayd anew "
        "(Permission denied)"
    )


def test_nobody_is_told_to_join_roots_own_group() -> None:
    error = opening_failure("hw:0", os.strerror(errno.EACCES), "", group="root")
    assert type(error) is DeviceDenied
    assert "usermod" not in error.detail
    assert "a udev rule gives sound devices to group `audio`" in error.detail


def test_holder_and_group_change_no_other_failure() -> None:
    for code in (errno.ENODEV, errno.EPERM, errno.EIO):
        plain = opening_failure("hw:0", os.strerror(code), "")
        told = opening_failure("hw:0", os.strerror(code), "", holder="arecord (process 12)", group="audio")
        assert (type(plain), plain.detail) == (type(told), told.detail)


def test_what_else_libasound_said_stands_beside_the_error() -> None:
    error = opening_failure("front-desk", os.strerror(errno.ENOENT), "Unknown PCM front-desk")
    assert error.detail.endswith("(No such file or directory; Unknown PCM front-desk)")


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (errno.ENODEV, "unplugged"),
        (errno.EBADFD, "unplugged"),
        (errno.EIO, "failed transfer"),
        (errno.ESTRPIPE, "suspended"),
        (errno.ENOMEM, "it failed"),
    ],
)
def test_an_open_stream_that_fails_is_a_lost_device(code: int, meaning: str) -> None:
    error = stream_failure("hw:0", os.strerror(code), "")
    assert type(error) is DeviceLost
    assert meaning in error.detail


@settings(deadline=None)
@given(st.text(), st.text())
def test_any_text_is_an_error_that_repeats_it(text: str, explanation: str) -> None:
    for error in (opening_failure("hw:0", text, explanation), stream_failure("hw:0", text, explanation)):
        assert isinstance(error, DeviceError)
        assert text in error.detail
        assert explanation in error.detail
