"""`janus doctor` on machines that lack something: what it says, how to get it, and its exit status."""

import io
import sys
from types import SimpleNamespace

import pytest

from janus.__main__ import main
from janus.config.run_config import check_config, read_config
from janus.doctor import command, surroundings, tier
from janus.doctor.findings import Finding, lines_of, wants_colour
from janus.metrics import meteor


def found(findings, what):
    return next(one for one in findings if one.what == what)


def config_of(*words, name="demo"):
    return check_config(read_config([f"config/{name}.yaml"], words), where=name)


@pytest.fixture
def machine_is_well(monkeypatch):
    monkeypatch.setattr(command, "surroundings", lambda: iter([Finding("ok", "machine", "made")]))


def test_a_machine_that_runs_the_tests_has_what_every_tier_needs():
    findings = list(surroundings.surroundings())
    states = {one.what: one.state for one in findings}
    assert states["Python"] == states["packages"] == states["C++ compiler"] == states["temporary files"] == "ok"
    assert all(one.fix for one in findings if one.state != "ok")


def test_a_path_without_a_compiler(monkeypatch, tmp_path):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    lacks = found(surroundings.surroundings(), "C++ compiler")
    assert (lacks.state, lacks.said) == ("missing", "no c++ on the PATH") and "apt-get install g++" in lacks.fix


def test_a_compiler_that_compiles_nothing(monkeypatch):
    monkeypatch.setenv("CXX", "false")
    lacks = found(surroundings.surroundings(), "C++ compiler")
    assert lacks.state == "missing" and "false fails" in lacks.said


@pytest.mark.parametrize(("library", "state"), [("libjemalloc.so.2", "ok"), (None, "warning")])
def test_the_allocator_of_trainings(monkeypatch, library, state):
    monkeypatch.setattr(surroundings, "jemalloc", lambda: library)
    assert found(surroundings.surroundings(), "allocator").state == state


@pytest.mark.parametrize("key", ["HOME", "XDG_CACHE_HOME"])
def test_a_home_that_cannot_be_written_to(monkeypatch, tmp_path, key):
    (tmp_path / "file").touch()
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(key, str(tmp_path / "file/home"))
    lacks = found(surroundings.surroundings(), "caches")
    assert lacks.state == "missing" and "set HOME or XDG_CACHE_HOME" in lacks.fix


def test_a_temporary_folder_that_is_full(monkeypatch):
    def full(**options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(surroundings.tempfile, "TemporaryFile", full)
    lacks = found(surroundings.surroundings(), "temporary files")
    assert lacks.state == "missing" and "No space left on device" in lacks.said and "TMPDIR" in lacks.fix


def test_a_tmpdir_that_python_would_pass_over(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "no"))
    (tmp_path / "no").touch()
    assert str(tmp_path / "no") in found(surroundings._folders(), "temporary files").said


def test_no_temporary_folder_at_all(monkeypatch):
    def nowhere():
        raise FileNotFoundError

    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(surroundings.tempfile, "gettempdir", nowhere)
    assert found(surroundings._folders(), "temporary files").state == "missing"


def test_packages_that_are_missing_or_old(monkeypatch):
    def version(name):
        if name == "sacrebleu":
            raise surroundings.PackageNotFoundError
        return {"torch": "1.0"}.get(name, "0")

    monkeypatch.setattr(surroundings, "version", version)
    lacks = found(surroundings.surroundings(), "packages")
    assert lacks.state == "missing" and "no sacrebleu" in lacks.said and "torch 1.0, not >=" in lacks.said


