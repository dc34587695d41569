from __future__ import annotations

from tests.control.conftest import socket_path

__all__ = ["socket_path"]
