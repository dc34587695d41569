"""Who holds a device and which group may open it, from files as the kernel writes them."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.hardware.occupants import group_of, holder_of, owner_in

RUNNING = """\
state: RUNNING
owner_pid   : {task}
trigger_time: 71.345566180
tstamp      : 0.000000000
delay       : 480
avail       : 480
avail_max   : 960
-----
hw_ptr      : 62880
appl_ptr    : 62400
"""
"""As sound/core/pcm.c of Linux 6.1 writes it."""
ARRAY = "hw:CARD=Array,DEV=0"


class Machine:
    """A root with sound cards and processes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add_card(self, number: int, card_id: str) -> None:
        self.write(f"proc/asound/card{number}/id", f"{card_id}\n")

    def use(self, subdevice: str, status: str) -> None:
        self.write(f"proc/asound/{subdevice}/status", status)

    def run(self, number: int, comm: str, *arguments: str) -> None:
        self.write(f"proc/{number}/comm", f"{comm}\n")
        self.write(f"proc/{number}/cmdline", "".join(f"{argument}\0" for argument in arguments or (comm,)))
        self.write(f"proc/{number}/status", f"Name:\t{comm}\nUmask:\t0022\nTgid:\t{number}\nPid:\t{number}\n")

    def holder(self, device: str = ARRAY, *, capture: bool = True) -> str:
        return holder_of(device, capture=capture, root=self.root)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.add_card(0, "vc4hdmi")
    machine.add_card(1, "Array")
    return machine


def test_a_program_is_named_with_its_number(machine: Machine) -> None:
    machine.use("card1/pcm0c/sub0", RUNNING.format(task=1234))
    machine.run(1234, "arecord", "arecord", "-D", "hw:1,0")
    assert machine.holder() == "arecord (process 1234)"


def test_the_process_is_named_not_the_thread_that_opened_it(machine: Machine) -> None:
    machine.use("card1/pcm0c/sub0", RUNNING.format(task=1240))
    machine.write("proc/1240/status", "Name:\talsa-source-USB\nTgid:\t1234\nPid:\t1240\n")
    machine.run(1234, "pulseaudio")
    assert machine.holder() == "pulseaudio (process 1234)"


@pytest.mark.parametrize(
    "device",
    ["hw:CARD=Array,DEV=0", "hw:CARD=Array", "hw:Array", "hw:Array,0", "hw:1", "hw:1,0", "hw:1,0,0", "hw:CARD=1,DEV=0",
     "plughw:CARD=Array,DEV=0", "plughw:1,0", "hw:CARD=Array,DEV=0,SUBDEV=0", "hw:CARD=Array,DEV=0,SUBDEV=-1",
     "sysdefault:CARD=Array", "dsnoop:CARD=Array,DEV=0"],
)  # fmt: skip
def test_a_card_is_known_by_every_name_alsa_has_for_it(machine: Machine, device: str) -> None:
    machine.use("card1/pcm0c/sub0", RUNNING.format(task=1234))
    machine.run(1234, "arecord")
    assert machine.holder(device) == "arecord (process 1234)"


@pytest.mark.parametrize("device", ["default", "", "hw", "hw:", "hw:CARD=Desk", "hw:7,0", "hw:1,x", "hw:1,1", "hw:0"])
def test_of_other_names_nothing_is_known(machine: Machine, device: str) -> None:
    machine.use("card1/pcm0c/sub0", RUNNING.format(task=1234))
    assert machine.holder(device) == ""


def test_who_plays_does_not_hold_the_microphone(machine: Machine) -> None:
    machine.use("card1/pcm0p/sub0", RUNNING.format(task=1234))
    machine.use("card1/pcm0c/sub0", "closed\n")
    machine.run(1234, "aplay")
    assert machine.holder(capture=True) == ""
    assert machine.holder(capture=False) == "aplay (process 1234)"


def test_every_holder_of_several_subdevices_is_named_once(machine: Machine) -> None:
    for number, task in enumerate((1234, 1234, 1300)):
        machine.use(f"card1/pcm0c/sub{number}", RUNNING.format(task=task))
    machine.use("card1/pcm0c/sub3", "closed\n")
    machine.run(1234, "arecord")
    machine.run(1300, "mpv")
    assert machine.holder() == "arecord (process 1234), mpv (process 1300)"
    assert machine.holder("hw:1,0,2") == "mpv (process 1300)"


def test_this_process_is_known_by_its_threads_too(machine: Machine) -> None:
    machine.use("card1/pcm0c/sub0", RUNNING.format(task=99_999))
    machine.write("proc/99999/status", f"Name:\tgatewayd\nTgid:\t{os.getpid()}\nPid:\t99999\n")
    assert machine.holder() == "gatewayd itself"