def test_slurm_is_mentioned_only_where_there_is_some(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not list(surroundings._slurm())
    for name in ("sbatch", "squeue", "sinfo"):
        (tmp_path / name).touch(mode=0o755)
    [lacks] = surroundings._slurm()
    assert lacks.state == "warning" and lacks.said == "no sacct on the PATH"


def test_the_demo_needs_java_for_its_questions(monkeypatch):
    assert found(tier.needs(config_of()), "Java and METEOR").state == "ok"
    monkeypatch.setattr(meteor, "_java", lambda: None)
    lacks = found(tier.needs(config_of()), "Java and METEOR")
    assert lacks.state == "missing" and lacks.fix.startswith("pip install")
    assert "Java and METEOR" not in [one.what for one in tier.needs(config_of(name="multi30k-cpu"))]


def test_a_tier_of_gpus_where_there_are_none(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    lacks = found(tier.needs(config_of(name="multi30k")), "GPU")
    assert lacks.state == "missing" and "set `device: cpu`" in lacks.fix


@pytest.mark.parametrize(("has", "state"), [(True, "ok"), (False, "warning")])
def test_bfloat16_on_a_processor(monkeypatch, has, state):
    monkeypatch.setattr("torch.ops.mkldnn._is_mkldnn_bf16_supported", lambda: has, raising=False)
    one = found(tier.needs(config_of(name="multi30k-cpu")), "precision")
    assert one.state == state and (has or one.fix == "set `training.precision: float32`")


def test_more_than_the_machine_has():
    findings = list(tier.needs(config_of("training={threads: 9999, memory: 999999999}")))
    assert found(findings, "processor cores").state == found(findings, "memory").state == "warning"


def test_data_at_hand(monkeypatch, tmp_path):
    config = config_of(name="multi30k-cpu")
    monkeypatch.chdir(tmp_path)
    said = found(tier.needs(config), "data").said
    assert said == "0 of 6 downloads at hand, 6 to fetch; the checksums of 6 are known"
    (tmp_path / "resources/downloads").mkdir(parents=True)
    (tmp_path / "resources/downloads/multi30k-val.en.gz").write_bytes(bytes(21650))
    (tmp_path / "resources/downloads/multi30k-val.de.gz").write_bytes(b"x")
    wrong = [one for one in tier.needs(config) if one.what == "data" and one.state == "warning"]
    assert sorted(one.said.split(" ", 1)[1] for one in wrong) == [
        "has 1 bytes, the manifest says 24,681",
        "has another checksum than the manifest says",
    ]


def mirror_and_data(config):
    """State, text and fix of the findings about a mirror and about data."""
    return [(one.state, one.said, one.fix) for one in tier.needs(config) if one.what in ("mirror", "data")]


def test_files_that_only_a_mirror_has(monkeypatch, tmp_path):
    alone, mirrored = config_of(name="small-cpu"), config_of(f"mirror={tmp_path}", name="small-cpu")
    monkeypatch.chdir(tmp_path)
    [(_, said, fix), (state, summary, _)] = mirror_and_data(alone)
    assert said.startswith("16 files have no public address: package-summaries/train.src.xz and 5 more, fairytaleqa")
    assert "--config mirror=FOLDER" in fix
    assert state == "missing"
    assert summary == "0 of 16 downloads at hand, 0 to fetch, 16 nowhere; the checksums of 16 are known"
    for item in mirrored.downloads()[1:]:
        (tmp_path / item.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / item.path).touch()
    [(state, said, _), (_, summary, _)] = mirror_and_data(mirrored)
    assert state == "missing" and said == f"{tmp_path} lacks {mirrored.downloads()[0].path}"
    assert summary.startswith(f"0 of 16 downloads at hand, 15 to fetch from {tmp_path}, 1 nowhere")
    (tmp_path / mirrored.downloads()[0].path).touch()
    [(state, summary, _)] = mirror_and_data(mirrored)
    assert state == "ok" and summary.startswith(f"0 of 16 downloads at hand, 16 to fetch from {tmp_path};")


def test_a_mirror_that_is_not_there_is_one_line(tmp_path):
    [(state, said, _), (summary, _, _)] = mirror_and_data(config_of(f"mirror={tmp_path}/no", name="small-cpu"))
    assert state == summary == "missing" and said == f"there is no folder {tmp_path}/no"


def test_a_disk_that_is_too_small_for_the_run(monkeypatch):
    config = config_of(name="multi30k-cpu")
    assert found(tier.needs(config), "disk for the run").state == "ok"
    monkeypatch.setattr(tier.shutil, "disk_usage", lambda folder: SimpleNamespace(free=2**30))
    lacks = found(tier.needs(config), "disk for the run")
    assert lacks.state == "warning" and lacks.said == "1 GiB free, a run from an empty folder needs about 1.06 GiB"


def test_terms_that_nobody_accepted():
    def terms(*words):
        return {one.said.split()[2] for one in tier.needs(config_of(*words, name="paper")) if one.what == "terms"}

    assert terms() == {"glge", "bookcorpus"}
    assert terms("accept=[glge]") == {"bookcorpus"}


@pytest.mark.parametrize(("words", "status"), [([], 0), (["seds=3"], 1)])
def test_the_exit_status_says_whether_something_is_missing(machine_is_well, capsys, words, status):
    assert main(["doctor", "--config", *words] if words else ["doctor"]) == status
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok       machine: made" and not any("\033" in line for line in lines)
    assert any(line.startswith("missing  config: ") and "seeds" in line for line in lines) == bool(status)


def test_a_broken_installation_is_said(machine_is_well, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "janus.config.run_config", None)
    assert main(["doctor"]) == 1
    assert "missing  config: cannot be read: " in capsys.readouterr().out


def test_colours_are_for_terminals(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert wants_colour(Terminal()) and not wants_colour(io.StringIO())
    one = Finding("missing", "Java", "none", "install it")
    assert list(lines_of([one], coloured=True)) == ["\033[31mmissing\033[0m  Java: none; install it"]
    monkeypatch.setenv("NO_COLOR", "")
    assert not wants_colour(Terminal())
