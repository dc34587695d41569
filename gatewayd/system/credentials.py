"""Secrets from where systemd or a person put them; their value appears in no error.

systemd hands credentials to a unit as files in `$CREDENTIALS_DIRECTORY` (`LoadCredential=`, systemd.exec(5)). They are
read anew for every use, so that replacing the file is enough to change one.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gatewayd.errors import ConfigurationInvalid, Problem
from gatewayd.redaction import remember_secret

SIZE_LIMIT_BYTES = 8192
"""No longer than the header it is sent in may be: 8 KiB is what common HTTP servers take."""


def read_credential(name_or_path: str) -> str:
    """Read a credential: the name of a systemd credential, or an absolute path. One trailing newline is taken off.

    Raises `ConfigurationInvalid`, which names the file and what is wrong with it, never what is in it. Only regular
    files are opened, so that it never waits.
    """
    path = _locate(name_or_path)
    content = _read(path)
    for newline in (b"\n", b"\r"):
        content = content.removesuffix(newline)
    if not content:
        raise _invalid(path, "is empty; it must hold the credential on one line")
    if not all(0x21 <= byte <= 0x7E for byte in content):
        raise _invalid(path, "must be one line of printable ASCII characters without blanks")
    credential = content.decode("ascii")
    remember_secret(credential)
    return credential


def _locate(name_or_path: str) -> Path:
    path = Path(name_or_path)
    if path.is_absolute():
        return path
    if not name_or_path or name_or_path in (".", "..") or "/" in name_or_path:
        raise _invalid(name_or_path or "credential", "is neither the name of a systemd credential nor an absolute path")
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise _invalid(
            name_or_path,
            "is the name of a systemd credential, but none were handed to this process (CREDENTIALS_DIRECTORY is not "
            f"set); add LoadCredential={name_or_path}:/path/of/the/file to the unit, or give an absolute path",
        )
    return Path(directory, name_or_path)


def _read(path: Path) -> bytes:
    try:
        # a named pipe would otherwise wait for a writer and hold up the whole process
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name holds a NUL character"
        raise _invalid(path, f"cannot be read: {reason}") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _invalid(path, "is not a regular file")
        content = os.read(descriptor, SIZE_LIMIT_BYTES + 1)
    except OSError as error:
        raise _invalid(path, f"cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)
    if len(content) > SIZE_LIMIT_BYTES:
        raise _invalid(path, f"is larger than {SIZE_LIMIT_BYTES} bytes; it must hold nothing but the credential")
    return content


def _invalid(source: Path | str, what: str) -> ConfigurationInvalid:
    return ConfigurationInvalid([Problem(source=str(source), place="", what=what)])