def test_of_a_process_that_is_hidden_or_gone_the_number_is_left(machine: Machine) -> None:
    machine.use("card1/pcm0c/sub0", RUNNING.format(task=1234))
    assert machine.holder() == "process 1234"


def test_a_process_that_cannot_be_seen_from_here(machine: Machine) -> None:
    machine.use("card1/pcm0c/sub0", RUNNING.format(task=0))
    assert machine.holder() == "a process outside of this container"


@pytest.mark.parametrize(
    ("comm", "arguments", "name"),
    [
        ("python3", ("python3", "/home/pi/assistant.py", "--token", "s3cret"), "python3 assistant.py"),
        ("python3.11", ("python3", "-m", "assistant", "--token=s3cret"), "python3.11"),
        ("python3", ("python3",), "python3"),
        ("node", ("node", "app.js"), "node app.js"),
        ("ffmpeg", ("ffmpeg", "-i", "http://user:s3cret@host/"), "ffmpeg"),
        ("odd\x1b[2Jname", ("odd",), "odd\\x1b[2Jname"),
    ],
)
def test_a_script_is_named_and_no_argument_is(
    machine: Machine, comm: str, arguments: tuple[str, ...], name: str
) -> None:
    machine.use("card1/pcm0c/sub0", RUNNING.format(task=1234))
    machine.run(1234, comm, *arguments)
    assert machine.holder() == f"{name} (process 1234)"


def test_where_there_is_no_sound_nobody_holds_it(tmp_path: Path) -> None:
    assert holder_of(ARRAY, capture=True, root=tmp_path) == ""
    assert holder_of("hw:0,0", capture=True, root=tmp_path) == ""
    assert group_of(ARRAY, capture=True, root=tmp_path) == ""
    assert group_of("hw:0,0", capture=True, root=tmp_path) == ""


def test_the_group_of_a_device_is_its_nodes(machine: Machine) -> None:
    machine.write("dev/snd/pcmC1D0c", "")
    machine.write("dev/snd/pcmC1D2p", "")
    group = (machine.root / "dev/snd/pcmC1D0c").group()
    assert group_of(ARRAY, capture=True, root=machine.root) == group
    assert group_of(ARRAY, capture=False, root=machine.root) == ""
    assert group_of("plughw:Array,2", capture=False, root=machine.root) == group


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a file to a group that nobody has named")
def test_a_group_without_a_name_is_told_by_its_number(machine: Machine) -> None:
    machine.write("dev/snd/pcmC1D0c", "")
    os.chown(machine.root / "dev/snd/pcmC1D0c", 0, 54_321)
    assert group_of(ARRAY, capture=True, root=machine.root) == "54321"


@pytest.mark.parametrize(
    ("status", "owner"),
    [
        (RUNNING.format(task=1234), 1234),
        ("closed\n", None),
        ("", None),
        ("state: RUNNING\nowner_pid   :\n", None),
        ("state: RUNNING\nowner_pid   : -1\n", None),
        ("state: RUNNING\nowner_pid: 77", 77),
        ("not_the_owner_pid : 5\n", None),
    ],
)
def test_the_owner_stands_in_a_line_of_its_own(status: str, owner: int | None) -> None:
    assert owner_in(status) == owner


@given(st.text() | st.from_regex(r"(state: [A-Z]+\n)?owner_pid[ :0-9\n]*"))
def test_any_status_has_an_owner_or_none(status: str) -> None:
    owner = owner_in(status)
    assert owner is None or 0 <= owner < 10**10


@given(number=st.integers(0, 2**31 - 1))
def test_the_owner_is_found_whatever_it_is(number: int) -> None:
    assert owner_in(RUNNING.format(task=number)) == number


@given(st.text(), st.binary(), st.binary(), st.binary(), st.binary())
def test_whatever_names_and_files_say_the_answer_is_one_line(
    device: str, card_id: bytes, task: bytes, comm: bytes, cmdline: bytes
) -> None:
    with TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        machine.use("card1/pcm0c/sub0", RUNNING.format(task=1234))
        for path, data in {
            "proc/asound/card1/id": card_id,
            "proc/1234/status": b"Tgid:\t1234\n" + task,
            "proc/1234/comm": comm,
            "proc/1234/cmdline": cmdline,
        }.items():
            machine.write(path, "")
            (machine.root / path).write_bytes(data)
        assert machine.holder("hw:1").endswith("process 1234)") or machine.holder("hw:1") == "process 1234"
        for answer in (
            machine.holder(device),
            machine.holder("hw:1"),
            group_of(device, capture=True, root=machine.root),
        ):
            assert answer.isprintable()
