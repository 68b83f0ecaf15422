"""`janus audit`: check the published numbers against each other. `janus claims`: test the paper's claims on a run.
`janus durations`: the time of each part of a run. `janus evidence`: the records behind a run's numbers.
`janus floors`: dialogue scores of trivial replies. `janus keep`, `janus restore`: move finished rows of a run.
`janus rehearse`: a tier's workflow at small scale. `janus schema`: the schema of systems.yaml for editors.
`janus trials`: the best setting of a grid.
`janus vital-signs`: whether the outputs of a run are degenerate.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from janus.console import tolerate_any_encoding
from janus.data import PUBLISHED, SCHEMAS
from janus.errors import InputError, JobError
from janus.metrics.trivial_baselines import measure_floors
from janus.records.durations import durations, to_markdown
from janus.records.evidence import gather_evidence
from janus.records.kept_rows import keep_rows, restore_rows
from janus.report.audit import audit, summary, write_findings
from janus.report.published import load_published
from janus.report.text_claims import CONTRADICTS, LOOSE
from janus.report.trials import read_trials, write_trials
from janus.report.trials import to_markdown as trials_to_markdown
from janus.report.vital_signs import markdown, signs_of_run
from janus.report.vital_signs import summary as summary_of_signs
from janus.room import disk_errors_as_one_line


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 with one line on stderr if the input is bad.

    `vital-signs` also returns 1, with one line, if an output is degenerate.
    """
    tolerate_any_encoding()
    options = _parser().parse_args(words)
    try:
        with disk_errors_as_one_line():
            status = options.call(options) or 0
            # On a full disk, Python would otherwise report the error at exit, with a traceback.
            print(end="", flush=True)
            return status
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    except JobError as error:
        print(error, file=sys.stderr)
        _discard_output()
        return 1
    except BrokenPipeError:
        # The reader closed the pipe, as in `janus audit | head`.
        _discard_output()
    return 0


