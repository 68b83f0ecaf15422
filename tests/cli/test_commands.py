"""Every command: help that tells, no slow import for it, one line and status 1 for bad input."""

import pkgutil
import subprocess
import sys

import pytest

import janus.cli
from janus.__main__ import main

COMMANDS = [name for _, name, _ in pkgutil.iter_modules(janus.cli.__path__) if name != "values"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_argument(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command.replace("_", "-"), "--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0 and text.startswith(f"usage: janus {command.replace('_', '-')}")


def test_help_and_quick_commands_import_nothing_slow():
    code = (
        "import contextlib, io, sys; from janus.__main__ import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()): main(['--help'])\n"
        "print({'torch', 'fairseq', 'matplotlib', 'pandas', 'sacrebleu'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_a_missing_file_is_one_line(tmp_path, capsys):
    assert main(["score", str(tmp_path / "no.txt"), str(tmp_path / "no.txt")]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "no.txt" in error


def test_an_unknown_command_ends_with_status_2(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["scores"])
    assert ended.value.code == 2 and "invalid choice" in capsys.readouterr().err
