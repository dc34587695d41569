from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gatewayd import __version__
from gatewayd.cli.main import COMMANDS, Command, main, parser

END = Command("end", "tests.cli.ending", "end")
ABSENT = Command("absent", "tests.cli.no_such_module", "never imported")


def end(*words: str) -> int:
    return main(["end", *words], commands=[ABSENT, END])


class TestHelp:
    def test_it_lists_every_command_and_imports_none(self) -> None:
        script = (
            "import sys; from gatewayd.cli.main import main; main(['--help']);"
            "print(sorted({'numpy', 'trio', 'alsaaudio'}.intersection(sys.modules)))"
        )
        shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        for command in COMMANDS:
            assert re.search(rf"^    {command.name}  +{command.help.split()[0]}", shown, re.MULTILINE)
        assert shown.endswith("[]\n")

    @pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
    def test_the_overview_says_of_a_command_what_it_says_itself(self, command: Command) -> None:
        assert parser(command.name).format_help() == parser(None).format_help()

    @pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
    def test_every_command_has_help_with_an_example(self, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([command.name, "--help"]) == 0
        shown = capsys.readouterr().out
        assert f"usage: gatewayd {command.name} " in shown
        assert re.search(rf"^Example:\s+gatewayd {command.name}\b", shown, re.MULTILINE)
        assert "--config FILE" in shown
        assert "--log-level LEVEL" in shown

    def test_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--version"]) == 0
        assert capsys.readouterr().out == f"gatewayd {__version__}\n"

    def test_as_a_module(self) -> None:
        shown = subprocess.run(
            [sys.executable, "-m", "gatewayd", "--version"], capture_output=True, text=True, check=True
        )
        assert (shown.stdout, shown.stderr) == (f"gatewayd {__version__}\n", "")


KNOWN = ", ".join(command.name for command in COMMANDS)


class TestUsage:
    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (
                [],
                f"say what to do: {KNOWN}; `gatewayd --help` tells what each does",
            ),
            (["stauts"], "argument COMMAND: invalid choice: 'stauts' (choose from"),
            (["status", "--jsn"], "unrecognized arguments: --jsn; `gatewayd --help` shows what is possible"),
            (["status", "--jso"], "unrecognized arguments: --jso"),
            (["status", "--config"], "argument --config: expected one argument"),
            (["--log-level", "loud", "status"], "argument --log-level: invalid choice: 'loud'"),
            (["status", "--\x1b[2J"], "unrecognized arguments: --\\x1b[2J"),
        ],
    )
    def test_a_wrong_command_line_is_told_in_one_line(
        self, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(words) == 64
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("gatewayd: ")
        assert told in err
        assert err.count("\n") == 1


class TestSharedOptions:
    @pytest.mark.parametrize(
        "words",
        [
            ["--config", "end", "--log-level", "debug", "end", "options"],
            ["end", "--config", "end", "--log-level=debug", "options"],
            ["--log-level=debug", "end", "options", "--config=end"],
        ],
    )
    def test_they_may_stand_before_and_after_the_command(
        self, words: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(words, commands=[END]) == 0
        assert capsys.readouterr().out == "end debug\n"

    @pytest.mark.parametrize(
        ("variable", "path"),
        [(None, "/etc/gatewayd/gatewayd.toml"), ("", "/etc/gatewayd/gatewayd.toml"), ("/tmp/x.toml", "/tmp/x.toml")],
    )
    def test_the_configuration_comes_from_the_environment_else_from_etc(
        self, variable: str | None, path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.delenv("GATEWAYD_CONFIG", raising=False)
        if variable is not None:
            monkeypatch.setenv("GATEWAYD_CONFIG", variable)
        assert end("options") == 0
        assert capsys.readouterr().out == f"{path} info\n"


class TestEndings:
    def test_well(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert end("well") == 0
        out, err = capsys.readouterr()
        assert out == "done\n"
        assert err.endswith(" info - well done\n")

    def test_an_error_for_people_is_one_line_and_its_exit_code(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert end("unavailable") == 69
        assert capsys.readouterr().err == "gatewayd: no gatewayd answers: \\x1b[2Jis it running?\n"

    def test_problems_of_configuration_begin_with_their_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert end("problems") == 78
        assert capsys.readouterr().err == "a.toml: agent.url: is missing\na.toml: is odd\n"

    def test_ctrl_c_is_quiet(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert end("interrupted") == 130
        assert capsys.readouterr().err == ""

    @pytest.mark.parametrize("ending", ["bug", "nursery-bug"])
    def test_a_bug_is_named_by_type_and_place_without_its_text(
        self, ending: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert end(ending) == 70
        assert re.fullmatch(
            r"gatewayd: internal error: LookupError at .*ending\.py:\d+ "
            r"\(a bug; please report it with what `--log-level debug` shows\)\n",
            capsys.readouterr().err,
        )

    def test_a_bug_in_a_library_is_named_by_where_gatewayd_called_it(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert end("bug-in-library") == 70
        err = capsys.readouterr().err
        assert "ValueError at " in err
        assert "s3cret" not in err

    def test_with_debug_a_bugs_traceback_is_printed(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert end("bug", "--log-level", "debug") == 70
        err = capsys.readouterr().err
        assert "Traceback (most recent call last):\n" in err
        assert err.endswith("LookupError: Bearer s3cret\n")

    def test_a_pipe_that_broke_elsewhere_is_a_bug(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert end("hung-up") == 70
        assert "internal error: BrokenPipeError at " in capsys.readouterr().err

    def test_errors_from_a_nursery_are_told_as_if_alone(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert end("nursery-unavailable") == 69
        assert capsys.readouterr().err == "gatewayd: no card\n"
        assert end("nursery-interrupted") == 130
        assert capsys.readouterr().err == ""

    @pytest.mark.parametrize("unbuffered", ["", "1"])
    def test_a_reader_that_left_is_no_error(self, unbuffered: str) -> None:
        read, write = os.pipe()
        os.close(read)
        left = subprocess.run(
            [sys.executable, "-m", "gatewayd", "--help"],
            stdout=write,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            check=False,
        )
        os.close(write)
        assert (left.returncode, left.stderr) == (0, b"")

    def test_a_full_disk_is_told(self) -> None:
        with Path("/dev/full").open("wb") as full:
            ran = subprocess.run(
                [sys.executable, "-m", "gatewayd", "--version"],
                stdout=full,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONUNBUFFERED": ""},
                check=False,
            )
        assert (ran.returncode, ran.stderr) == (69, b"gatewayd: cannot write the output: No space left on device\n")

    def test_closed_output_is_no_error(self) -> None:
        command = f'exec "{sys.executable}" -m gatewayd --version >&- 2>&-'
        assert subprocess.run(["sh", "-c", command], check=False).returncode == 0

    def test_one_thread_for_openblas_unless_somebody_says_otherwise(self) -> None:
        script = (
            "from gatewayd.cli.main import Command, main;"
            "main(['end', 'environment'], commands=[Command('end', 'tests.cli.ending', 'end')])"
        )
        environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
        root = Path(__file__).resolve().parent.parent.parent
        for extra, told in (({}, "1 False\n"), ({"OPENBLAS_NUM_THREADS": "2"}, "2 False\n")):
            ran = subprocess.run(
                [sys.executable, "-c", script],
                env={**environment, **extra},
                cwd=root,
                capture_output=True,
                text=True,
                check=True,
            )
            assert ran.stdout == told
