"""Check the published numbers against each other.

Examples:
  janus audit
  janus audit --all --write audit
"""

import argparse
from pathlib import Path

from janus.data import PUBLISHED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "--published", type=Path, default=PUBLISHED, metavar="DIR", help="folder of the published numbers"
    )
    parser.add_argument("--all", action="store_true", help="also print what agrees and what cannot be checked")
    parser.add_argument("--write", type=Path, metavar="STEM", help="write every finding to STEM.csv and STEM.md")


def run(options: argparse.Namespace) -> None:
    """Print the findings and their summary."""
    from janus.files import require_writable, with_ending
    from janus.report.audit import audit, summary, write_findings
    from janus.report.published import load_published
    from janus.report.text_claims import CONTRADICTS, LOOSE

    if options.write:
        require_writable(with_ending(options.write, ".csv"))
    findings = audit(load_published(options.published))
    for finding in findings:
        if options.all or finding.verdict in (CONTRADICTS, LOOSE):
            print(finding)
    print(summary(findings))
    if options.write:
        write_findings(findings, options.write)
