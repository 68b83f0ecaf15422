"""Say what a tier costs before anything is started: jobs, trainings, hours, disk, downloads, memory.

It is the plan of a whole run, from an empty folder; of its jobs the plan says how many are done in this one.

The arithmetic of trainings and decodings is counted from the sizes of the models and the batches. Hours follow from a
rate: stated with --gflops, or measured now by a few seconds of updates of the tier's widest model.

Examples:
  janus plan --configfile config/multi30k-cpu.yaml
  janus plan --configfile config/paper.yaml --gflops 30000 --json > plan.json
"""

import argparse
import json
import math
import sys
from pathlib import Path

from janus.cli.values import add_config_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add_config_arguments(parser)
    parser.add_argument(
        "--gflops", type=float, metavar="N", help="billions of counted operations a second that a training reaches"
    )
    parser.add_argument("--no-jobs", action="store_true", help="do not ask Snakemake for the jobs, which takes a while")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")


def run(options: argparse.Namespace) -> None:
    """Print the plan."""
    from janus.config.run_config import load_config
    from janus.errors import InputError
    from janus.planning.jobs import planned_jobs
    from janus.planning.machine import Machine
    from janus.planning.plan import lines_of, make_plan, measured

    if options.gflops is not None and not 0 < options.gflops < math.inf:
        raise InputError(
            "is not a finite number above zero", where="--gflops", fix="give the rate that a training reaches"
        )
    config = load_config(options.configfile, options.config)
    machine = Machine(options.gflops) if options.gflops else measured(config)
    terms = {item.accept for item in config.downloads() if item.accept}
    jobs, left = {}, None
    if not options.no_jobs:
        asked = {"accept": sorted(terms)}
        try:
            jobs = planned_jobs(options.configfile, options.config, **asked)
            # In an empty folder nothing is done; Snakemake takes its time.
            if Path("results", config.tier["tier"]).is_dir():
                left = planned_jobs(options.configfile, options.config, **asked, done=True)
        except InputError as error:
            print(f"jobs are not counted: {error}", file=sys.stderr)
    plan = make_plan(config, machine, jobs, left)
    print(json.dumps(plan, indent=1) if options.json else "\n".join(lines_of(plan)))
