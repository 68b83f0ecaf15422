"""What a child process inherits, and what is said of one that fails."""

import json
import sys
from pathlib import Path

import pytest

from janus.children import environment, failure, last_words, run
from janus.errors import InputError

# What shells, notebooks, schedulers and colleagues leave in an environment, and no child may follow.
SURROUNDINGS = {
    "LANG": "de_DE.UTF-8", "LC_NUMERIC": "de_DE.UTF-8", "LANGUAGE": "de",
    "JAVA_TOOL_OPTIONS": "-Duser.language=de", "_JAVA_OPTIONS": "-Xmx1m", "JDK_JAVA_OPTIONS": "-Xmx1m",
    "MPLBACKEND": "module://nowhere", "PYTHONIOENCODING": "ascii", "PYTHONSTARTUP": "x.py", "PYTHONOPTIMIZE": "2",
    "GIT_DIR": "/nowhere", "GIT_WORK_TREE": "/nowhere", "PERL5LIB": "/nowhere",
    "RANK": "1", "WORLD_SIZE": "8", "MASTER_ADDR": "nowhere", "MASTER_PORT": "1",
    "NVIDIA_TF32_OVERRIDE": "1", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1",
}  # fmt: skip
KEPT = {
    "CUDA_VISIBLE_DEVICES": "3", "NCCL_DEBUG": "INFO", "OMP_NUM_THREADS": "7", "SLURM_JOB_ID": "5",
    "PYTHONPATH": "/some/where", "https_proxy": "http://proxy:1", "HTTPS_PROXY": "http://proxy:1", "TMPDIR": "/tmp",
    "LD_LIBRARY_PATH": "/lib",
}  # fmt: skip


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (SURROUNDINGS | KEPT).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("surroundings")
def test_a_child_gets_what_was_given_to_the_job_and_nothing_of_the_callers_taste() -> None:
    given = environment(MORE="1")
    assert {name: given[name] for name in KEPT} == KEPT
    assert given["MORE"] == "1" and given["PATH"]
    assert (given["LC_ALL"], given["PYTHONIOENCODING"], given["MPLBACKEND"]) == ("C.UTF-8", "utf-8", "agg")
    assert not set(given) & (set(SURROUNDINGS) - {"PYTHONIOENCODING", "MPLBACKEND"})


def test_a_program_that_its_user_configures_keeps_its_own_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CERT", "own.pem")
    assert "PIP_CERT" not in environment()
    assert environment("PIP_")["PIP_CERT"] == "own.pem"


@pytest.mark.usefixtures("surroundings")
def test_output_is_utf_8_whatever_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH")
    code = "import os, json; print(json.dumps(sorted(os.environ)), '→ †', open('/dev/null').encoding)"
    names, rest = run([sys.executable, "-c", code], where="here", fix="none").strip().split("] ")
    assert rest == "→ † utf-8"
    assert not {"JAVA_TOOL_OPTIONS", "LANG", "RANK"} & set(json.loads(names + "]"))


def test_a_child_that_fails_is_quoted() -> None:
    code = "import sys; print('what was printed'); sys.exit('the cause → here')"
    with pytest.raises(InputError) as caught:
        run([sys.executable, "-c", code], where="here", fix="do that")
    program = Path(sys.executable).name
    assert str(caught.value) == f"here: {program} ended with status 1 (the cause → here); do that"


def test_what_a_child_printed_is_quoted_where_its_errors_are_silent() -> None:
    with pytest.raises(InputError, match=r"status 3 \(no room\)"):
        run(["sh", "-c", "echo no room; exit 3"], where="here", fix="do that")


def test_a_child_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="here: .*/absent cannot be started .*No such file"):
        run([str(tmp_path / "absent")], where="here", fix="install it")


JAVA = """Picked up something
Exception in thread "main" java.lang.RuntimeException: outer
\tat Meteor.main(Unknown Source)
Caused by: java.util.InputMismatchException: For input string
\tat java.base/java.util.Scanner.throwFor(Unknown Source)
\t... 5 more
"""
PYTHON = """Traceback (most recent call last):
  File "x.py", line 1, in <module>
    main()
    ^^^^^^
ValueError: bad → value
"""


def test_the_cause_is_quoted_and_not_the_frames() -> None:
    assert last_words(JAVA).endswith("outer | Caused by: java.util.InputMismatchException: For input string")
    assert last_words(PYTHON).endswith("ValueError: bad → value") and "x.py" not in last_words(PYTHON)
    assert last_words(" \n") == "no output"
    assert "\n" not in str(failure("x", -9, JAVA, where="here", fix="do that"))
