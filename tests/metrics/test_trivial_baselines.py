"""The floors, and the page that states them: its tables are the tracked record's."""

import csv
import json
from collections import Counter
from functools import partial
from math import log
from pathlib import Path

import pytest

from janus.demo.tasks import pairs, verdicts
from janus.errors import InputError
from janus.files import write_lines
from janus.metrics.dialogue import SMOOTHINGS, score_dialogue
from janus.metrics.trivial_baselines import (
    SHORT,
    floor_replies,
    measure_floors,
    page_tables,
    score_floors,
    without_shared_bigram,
)
from janus.report.published import load_published

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "workflow" / "report" / "personachat.md"
RECORD = json.loads(
    (ROOT / "results" / "reference" / "metrics" / "personachat-floors.json").read_text(encoding="utf-8")
)
SAMPLES, FLOORS = ("all", "short"), ("unrelated", "dull", "copy")


def test_an_unrelated_reply_is_another_example_own() -> None:
    references = [f"r{i}" for i in range(50)]
    replies = floor_replies(["s"] * 50, references, ["t"], seed=3)["unrelated"]
    assert Counter(replies) == Counter(references)
    assert all(reply != reference for reply, reference in zip(replies, references, strict=True))
    assert replies == floor_replies(["s"] * 50, references, ["t"], seed=3)["unrelated"]
    assert replies != floor_replies(["s"] * 50, references, ["t"], seed=4)["unrelated"]


def test_the_dull_reply_is_the_training_side_favourite() -> None:
    replies = floor_replies(["a", "b"], ["c", "d"], ["no", "yes", "yes", "no", "yes"], seed=1)
    assert replies["dull"] == ["yes", "yes"]
    assert replies["copy"] == ["a", "b"]


@pytest.mark.parametrize(("references", "training"), [(["c"], ["t"]), (["c", "d"], [])])
def test_too_little_is_refused(references: list[str], training: list[str]) -> None:
    with pytest.raises(InputError, match="floors: .* examples and . training replies"):
        floor_replies(references, references, training, seed=1)


@pytest.mark.parametrize("length", [6, 10, 20])
def test_bleu_1_without_a_bigram_keeps_to_its_formula(length: int) -> None:
    """(1 + 2 p_1 + p_2) / 3 with what each method 4 puts for p_2; the brevity penalty is 1."""
    scores = without_shared_bigram(length)
    precision = round(length / 5) / length
    smoothed = {
        "nltk34": 1 / (1 + 5 / log(length)),
        "nltk35": (1 + 5 / log(length)) / (length - 1),
        "nltk36": log(length) / 10 / (length - 1),
    }
    for variant in SMOOTHINGS:
        expected = 100 * (1 + 2 * precision + smoothed[variant]) / 3
        assert scores[f"bleu1_{variant}"] == pytest.approx(expected)


def test_measuring_writes_what_the_page_shows(tmp_path: Path) -> None:
    dialogues = tmp_path / "dialogues.txt"
    turns = ["hello there , how are you today ?", "i am fine , and you my friend ?", "not so bad at all , thank you !"]
    lines = ["\t".join(f"{turn} {i % 7}" for turn in turns) for i in range(400)]
    dialogues.write_text("\n".join(lines) + "\n", encoding="utf-8")
    measure_floors(dialogues, tmp_path / "floors.json")
    record = json.loads((tmp_path / "floors.json").read_text(encoding="utf-8"))
    assert set(record["samples"]) == {"all", "short"}
    assert record["samples"]["short"]["rows"]["reference"]["bleu1_corpus"]["value"] == pytest.approx(100)
    assert record["provenance"]["inputs"].keys() == {"dialogues.txt"}
    tables = page_tables(record)
    assert [len(table.splitlines()) for table in tables] == [6, 6, 8]


@pytest.fixture
def prepared(tmp_path: Path) -> dict[str, Path]:
    """Four exchanges of the demo task and a training side whose favourite reply is known."""
    examples = list(pairs("reply", 4, seed=1))
    write_lines(tmp_path / "train.tgt", ["i have a dog .", "yes .", "yes ."])
    write_lines(tmp_path / "test.src", [source for source, _ in examples])
    write_lines(tmp_path / "test.tgt", [reply for _, reply in examples])
    sides = {"sources": tmp_path / "test.src", "references": tmp_path / "test.tgt"}
    return {"training_replies": tmp_path / "train.tgt", **sides, "output": tmp_path / "floors"}


def test_the_floors_of_a_corpus_are_score_files(prepared: dict[str, Path]) -> None:
    score_floors(**prepared, verdicts=partial(verdicts, "reply"), facts={"corpus": "demo"})
    sources, references = (prepared[side].read_text().splitlines() for side in ("sources", "references"))
    replies = {"dull": ["yes ."] * 4, "copy": [source.split(" [SEP] ")[-1] for source in sources]}
    for floor in FLOORS:
        record = json.loads((prepared["output"] / f"{floor}.json").read_text())
        assert record["provenance"]["floor"] == floor and record["provenance"]["corpus"] == "demo"
        if floor in replies:
            assert record["scores"].items() >= score_dialogue(replies[floor], references).items()
        assert record["scores"]["valid"]["value"] == 0
    assert record["scores"]["words"]["value"] > 1


