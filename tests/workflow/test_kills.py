"""A run that is killed at random moments ends as one that is not; `kill_many.py` does it more often."""

import subprocess
import sys

import pytest
from kill_many import Job, Run, Violation, kill_many

from janus.training.lock import folder_lock

pytestmark = pytest.mark.slow

# Two systems and no table, which kill_many.py's own command adds.
TARGETS = [
    f"results/kills/kills.de-en/{name}.json"
    for name in (
        "transformer/seed-1/score/ar",
        "janus-paper/seed-1/score/nar-3",
        "janus-paper/seed-1/compare/ar-transformer",
    )
]


# What a shell would take apart, and a name that looks like an option.
FOLDER = '-it\'s "$HOME" & größe; #1'


def test_killed_runs_end_as_an_undisturbed_one(tmp_path):
    """At least ten kills: one of the group in every kind of rule, and one in each of the first ways."""
    counted = kill_many(10, seed=2, folder=tmp_path / FOLDER, targets=TARGETS, each=1)
    assert counted["differing"] == [] and counted["leftover"] == []
    # Two records of training and two averages with theirs, three decoded files with theirs, two scores, a comparison;
    # and whatever else stands beside them.
    assert counted["compared"] >= 2 + 2 * 2 + 2 * 3 + 2 + 1
    assert len(counted["kills"]) >= 10 and counted["starts"] > len(counted["kills"]) and counted["resumptions"] >= 1
    assert {"prepare", "learn_bpe", "binarise", "train", "average", "decode", "score", "compare"} <= set(
        counted["rules"]
    )
    assert min(counted["rules"].values()) >= 1


def test_a_second_run_of_the_tier_is_refused_and_a_plan_is_not(tmp_path):
    run = Run(tmp_path / "run", cores=1)
    with folder_lock(run.folder / "results/kills", what="run of the workflow"):
        environment = {"cwd": run.folder, "capture_output": True, "text": True}
        plan = subprocess.run([*run.command, "--dry-run"], **environment)
        assert plan.returncode == 0, plan.stderr
        second = subprocess.run([sys.executable, "-m", "snakemake", *run.command[3:]], **environment)
    assert second.returncode == 1
    assert "error: results/kills: another run of the workflow is writing here (process " in second.stderr
    assert "Traceback" not in second.stderr
    assert not (run.folder / "results/kills").exists()


def test_the_harness_notices_two_trainings_in_a_folder(tmp_path):
    run = Run(tmp_path / "run", cores=1)
    code = "import time; time.sleep(60)"
    both = [subprocess.Popen([sys.executable, "-c", code, "--save-dir", "x"], cwd=run.folder) for _ in range(2)]
    try:
        with pytest.raises(Violation, match="two trainings write into"):
            run.watch(20, both[0])
    finally:
        for process in both:
            process.kill()
            process.wait()


def test_the_jobs_of_a_start_are_read_from_its_log(tmp_path):
    run = Run(tmp_path / "run", cores=1)
    old = "[Sat Nov 28 06:22:21 2026]\nJob 1: Prepare a\n"
    run.log.write_text(old, encoding="utf-8")
    begin = run.begin_log()
    lines = [
        "[Sat Nov 28 06:30:00 2026]",
        "Job 8: Decode größe with cmlm: nar-11",
        "Job 7: Score größe",
        "[Sat Nov 28 06:30:04 2026]",
        "Finished jobid: 8 (Rule: decode)",
    ]
    run.log.write_text(old + "\n".join(lines) + "\n", encoding="utf-8")
    decode, score = run.jobs(begin)
    assert (decode.message, decode.rule, decode.seconds) == ("Decode größe with cmlm: nar-11", "decode", 4)
    assert score == Job("Score größe", decode.begun)
    assert [job.message for job in run.jobs()][0] == "Prepare a"


def test_snakemakes_own_lock_is_explained_in_one_line(own):
    locks = own.folder / ".snakemake/locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").write_text("results/demo/figures/figure2.svg\n")
    words = ("figure2", "--cores", "1", "--workflow-profile", "none")
    done = own.snakemake(*words)
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert (
        done.stdout.count("error: .snakemake/locks: another Snakemake works in this folder, or one that was killed")
        == 1
    )
    assert "cannot be locked" not in done.stdout and "give `snakemake --unlock` and then the same" in done.stdout
    assert own.snakemake("--unlock", *words).returncode == 0
    assert not list(locks.glob("*"))
