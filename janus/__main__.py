"""`janus audit`: the published numbers against each other. `janus durations`: what took how long in a run.
`janus evidence`: what a run's numbers rest on. `janus floors`: what scores of dialogue give to replies that answer
nothing.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from janus.errors import InputError
from janus.metrics.floors import measure_floors
from janus.report.audit import audit, summary, write_findings
from janus.report.claims import CONTRADICTS, LOOSE
from janus.report.durations import durations, to_markdown
from janus.report.evidence import gather_evidence
from janus.report.published import load_published

_PUBLISHED = Path(__file__).resolve().parent.parent / "workflow" / "published"


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 with one line on stderr where the input is bad."""
    options = _parser().parse_args(words)
    try:
        options.call(options)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader has seen enough, as in `janus audit | head`; Python must not write the rest at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="janus", description="Reproduce the JANUS paper from corpus to table.")
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("audit", help="check the published numbers against each other")
    command.add_argument(
        "--published", type=Path, default=_PUBLISHED, metavar="DIR", help="folder of the published numbers"
    )
    command.set_defaults(call=_audit)
    command.add_argument("--all", action="store_true", help="print what agrees and what cannot be checked as well")
    command.add_argument("--write", type=Path, metavar="STEM", help="write every finding to STEM.csv and STEM.md")
    command = commands.add_parser("durations", help="how long each part of a run took")
    command.add_argument("logs", type=Path, metavar="DIR", help="folder of a tier's logs, logs/<tier>")
    command.set_defaults(call=_durations)
    command = commands.add_parser("evidence", help="copy what a run's numbers rest on, to be published with them")
    command.add_argument("run", type=Path, metavar="RUN", help="folder of a tier's results, results/<tier>")
    command.add_argument("target", type=Path, metavar="DIR", help="a new folder")
    command.add_argument("--logs", type=Path, metavar="DIR", help="folder of its logs; logs/<tier> unless given")
    command.set_defaults(call=_evidence)
    command = commands.add_parser("floors", help="what scores of dialogue give to replies that answer nothing")
    command.add_argument("dialogues", type=Path, metavar="FILE", help="dialogues, one a line, turns parted by tabs")
    command.add_argument("--write", type=Path, required=True, metavar="JSON", help="where the numbers go")
    command.set_defaults(call=_floors)
    return parser


def _durations(options: argparse.Namespace) -> None:
    print("\n".join(to_markdown(durations(options.logs))))


def _evidence(options: argparse.Namespace) -> None:
    gather_evidence(options.run, options.logs or Path("logs") / options.run.name, options.target)


def _floors(options: argparse.Namespace) -> None:
    measure_floors(options.dialogues, options.write)


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