def test_sources_of_another_length_leave_no_floor(prepared: dict[str, Path]) -> None:
    write_lines(prepared["sources"], ["a", "b", "c"])
    with pytest.raises(InputError, match=r"test.tgt: 4 lines for 3 hypotheses in .*test.src"):
        score_floors(**prepared)
    assert not prepared["output"].exists()


def said(*words: str) -> bool:
    """Does the page say this, wherever its lines break?"""
    return " ".join(words) in " ".join(PAGE.read_text(encoding="utf-8").split())


def of(sample: str, row: str, name: str) -> float:
    return RECORD["samples"][sample]["rows"][row][name]["value"]


def test_the_page_shows_the_record() -> None:
    for table in page_tables(RECORD):
        assert table in PAGE.read_text(encoding="utf-8")
    for sample in RECORD["samples"].values():
        assert said(f"{sample['examples']:,} examples, {sample['tokens']:.1f} tokens a reply;")
        assert said(f"the most frequent reply is “{sample['dull']}”.")
    assert said(f"have {SHORT[0]} to {SHORT[-1]} tokens:")


def test_the_page_says_what_the_record_says() -> None:
    lifts = [
        [
            of(s, "unrelated", f"bleu{n}_{v}") / of(s, "unrelated", f"bleu{n}_corpus")
            for s in SAMPLES
            for v in SMOOTHINGS
        ]
        for n in (1, 2)
    ]
    times = [f"{min(lift):.0f} to {max(lift):.0f} times its corpus BLEU-{n}" for n, lift in enumerate(lifts, 1)]
    assert said("An unrelated reply is given", " and ".join(times))
    assert said(f"has {of('short', 'copy', 'bleu1_nltk35'):.1f} under NLTK 3.5")
    spread = max(
        max(values) - min(values)
        for row in RECORD["samples"]["short"]["rows"]
        for values in [[of("short", row, f"bleu2_{variant}") for variant in SMOOTHINGS]]
    )
    assert said(f"up to {spread:.1f} points of BLEU-2")
    ratios = {row: of("short", row, "bleu2_nltk36") / of("short", row, "bleu1_nltk36") for row in FLOORS}
    assert said(f"have {min(ratios.values()):.2f} to {max(ratios.values()):.2f} and the reference itself")
    whole = max(of(s, "reference", "bleu2_nltk36") / of(s, "reference", "bleu1_nltk36") for s in SAMPLES)
    assert said(f"no more than {whole:.2f}:")


def test_the_page_says_what_the_paper_prints() -> None:
    published = load_published(ROOT / "workflow" / "published")
    bleu = {row: [published.find(5, row, f"BLEU-{n}").value for n in (1, 2)] for row in published.rows(5)}
    ones = [one for one, _ in bleu.values()]
    assert said(f"Table 5's rows have {min(ones)} to {max(ones)}.")
    ratios = {row: two / one for row, (one, two) in bleu.items()}
    assert said(f"The rows of Table 5 have {min(ratios.values()):.2f} to {max(ratios.values()):.2f}.")
    first = max(ratios, key=ratios.__getitem__)
    one, two = bleu[first]
    assert said(f"{first} has {ratios[first]:.2f} ({two} / {one})")
    others = [ratio for row, ratio in ratios.items() if "JANUS" not in row and "our impl" not in row]
    assert said(f"taken from GLGE and BANG ({min(others):.2f} to {max(others):.2f})")
    lead = bleu["BART-JANUS AR"][1] - bleu["BART-base AR (our impl)"][1]
    assert said(f"BART-JANUS AR leads BART-base by {lead}.")


def test_the_page_shows_the_models_of_the_tracked_run() -> None:
    run = ROOT / "results" / "reference" / "small-cpu"
    with open(run / "tables" / "table5-cells.csv", encoding="utf-8", newline="") as stream:
        cells = {(cell["row"], cell["metric"]): cell["value"] for cell in csv.DictReader(stream)}
    columns = ("bleu1_nltk35", "bleu2_nltk35", "bleu1_corpus", "bleu2_corpus", "distinct1", "distinct2", "words")
    shown = {
        "the turn before, repeated": "floor: the turn before, repeated",
        "another exchange's reply": "floor: another example's reply",
        "Transformer": "Transformer AR",
        "BART-base AR": "BART-base AR (our impl)",
        "BART-JANUS AR": "BART-JANUS AR",
        "BART-JANUS NAR, 5 passes": "BART-JANUS NAR iter 4",
    }
    for name, row in shown.items():
        assert said(f"| {name} |", " | ".join(f"{float(cells[row, column]):.1f}" for column in columns), "|")
    corpus = json.loads((run / "chitchat.src-tgt" / "corpus" / "corpus.json").read_text(encoding="utf-8"))
    assert said(f"{corpus['lines']['test']:,} examples")