def _discard_output() -> None:
    """Keep Python from flushing its buffer at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="janus", description="Reproduce the JANUS paper from corpus to table.")
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("audit", help="check the published numbers against each other")
    command.add_argument(
        "--published", type=Path, default=PUBLISHED, metavar="DIR", help="folder of the published numbers"
    )
    command.set_defaults(call=_audit)
    command.add_argument("--all", action="store_true", help="also print what agrees and what cannot be checked")
    command.add_argument("--write", type=Path, metavar="STEM", help="write every finding to STEM.csv and STEM.md")
    command = commands.add_parser("claims", help="test the paper's claims on a run")
    command.add_argument("run", type=Path, metavar="RUN", help="folder of a tier's results, results/<tier>")
    command.add_argument(
        "--configfile", type=Path, metavar="TIER", help="the tier's file; by default config/<tier>.yaml"
    )
    command.add_argument(
        "--write", type=Path, metavar="STEM", help="write the table and the plot to STEM.md, STEM.svg, …"
    )
    command.set_defaults(call=_claims)
    command = commands.add_parser("durations", help="how long each part of a run took")
    command.add_argument("logs", type=Path, metavar="DIR", help="folder of a tier's logs, logs/<tier>")
    command.set_defaults(call=_durations)
    command = commands.add_parser("evidence", help="copy the records behind a run's numbers, for publication")
    command.add_argument("run", type=Path, metavar="RUN", help="folder of a tier's results, results/<tier>")
    command.add_argument("target", type=Path, metavar="DIR", help="a new folder")
    command.add_argument("--logs", type=Path, metavar="DIR", help="folder of its logs; by default logs/<tier>")
    command.set_defaults(call=_evidence)
    command = commands.add_parser("floors", help="dialogue scores of trivial replies")
    command.add_argument(
        "dialogues", type=Path, metavar="FILE", help="dialogues, one per line, turns separated by tabs"
    )
    command.add_argument("--write", type=Path, required=True, metavar="JSON", help="the output file")
    command.set_defaults(call=_floors)
    command = commands.add_parser("keep", help="copy a run's finished rows, without checkpoints, to go on elsewhere")
    command.add_argument("run", type=Path, metavar="RUN", help="folder of a tier's results, results/<tier>")
    command.add_argument("target", type=Path, metavar="DIR", help="a folder that may hold rows of the same revision")
    command.set_defaults(call=_keep)
    command = commands.add_parser("restore", help="put kept rows back into the results of a run")
    command.add_argument("kept", type=Path, metavar="DIR", help="what `janus keep` made")
    command.add_argument("run", type=Path, metavar="RUN", help="folder of a tier's results, its corpora prepared")
    command.set_defaults(call=_restore)
    command = commands.add_parser(
        "rehearse", help="run a tier's whole workflow at small scale: synthetic data, narrow models"
    )
    command.add_argument(
        "--configfile", type=Path, nargs="+", metavar="TIER", help="tier files; by default all in config/"
    )
    command.add_argument(
        "--folder", type=Path, metavar="DIR", help="working folder, which is kept; by default a temporary one"
    )
    command.add_argument("--cores", type=_positive, metavar="N", help="CPU cores; by default all")
    command.add_argument("--cold", action="store_true", help="start every job in a fresh Python (`warm_jobs: false`)")
    command.set_defaults(call=_rehearse)
    command = commands.add_parser("schema", help="write the schema of systems.yaml, with the options of all methods")
    command.add_argument("--write", type=Path, metavar="FILE", help="the output file; by default standard output")
    command.set_defaults(call=_schema)
    command = commands.add_parser("trials", help="the best of a grid for each row, by validation BLEU")
    command.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="folders of the trials' tiers, results/<tier>"
    )
    command.add_argument("--updates", type=_positive, metavar="N", help="count no validation after N updates")
    command.add_argument("--write", type=Path, metavar="STEM", help="write the table to STEM.md and STEM.json")
    command.set_defaults(call=_trials)
    command = commands.add_parser(
        "vital-signs", help="check the decoded files of a run for degenerate outputs; status 1 if there are any"
    )
    command.add_argument("run", type=Path, metavar="RUN", help="folder of a tier's results, results/<tier>")
    command.set_defaults(call=_vital_signs)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


# argparse shows this name.
_positive.__name__ = "positive number"


def _trials(options: argparse.Namespace) -> None:
    trials = read_trials(options.runs, options.updates)
    print("\n".join(trials_to_markdown(trials)))
    if options.write:
        write_trials(trials, options.write)


def _vital_signs(options: argparse.Namespace) -> int:
    decoded = signs_of_run(options.run)
    print(markdown(decoded))
    if line := summary_of_signs(decoded, "above"):
        print(line, file=sys.stderr)
    return int(bool(line))


def _claims(options: argparse.Namespace) -> None:
    # Scorers and matplotlib take seconds to import.
    from janus.claims.command import claims_of_run

    print(claims_of_run(options.run, options.configfile, options.write), end="")


def _durations(options: argparse.Namespace) -> None:
    print("\n".join(to_markdown(durations(options.logs))))


def _evidence(options: argparse.Namespace) -> None:
    gather_evidence(options.run, options.logs or Path("logs") / options.run.name, options.target)


def _floors(options: argparse.Namespace) -> None:
    measure_floors(options.dialogues, options.write)


def _keep(options: argparse.Namespace) -> None:
    print("\n".join(map(str, keep_rows(options.run, options.target))))


def _restore(options: argparse.Namespace) -> None:
    print("\n".join(map(str, restore_rows(options.kept, options.run))))


def _rehearse(options: argparse.Namespace) -> None:
    # Only this command needs PyTorch, which takes seconds to import.
    from janus.rehearsal.command import rehearse_tiers

    rehearse_tiers(options.configfile, options.folder, cores=options.cores, warm=not options.cold)


def _schema(options: argparse.Namespace) -> None:
    from janus.config.system_entries import schema_text

    text = schema_text(SCHEMAS)
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


def _audit(options: argparse.Namespace) -> None:
    findings = audit(load_published(options.published))
    for finding in findings:
        if options.all or finding.verdict in (CONTRADICTS, LOOSE):
            print(finding)
    print(summary(findings))
    if options.write:
        write_findings(findings, options.write)


if __name__ == "__main__":
    sys.exit(main())
