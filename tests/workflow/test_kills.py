"""A run that is killed at random moments ends as one that is not; `kill_many.py` does it more often."""

import subprocess
import sys

import pytest
from kill_many import WAYS, Run, Violation, kill_many

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


def test_killed_runs_end_as_an_undisturbed_one(tmp_path):
    counted = kill_many(5, seed=2, folder=tmp_path, targets=TARGETS)
    assert counted["differing"] == [] and counted["leftover"] == []
    # Two records of training and two averages with theirs, three decoded files with theirs, two scores, a comparison;
    # and whatever else stands beside them.
    assert counted["compared"] >= 2 + 2 * 2 + 2 * 3 + 2 + 1
    assert len(counted["kills"]) == 5 and counted["starts"] >= 6 and counted["resumptions"] >= 1
    assert len({whom for whom, _, _ in counted["kills"]} & {whom for whom, _ in WAYS[:5]}) == 3


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
