"""Dialogue scores of replies that do not answer anything: the floors of Table 5, and its ceiling.

`python -m janus floors DIALOGUES --write JSON` measures them on dialogues without personas and writes the numbers of
`workflow/report/personachat.md`, whose tables are `page_tables` of that record.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from janus.errors import InputError
from janus.fetching.opening import read_lines
from janus.files import sha256, write_json
from janus.metrics.dialogue import SMOOTHINGS, mean_sentence_bleu, score_dialogue
from janus.metrics.lines import check_lines
from janus.metrics.task_files import Judges, task_scores
from janus.recipes.dialogue import exchanges, split_of
from janus.records.provenance import Stopwatch, provenance
from janus.text.one_language import parts_of, tokenised

# PersonaChat's turns are short; those of other chats may be a word or a paragraph.
SHORT = range(6, 17)
LENGTHS = (6, 8, 10, 12, 15, 20)
# One word in five is in the reference, without a common bigram.
_SHARED = 0.2

_COLUMNS = {
    "bleu1_nltk34": "BLEU-1, NLTK ≤ 3.4",
    "bleu2_nltk34": "BLEU-2",
    "bleu1_nltk35": "BLEU-1, NLTK 3.5",
    "bleu2_nltk35": "BLEU-2",
    "bleu1_nltk36": "BLEU-1, NLTK ≥ 3.6",
    "bleu2_nltk36": "BLEU-2",
    "bleu1_corpus": "corpus BLEU-1",
    "bleu2_corpus": "BLEU-2",
    "distinct1": "Distinct-1",
    "distinct2": "Distinct-2",
}
_ROWS = {
    "unrelated": "another exchange's reply",
    "dull": "the most frequent reply",
    "copy": "the turn before, repeated",
    "reference": "the reference itself",
}


def floor_replies(
    sources: Sequence[str], references: Sequence[str], training_replies: Sequence[str], *, seed: int
) -> dict[str, list[str]]:
    """Hypotheses that do not answer anything, by name, line i for example i.

    `unrelated`: the reference of another example, each used once; `dull`: the most frequent training reply, the first
    of equals; `copy`: the source. Raises InputError where there is no other example or no training reply.
    """
    if len(references) < 2 or not training_replies:
        raise InputError(
            f"{len(references)} examples and {len(training_replies)} training replies",
            where="floors",
            fix="give at least two examples and one training reply",
        )
    order = list(range(len(references)))
    random.Random(seed).shuffle(order)
    follower = dict(zip(order, order[1:] + order[:1], strict=True))
    dull = Counter(training_replies).most_common(1)[0][0]
    return {
        "unrelated": [references[follower[i]] for i in range(len(references))],
        "dull": [dull] * len(references),
        "copy": list(sources),
    }


def score_floors(
    *,
    training_replies: Path,
    sources: Path,
    references: Path,
    output: Path,
    seed: int = 1,
    verdicts: Judges | None = None,
    facts: dict[str, Any] | None = None,
) -> None:
    """Score the floors of a prepared corpus into `<output>/<floor>.json`, each a file as `score_task_file` writes.

    All files contain tokenised text; the copy of a source is its last part, the turn before the reply. `verdicts` and
    `facts` are as in that function. Raises InputError, naming the file and writing nothing, for a missing file, unequal
    line counts and empty lines, and if there is too little to choose from.
    """
    watch = Stopwatch()
    files = {"training_replies": training_replies, "sources": sources, "references": references}
    asked, gold = list(read_lines(sources)), list(read_lines(references))
    check_lines(asked, places={"hypotheses": sources, "references": references}, references=gold)
    turns = [parts_of(source)[-1] for source in asked]
    replies = floor_replies(turns, gold, list(read_lines(training_replies)), seed=seed)
    scores = {name: task_scores("reply", said, gold, asked, verdicts=verdicts) for name, said in replies.items()}
    inputs = {name: sha256(path) for name, path in files.items()}
    for name, values in scores.items():
        record = provenance(watch=watch, floor=name, seed=seed, **(facts or {}), inputs=inputs)
        write_json(output / f"{name}.json", {"scores": values, "provenance": record})


def without_shared_bigram(length: int) -> dict[str, float]:
    """Sentence BLEU-1 and -2 of a reply of `length` tokens that has a fifth of its reference's words, no two adjacent.

    Returns {"bleu1_<variant>", "bleu2_<variant>"}, 0 to 100, for each variant of method 7.
    """
    shared = {2 * i for i in range(round(_SHARED * length))}
    reply = [f"shared{i}" if i in shared else f"reply{i}" for i in range(length)]
    reference = [f"shared{i}" if i in shared else f"reference{i}" for i in range(length)]
    scores = [mean_sentence_bleu([(reply, reference)], variant) for variant in SMOOTHINGS]
    return {name: score["value"] for variant in scores for name, score in variant.items()}


def measure_floors(dialogues: Path, output: Path, *, seed: int = 1) -> None:
    """Score the floors on dialogues (one per line, turns separated by tabs, xz or plain) and write the record as JSON.

    An example is a turn and the reply to it. Examples of dialogues that `split_of` holds out are scored; the replies of
    the others determine the dull one. Samples: `all`, and `short`, where turn and reply have a number of tokens in
    SHORT. Raises InputError for a missing or damaged file, and if a sample is too small.
    """
    watch = Stopwatch()
    pairs: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    for held_out, pair in _exchanges(dialogues):
        pairs[held_out].append(pair)
    samples = {
        "all": _measure(pairs[True], pairs[False], seed),
        "short": _measure(*(list(filter(_is_short, pairs[held_out])) for held_out in (True, False)), seed),
    }
    record = {
        "samples": samples,
        "without_shared_bigram": {str(length): without_shared_bigram(length) for length in LENGTHS},
        "provenance": provenance(watch=watch, seed=seed, inputs={dialogues.name: sha256(dialogues)}),
    }
    write_json(output, record)


def page_tables(record: Mapping[str, Any]) -> list[str]:
    """The Markdown tables of the page, from the record that `measure_floors` wrote."""
    floors = [
        _table(["reply", *_COLUMNS.values()], _floor_rows(sample["rows"])) for sample in record["samples"].values()
    ]
    head = ["tokens", *(f"NLTK {_version(variant)}" for variant in SMOOTHINGS)]
    return [*floors, _table(head, _ratio_rows(record["without_shared_bigram"]))]


def _exchanges(dialogues: Path) -> Iterator[tuple[bool, tuple[str, str]]]:
    for dialogue in read_lines(dialogues):
        turns = [turn for turn in map(tokenised, dialogue.split("\t")) if turn]
        for pair in exchanges(turns, history=1):
            yield split_of(dialogue) != "train", pair


def _is_short(pair: tuple[str, str]) -> bool:
    return all(len(side.split()) in SHORT for side in pair)


def _measure(examples: Sequence[tuple[str, str]], training: Sequence[tuple[str, str]], seed: int) -> dict[str, Any]:
    sources, references = ([pair[side] for pair in examples] for side in (0, 1))
    replies = floor_replies(sources, references, [reply for _, reply in training], seed=seed)
    return {
        "examples": len(examples),
        "tokens": sum(len(reference.split()) for reference in references) / len(references),
        "dull": replies["dull"][0],
        "rows": {
            name: score_dialogue(hypotheses, references)
            for name, hypotheses in (replies | {"reference": references}).items()
        },
    }


def _floor_rows(rows: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, label in _ROWS.items():
        yield [label, *(f"{rows[name][column]['value']:.1f}" for column in _COLUMNS)]


def _ratio_rows(curve: Mapping[str, Mapping[str, float]]) -> Iterator[list[str]]:
    for length, scores in curve.items():
        yield [length, *(f"{scores[f'bleu2_{name}'] / scores[f'bleu1_{name}']:.2f}" for name in SMOOTHINGS)]


def _version(variant: str) -> str:
    return _COLUMNS[f"bleu1_{variant}"].removeprefix("BLEU-1, NLTK ")


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [head, [":---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
