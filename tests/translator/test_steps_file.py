"""The steps that the page of a run shows: the script's file ends in what the rule `decode` writes."""

from pathlib import Path

import pytest
from rule_scripts import run_script
from translator_run import COUNTS, decode, make_run

from janus.decoding.decoding import Decoding
from janus.fetching.manifest import Corpus
from janus.files import read_json, read_lines
from janus.report.page.steps import refinements
from janus.translator.steps_file import short_lines

NAR = {"passes": 3, "length_beam": 2}


@pytest.mark.slow
def test_the_last_pass_is_the_decoded_line(tmp_path: Path) -> None:
    facts = {"source": "de", "target": "en", "recipe": "grammar", "licence": "", "lowercase": True, "merges": 60}
    run = make_run(tmp_path, Corpus("made.de-en", **facts, options=COUNTS))
    written = read_lines(decode(run, "nar-3", **NAR))
    tokens = read_lines(run.parents[1] / "corpus/tok/test.de")
    for mode, options in (("nar-3", NAR), ("ar", {})):
        done = run_script(
            "show_steps",
            {"steps": run / f"decode/{mode}.steps.jsonl", "facts": run / f"decode/{mode}.steps.json"},
            run,
            input={"checkpoint": str(run / "averaged.pt"), "tok": str(run.parents[1] / "corpus/tok")},
            wildcards={},
            params={
                "source": "de",
                "chosen": {"count": 3, "longest": 40},
                "decoding": Decoding.of(manner=mode.partition("-")[0], method="joint", **options).plain,
            },
        )
        assert done.returncode == 0, (run / "log").read_text()
    [shown] = refinements(tmp_path / "results/tiny")
    assert shown["title"] == "janus, nar-3, seed 1, made.de-en"
    assert [one["source"] for one in shown["sentences"]] == tokens[:3]
    for sentence, line in zip(shown["sentences"], written):
        assert len(sentence["passes"]) == 3 and all(sentence["passes"][0]["masked"])
        assert " ".join(sentence["passes"][-1]["subwords"]) == line
    assert read_json(run / "decode/nar-3.steps.json")["sentences"] == 3
    # Left to right there are no passes to show.
    assert read_lines(run / "decode/ar.steps.jsonl") == []


def test_short_lines_are_the_first_that_are_short_enough() -> None:
    lines = ["a b c", "", "a", "a b", "c"]
    assert short_lines(lines, 2, 2) == [(3, "a"), (4, "a b")]
    assert short_lines(lines, 2, 0) == []
