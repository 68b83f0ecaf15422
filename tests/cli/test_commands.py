"""Every command: help that tells, no slow import for it, one line and status 1 for bad input."""

import importlib
import pkgutil
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import janus.cli
from janus.__main__ import _parser, main

COMMANDS = [name for _, name, _ in pkgutil.iter_modules(janus.cli.__path__) if name != "values"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_argument(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command.replace("_", "-"), "--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0 and text.startswith(f"usage: janus {command.replace('_', '-')}")
    assert "examples:\n  " in text and "Exit status: 0 done; 1 " in " ".join(text.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_of_its_help_are_command_lines_that_it_reads(command):
    text = importlib.import_module(f"janus.cli.{command}").__doc__.partition("\nExamples:\n")[2]
    lines = [line for line in text.splitlines() if line.strip()]
    assert lines and all(len(line) <= 120 for line in lines)
    for line in lines:
        words = re.split(r"[<>]", line.rpartition("| ")[2])[0].split()
        assert words[:2] == ["janus", command.replace("_", "-")]
        assert _parser().parse_args(words[1:]).run_command


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


@pytest.mark.parametrize(
    "words", [["score", "a", "b"], ["compare", "a", "b"], ["translate", "a", "--source", "de"], ["translate", "a"]]
)
def test_a_language_is_a_code(words, capsys):
    option = {"translate": "--target"}.get(words[0], "--language")
    with pytest.raises(SystemExit) as ended:
        main([*words, option, "english"])
    assert (
        ended.value.code == 2 and "invalid code of a language, such as de, value: 'english'" in capsys.readouterr().err
    )


def test_a_language_without_abbreviations_is_said(tmp_path, capsys):
    for name in ("outputs", "references"):
        (tmp_path / name).write_text("Den lille kat er her.\n", encoding="utf-8")
    files = [str(tmp_path / name) for name in ("outputs", "references")]
    assert main(["score", *files, "--language", "da"]) == 0
    said = capsys.readouterr().err
    assert "da: Moses has no abbreviations of this language, so English ones are used (it has as, bn, " in said
    assert all(f" {code}," in said for code in ("de", "en", "fr", "ro"))
    assert main(["score", *files, "--language", "en"]) == 0
    assert "abbreviations" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--input", "text.de", "--input", "no.de"], "no.de: no such file; correct the path"),
        (["--dictionary", "dict.de.txt"], "dict.de.txt: no such file; correct the path"),
        (["--codes", "nowhere"], "nowhere: no such file or folder; correct the path"),
        (["--corpus", "nowhere"], "nowhere/corpus.json: no such file; correct the path"),
        (["--device", "gpu"], "device gpu: unknown device; use cpu, cuda or cuda:<number>"),
        (["--set", "lenpen=1", "--set", "lenpen=2"], "--set: lenpen is given twice; give it once"),
        (["--beam", "3", "--set", "beam=4"], "--set: beam is given twice; give it once"),
    ],
)
def test_translate_looks_at_its_other_files_before_it_reads_the_model(words, complaint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("text.de", "model.pt"):
        Path(name).write_text("no model\n", encoding="utf-8")
    assert main(["translate", "model.pt", *words]) == 1
    said = capsys.readouterr()
    assert said.err == f"{complaint}\n" and not said.out


@pytest.mark.parametrize(
    "words", [["report", "run"], ["claims", "run"], ["trials", "run"], ["rehearse", "--configfile", "run/no.yaml"]]
)
def test_where_a_result_goes_is_looked_at_before_the_work(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    Path("file").touch()
    write = [] if words[0] == "rehearse" else ["--write", "file/page"]
    assert main([*words, *write]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("run/no.yaml: no such file" if words[0] == "rehearse" else "file/page")
    assert "cannot be written" in line or not write


@pytest.mark.parametrize(
    "words",
    [
        ["schema", "--write", "."],
        ["schema", "--write", "file/schema"],
        ["audit", "--write", "file/audit"],
        ["audit", "--write", "."],
        ["floors", "no.txt", "--write", "file/floors"],
        ["results", "run", "--write", "."],
        ["report", "run", "--write", ".."],
        ["trials", "run", "--write", "."],
        ["evidence", "run", "file/run"],
        ["keep", "run", "file/run"],
        ["keep", "run", "file"],
        ["rehearse", "--folder", "file"],
    ],
)
def test_a_target_that_cannot_be_written_is_one_line_before_the_work(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("run/tables/table1.md", "run/pair/janus/seed-1/train.json", "file"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("{}", encoding="utf-8")
    assert main(words) == 1
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and not said.out
    assert "cannot be written" in said.err or "is a folder; name files in it" in said.err


def test_a_schema_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "schema.yaml").write_text("old")
    assert main(["schema", "--write", str(tmp_path / "new/schema.yaml")]) == 0
    assert (tmp_path / "new/schema.yaml").read_text(encoding="utf-8").startswith("#")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["schema.yaml"]


def test_a_run_may_be_given_as_the_working_directory(tmp_path, monkeypatch, capsys):
    run = tmp_path / "results/mine"
    run.mkdir(parents=True)
    monkeypatch.chdir(run)
    for command in ("report", "claims", "evidence", "results", "vital-signs"):
        more = {"evidence": ["ev"], "results": ["--write", "page"]}.get(command, [])
        options = _parser().parse_args([command, ".", *more])
        assert options.run == run
    assert main(["claims", "."]) == 1
    assert "config/mine.yaml" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    assert _parser().parse_args(["report", "results/mine"]).run == Path("results/mine")


def test_an_unknown_command_ends_with_status_2(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["scores"])
    assert ended.value.code == 2 and "invalid choice" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("failure", "status", "said"),
    [
        ("janus.InputError('it is bad', where='here', fix='correct it')", 1, "here: it is bad; correct it\n"),
        ("janus.JobError('it failed', where='here', fix='try again')", 1, "here: it failed; try again\n"),
        ("KeyboardInterrupt", 130, "interrupted\n"),
        ("BrokenPipeError", 0, ""),
    ],
)
def test_every_command_ends_with_the_status_of_its_failure(failure, status, said):
    code = (
        "import sys, janus, janus.cli.audit\n"
        "from janus.__main__ import main\n"
        f"def run(options): raise {failure}\n"
        "janus.cli.audit.run = run\n"
        "sys.exit(main(['audit']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (status, said)
    assert status < 128 or status == 128 + signal.SIGINT


def test_the_statuses_are_those_of_the_docs():
    page = (Path(__file__).parents[2] / "docs/use.md").read_text(encoding="utf-8")
    assert all(f"| {status} |" in page for status in (0, 1, 2, 130))
