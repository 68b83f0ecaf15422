"""Tables and figures of a tier: names that are taken, metrics that nothing computes, curves without data."""

from pathlib import Path

import pytest
from checked_tiers import SYSTEMS, checked, problems

from janus.config.systems import decoding_settings
from janus.config.tiers import settings
from janus.files import read_json
from janus.report.names import scored_metrics

ROOT = Path(__file__).resolve().parents[2]
GENERATED, REAL = "demo.iwslt14.de-en", "multi30k.de-en"
OVERVIEW = {"title": "T", "corpus": GENERATED, "systems": ["transformer"], "baseline": "transformer"}


def own(name="dom", corpus=GENERATED, **more):
    """A change that adds a table of the tier's own."""
    table = {"title": "T", "systems": ["transformer"], "columns": {corpus: "News"}, **more}

    def change(tier):
        if corpus not in tier["corpora"]:
            tier["corpora"].append(corpus)
        tier["tables"][name] = table

    return change


@pytest.mark.parametrize(
    ("corpus", "metrics", "said"),
    [
        (GENERATED, ["bleu_tokk"], "unknown metric 'bleu_tokk' (did you mean 'bleu_tok'?)"),
        (GENERATED, ["bleu_tok", "rouge1_155"], "unknown metric 'rouge1_155'"),
        (REAL, ["valid"], "unknown metric 'valid'"),
        ("demo.xsum.src-tgt", ["bleu_tok"], "unknown metric 'bleu_tok'"),
    ],
)
def test_a_metric_that_nothing_computes_is_refused(corpus, metrics, said):
    system = {"systems": ["bart-base-ar"]} if corpus.endswith("tgt") else {}
    [problem] = problems(own(corpus=corpus, metrics=metrics, **system))
    assert problem.startswith(f"demo.yaml: tables.dom.metrics: {said}") and f"the scores of {corpus}" in problem


def test_metrics_of_generated_text_are_allowed_there():
    checked(own(metrics=["bleu_tok", "valid", "mixed", "repetition"]))


@pytest.mark.parametrize(
    ("place", "task"),
    [
        ("multi30k-cpu/multi30k.de-en", "translation"),
        ("small-cpu/package-summaries.src-tgt", "summary"),
        ("small-cpu/fairytaleqa.src-tgt", "question"),
        ("small-cpu/chitchat.src-tgt", "reply"),
    ],
)
def test_the_metrics_of_a_task_are_those_of_its_files_of_scores(place, task):
    files = list((ROOT / "results/reference" / place).glob("*/seed-1/score/*.json"))
    assert files
    for path in files:
        assert set(read_json(path)["scores"]) == set(scored_metrics(task, generated=False)), path


@pytest.mark.parametrize("name", ["claims", "vital-signs", "complexity", "figure4", "dom-tests", "dom-cells"])
def test_a_name_that_is_another_product_s_is_refused(name):
    [table] = problems(own(name))
    assert table.startswith(f"demo.yaml: tables.{name}: ") and table.endswith("give it another name")
    [overview] = problems(lambda tier: tier["overviews"].update({name: OVERVIEW}))
    assert overview.startswith(f"demo.yaml: overviews.{name}: ")


def test_an_overview_cannot_have_the_name_of_a_table():
    assert problems(lambda tier: tier["overviews"].update(table1=OVERVIEW))
    assert problems(lambda tier: tier["overviews"].update(table7=OVERVIEW))


def test_figure_5_needs_a_validation_bleu():
    def change(tier):
        tier["overrides"].append({"systems": ["cmlm"], "training": {"valid_bleu_sentences": 0}})

    assert problems(change) == [
        "demo.yaml: figures.figure5: cmlm computes no validation BLEU, which the figure shows; "
        "set `training.valid_bleu_sentences`, or leave the figure out"
    ]


@pytest.mark.parametrize(
    ("changes", "place"),
    [({"baselines": {"ar": ["transformer"]}}, "baselines"), ({"adds_to": ["transformer"]}, "adds_to")],
)
def test_a_row_is_not_tested_against_itself(changes, place):
    systems = SYSTEMS | {"transformer": SYSTEMS["transformer"] | changes}
    [problem] = problems(lambda tier: None, systems=systems)
    assert problem == (
        f"config/systems.yaml: transformer.{place}: a row cannot be tested against itself; name another system"
    )


def decoded_by(decoder, **changes):
    """The systems, with another decoder for janus-paper."""
    return SYSTEMS | {"janus-paper": SYSTEMS["janus-paper"] | {"decoding": {"decoder": decoder}} | changes}


@pytest.mark.parametrize(
    ("decoder", "changes", "said"),
    [
        ("easy_first", {}, "easy_first fills words that do not see themselves, and a model of the method joint has"),
        ("ctc", {}, "ctc fills cells that align with words, and a model of the method joint has learnt to fill masks"),
        ("mask_predict", {"manners": ["ar"]}, "the system does not decode as nar, as mask_predict does"),
        ("beam", {"manners": ["nar"]}, "the system does not decode as ar, as beam does"),
    ],
)
def test_a_decoder_of_other_models_or_of_another_manner_is_refused(decoder, changes, said):
    found = problems(lambda tier: None, systems=decoded_by(decoder, **changes))
    assert any("janus-paper.decod" in problem and said in problem for problem in found)


def test_a_decoder_replaces_that_of_its_manner_alone():
    systems = decoded_by("reparameterised")
    run = settings(checked(systems=systems), corpus=GENERATED, system="janus-paper")
    chosen = {
        manner: decoding_settings(systems["janus-paper"], run, manner=manner).get("decoder") for manner in ("ar", "nar")
    }
    assert chosen == {"ar": None, "nar": "reparameterised"}
