"""The device's key: handed over in either way, and seen nowhere."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.container.device import CREDENTIAL_FILE, CREDENTIAL_NAME, UNIT

if TYPE_CHECKING:
    from tests.container.device import Device
    from tests.container.voice import VoiceService
    from tests.vm.guest.transcript import Transcript

CONVERSING_S = 15.0
_ENCRYPTED = f"/etc/credstore.encrypted/{CREDENTIAL_NAME}"
_PLAIN_AGAIN = "/root/device-key"
_FOLDERS = ("/etc", "/opt", "/root", "/run", "/srv", "/tmp", "/usr/lib/gatewayd", "/var")
_BUNDLE = "/root/bundle.tar.gz"
_IN_BUNDLE = ("doctor.json", "journal.jsonl", "manifest.json", "status.json", "system.json", "unit.txt")


def encrypted(transcript: Transcript, device: Device, voice: VoiceService, credential: str) -> None:
    """Encrypted with the host's key (systemd-creds), in place of the plain file."""
    transcript.note("an encrypted credential instead of the plain file, which the service took so far")
    device.run("mkdir", "--parents", str(Path(_ENCRYPTED).parent))
    made = device.run(
        "systemd-creds", "encrypt", "--with-key=host", f"--name={CREDENTIAL_NAME}", "-", _ENCRYPTED, given=credential
    )
    transcript.check("systemd-creds encrypts it", made.exit_code == 0, made.stderr.strip().splitlines()[-1:])
    device.machine.inside(CREDENTIAL_FILE).unlink()
    device.drop_in("credentials", f"[Service]\nLoadCredentialEncrypted={CREDENTIAL_NAME}:{_ENCRYPTED}\n")
    before = voice.sessions()
    code = device.run("systemctl", "restart", UNIT).exit_code
    transcript.check("it restarts", code == 0, f"systemctl: {code}")
    transcript.within(CONVERSING_S, "all agents are ready", device.conversing)
    transcript.check("the service took it", voice.sessions() == before + 2, f"{voice.sessions() - before} sessions")


def nowhere(transcript: Transcript, device: Device, credential: str) -> None:
    """Looked for in all that a person or a program can read; put into one file first, to see that it would be found."""
    transcript.note("look for the credential")
    device.write(_PLAIN_AGAIN, credential, mode=0o600)
    device.run("gatewayd", "bundle", "--force", _BUNDLE)
    found = device.run(
        "grep", "-rlF", "--devices=skip", "--file=-", *_FOLDERS, given=credential, limit_s=120
    ).stdout.split()
    transcript.check("one that was put there is found", _PLAIN_AGAIN in found, _PLAIN_AGAIN)
    handed_over = (_PLAIN_AGAIN, "/run/credentials/")
    others = [path for path in found if not path.startswith(handed_over)]
    transcript.check(f"no file below {', '.join(_FOLDERS)} has it", not others, ", ".join(others) or "none")
    with tarfile.open(device.machine.inside(_BUNDLE)) as archive:
        members = {
            Path(member.name).name: archive.extractfile(member) for member in archive.getmembers() if member.isfile()
        }
        texts = {f"bundle: {name}": file.read().decode(errors="replace") for name, file in members.items() if file}
    texts["journal"] = device.run("journalctl", "--output=export", "--all").stdout
    texts["status"] = device.run("gatewayd", "status", "--json").stdout
    texts["metrics"] = device.run("gatewayd", "metrics").stdout
    texts["unit's properties"] = device.run("systemctl", "show", UNIT).stdout
    process = Path(f"/proc/{device.main_process()}")
    for name in ("cmdline", "environ"):
        texts[f"process: {name}"] = (process / name).read_text(errors="replace")
    wanted = {f"bundle: {name}" for name in _IN_BUNDLE}
    transcript.check("the bundle has its parts", wanted <= set(texts), ", ".join(sorted(wanted)))
    empty = [name for name in ("journal", "status", "metrics", "process: environ") if not texts[name]]
    transcript.check(
        "all are there to be looked at", not empty and len(texts) > 10, f"{len(texts)} texts {empty or ''}"
    )
    having = [name for name, text in texts.items() if credential in text]
    told = f"of {sum(map(len, texts.values()))} characters"
    transcript.check("not in bundle, journal, status, metrics or process", not having, ", ".join(having) or told)
