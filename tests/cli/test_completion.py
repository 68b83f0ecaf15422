"""Completion in real shells, as far as they are installed, and the exit statuses that the help promises."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from janus.__main__ import main
from janus.cli import completion

_BASH = """
eval "$(janus completion bash)"
function=$(complete -p janus | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
complete_line() {
    COMP_LINE="$1" COMP_POINT=${#1} COMP_TYPE=9 COMP_KEY=9
    COMP_WORDS=($1) COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
    "$function" janus "${COMP_WORDS[-1]}"
    printf '%s\\n' "${COMPREPLY[@]}"
}
complete_line "$1"
"""
_ZSH = 'eval "$(janus completion zsh)"; print -r -- $_comps[janus]'
_FISH = 'janus completion fish | source; complete -C "janus pla"'


def run(shell, *words):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    done = subprocess.run([shell, *words], env=os.environ | {"PATH": path}, capture_output=True, text=True)
    return done.stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "expected"),
    [("janus pla", {"plan"}), ("janus score --la", {"--language"}), ("janus score --task re", {"reply"})],
)
def test_bash_completes_commands_options_and_choices(line, expected):
    assert set(run("bash", "--norc", "-c", _BASH, "bash", line)) == expected


@pytest.mark.slow
def test_bash_completes_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tier-one.yaml").touch()
    assert run("bash", "--norc", "-c", _BASH, "bash", "janus plan --configfile tier-") == ["tier-one.yaml"]


@pytest.mark.slow
def test_zsh_takes_the_script_after_what_the_help_says(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    [needed] = re.findall(r"`(autoload .*?)`", completion.__doc__)
    assert "argcomplete" in " ".join(run("zsh", "-f", "-c", f"{needed}\n{_ZSH}"))
    assert "argcomplete" not in " ".join(run("zsh", "-f", "-c", _ZSH))


@pytest.mark.slow
def test_fish_completes_commands():
    assert run("fish", "--no-config", "-c", _FISH)[:1] == ["plan"]


@pytest.mark.parametrize(
    ("words", "status"), [(["audit"], 0), (["durations", "nowhere"], 1), (["score"], 2), (["score", "--no-such"], 2)]
)
def test_the_status_is_the_one_that_the_help_promises(words, status):
    try:
        found = main(words)
    except SystemExit as ended:
        found = ended.code
    assert found == status
