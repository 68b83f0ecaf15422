"""Score output files of any system, and test two of them.

Every variant of every metric of the task is printed with its signature. Text that is not tokenised is noticed, said,
and tokenised for the scores that are counted on tokens.

Examples:
  janus score outputs.txt references.txt --against baseline.txt
  janus score outputs.txt references.txt --task question --sources sources.txt --json
"""

import argparse
import json
import sys
from pathlib import Path

from janus.cli.values import TASKS, language


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("outputs", type=Path, metavar="OUTPUTS", help="one output a line")
    parser.add_argument("references", type=Path, metavar="REFERENCES", help="one reference a line")
    parser.add_argument("--task", choices=TASKS, default="translation", help="what it is; by default translation")
    parser.add_argument("--sources", type=Path, metavar="FILE", help="one source a line; questions are grouped by them")
    parser.add_argument("--against", type=Path, metavar="FILE", help="a baseline's outputs, for a paired test")
    parser.add_argument(
        "--language", type=language, default="en", metavar="CODE", help="of outputs and references; by default en"
    )
    parser.add_argument("--lowercase", action="store_true", help="ignore case")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(options: argparse.Namespace) -> None:
    """Print the scores, and the tests."""
    from janus.files import read_lines
    from janus.metrics.lines import check_as_many
    from janus.metrics.outputs import Outputs, compare_scores, score_outputs, untokenised
    from janus.report.csvfile import to_markdown
    from janus.report.differences import tests_line
    from janus.report.names import METRICS
    from janus.text.moses import UNSPACED

    files = {"hypotheses": options.outputs, "references": options.references, "sources": options.sources}
    files = {name: path for name, path in files.items() if path}
    lines = {name: read_lines(path) for name, path in files.items()}
    baseline = read_lines(options.against) if options.against else []
    common = {"references": lines["references"], "sources": lines.get("sources", ())}
    common |= {"task": options.task, "language": options.language, "folded": options.lowercase}
    system = Outputs(lines=lines["hypotheses"], **common, places=files)
    if options.against:
        check_as_many(baseline, system.lines, where=options.against, other=options.outputs)
    together = "; it leaves words together that no space parts: see sacreBLEU" if options.language in UNSPACED else ""
    for name in untokenised(system, baseline):
        shown = "the baseline's outputs" if name == "baseline" else name
        print(
            f"{shown} are not tokenised: tokenised here as Moses does ({options.language}){together}", file=sys.stderr
        )
    scores = score_outputs(system, baseline)
    tests = compare_scores(Outputs(lines=baseline, **common), system) if options.against else None
    if options.json:
        print(json.dumps({"scores": scores, "tests": tests}, indent=1))
        return
    rows = [
        {"metric": METRICS.get(name, name), "value": f"{one['value']:.2f}", "signature": one["signature"]}
        for name, one in scores.items()
    ]
    print(to_markdown(["metric", "value", "signature"], rows))
    if tests:
        print(tests_line(tests))
