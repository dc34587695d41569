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
        (errno.ENOENT, DeviceMissing, "`cat /proc/asound/cards`"),
        (errno.ENODEV, DeviceMissing, "`cat /proc/asound/cards`"),
        (errno.ENXIO, DeviceMissing, "`cat /proc/asound/cards`"),
        (errno.EBUSY, DeviceBusy, "`fuser -v /dev/snd/*`"),
        (errno.EAGAIN, DeviceBusy, "`fuser -v /dev/snd/*`"),
        (errno.EACCES, DeviceDenied, "`usermod -aG audio USER`"),
        (errno.EPERM, DeviceDenied, "`DeviceAllow=char-alsa rw`"),
        (errno.EINVAL, DeviceRefused, "`arecord --dump-hw-params`"),
        (errno.EIO, DeviceLost, "failed"),
    ],
)
def test_a_failure_to_open_says_what_to_do(code: int, kind: type[DeviceError], advice: str) -> None:
    error = opening_failure("hw:0", os.strerror(code), "")
    assert type(error) is kind
    assert advice in error.detail
    assert os.strerror(code) in error.detail


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
