"""Compare two systems' outputs: significance, and where they differ most.

A and B are text files, one output a line; or runs of the workflow (results/TIER/CORPUS/SYSTEM/seed-N), whose
references are known; or files of a run (decode/nar-11.bpe, score/nar-11.json). A is the baseline. Tested are the two
paired tests of the tables, on the metric of the task; then come lengths, repetition, and the lines with the largest
difference of sentence score. Without references, the lines that are least alike are shown.

Examples:
  janus compare baseline.txt system.txt --references gold.txt
  janus compare results/TIER/CORPUS/cmlm/seed-1 results/TIER/CORPUS/janus-paper/seed-1 --manner nar
  janus compare RUN/decode/nar-2.bpe RUN/decode/nar-11.bpe --top 20
  janus compare a.txt b.txt --references gold.txt --task summary --json > comparison.json
"""

import argparse
import sys
from pathlib import Path

from janus.cli.values import TASKS, language, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("baseline", type=Path, metavar="A", help="outputs, a run, or a file of a run")
    parser.add_argument("system", type=Path, metavar="B", help="the same, of the other system")
    parser.add_argument("--references", type=Path, metavar="FILE", help="one reference a line; by default the run's")
    parser.add_argument("--sources", type=Path, metavar="FILE", help="one source a line, shown; questions need them")
    parser.add_argument("--task", choices=TASKS, default="", help="what it is; by default the run's, or translation")
    parser.add_argument("--manner", choices=("ar", "nar"), default="", help="which outputs of a run")
    parser.add_argument("--language", type=language, metavar="CODE", help="of the outputs; by default the run's, or en")
    parser.add_argument("--lowercase", action="store_true", help="ignore case")
    parser.add_argument("--top", type=positive, default=5, metavar="N", help="lines shown; by default 5")
    parser.add_argument("--json", action="store_true", help="print JSON, with every line that differs")


def run(options: argparse.Namespace) -> None:
    """Print the comparison."""
    from janus.console import json_text, wants_colour, write_data_in_utf8
    from janus.metrics.comparison import compare
    from janus.report.differences import comparison_lines

    found = compare(
        options.baseline,
        options.system,
        references=options.references,
        sources=options.sources,
        task=options.task,
        manner=options.manner,
        language=options.language or "",
        folded=options.lowercase,
    )
    for path in found.retokenised:
        print(f"{path} is not tokenised: tokenised here as Moses does", file=sys.stderr)
    if options.json:
        write_data_in_utf8()
        print(json_text(found.plain, indent=1))
    else:
        print("\n".join(comparison_lines(found, top=options.top, colour=wants_colour(sys.stdout))))
