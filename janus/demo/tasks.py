"""The demo tasks: generated counterparts of XSum, SQuAD question generation and PersonaChat, and a judge of outputs.

Every source has four correct targets, one per mode (register, voice), and does not determine which is meant, so that a
decoder that chooses each word independently mixes them, as in the translation demo (`grammar.py`).

| task | source | target |
|---|---|---|
| summary | three sentences, one of which tells what has happened | that one without modifiers and adverb |
| question | answer [SEP] sentence | the question |
| reply | three facts about me [SEP] a question about one of them | the reply |
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from janus.demo.generate import MODES, PLAIN, Mode, realise
from janus.demo.grammar import SIZES
from janus.demo.judge import Judge, Verdict, Words
from janus.demo.lexicon import FORMAL, PERFECT, lexicon
from janus.demo.semantics import Meaning, Phrase, Sampler
from janus.errors import InputError
from janus.fetching.manifest import Corpus
from janus.text.analyse import analyse
from janus.text.clean import Pair
from janus.text.english import OBJECT, SUBJECT, about_me, about_you, phrase_words, question
from janus.text.one_language import SEPARATOR, Sieve, joined, parts_of
from janus.text.split_writer import SPLITS, SplitWriter
from janus.text.tokenise import lowercase

_MAX_REPEATS = 500
_ENDS = re.compile("([.?])")
Answers = Mapping[Mode, Words]


@dataclass(frozen=True)
class Task:
    """How the sources of a task are drawn, and how the correct targets follow from the words of a source."""

    draw: Callable[[random.Random, Sampler], Words]
    answers: Callable[[Words], Answers]


def build(corpus: Corpus, downloads: Path, work: Path, out: SplitWriter, *, seed: int) -> dict[str, object]:
    """Generate the splits of the task that the recipe names, no source twice.

    Options: `train`, `valid`, `test` (pairs), `multimodality`, `vocabulary`, see `pairs`.
    """
    options = dict(corpus.options)
    for limit in ("longest_source", "longest_target"):
        options.pop(limit, None)
    sizes = {split: options.pop(split, SIZES[split]) for split in SPLITS}
    task = corpus.recipe.removeprefix("demo_")
    drawn = pairs(task, sum(sizes.values()), seed=f"{corpus.name}/{seed}", **options)
    sieve = Sieve()
    for split in reversed(SPLITS):
        chosen = [next(drawn) for _ in range(sizes[split])]
        out.tokenised(split, sieve(chosen) if split == "train" else chosen)
        if split == "test":
            out.raw_test((raw(source), raw(target)) for source, target in chosen)
    return {"train": sieve.report()}


def pairs(
    task: str, count: int, *, seed: object, multimodality: float = 1.0, vocabulary: float = 1.0
) -> Iterator[Pair]:
    """Generate `count` tokenised pairs of a task, all sources different.

    With probability `multimodality` the target's mode is drawn uniformly from all four, otherwise it is plain.
    `vocabulary` in (0, 1] is the share of the lexicon in use. The same seed gives the same text. Raises InputError for
    an unknown task, and if the vocabulary does not allow that many sources.
    """
    kind = _task(task)
    rng = random.Random(f"{task}/{seed}")
    sampler = Sampler(rng, vocabulary=vocabulary)
    seen: set[Words] = set()
    repeats = 0
    while len(seen) < count:
        source = kind.draw(rng, sampler)
        mode = rng.choice(MODES) if rng.random() < multimodality else PLAIN
        repeats = repeats + 1 if source in seen else 0
        if repeats > _MAX_REPEATS:
            raise InputError(
                f"the vocabulary gave {len(seen):,} different sources of {count:,}",
                where=f"demo task {task}",
                fix="raise `vocabulary` or lower `train` in config/corpora.yaml",
            )
        if not repeats:
            seen.add(source)
            yield " ".join(source), " ".join(kind.answers(source)[mode])


def targets(task: str, source: str) -> Answers:
    """Every right target of a tokenised, BPE-free source, by mode, as tokens.

    Raises InputError where the source is none of the task.
    """
    return _task(task).answers(tuple(source.split()))


def check(task: str, source: str, output: str) -> Verdict:
    """Judge one tokenised, BPE-free output (see `judge.py`). Raises InputError as `targets` does."""
    return Judge(targets(task, source))(tuple(output.split()))


def verdicts(task: str, sources: Sequence[str], outputs: Sequence[str]) -> list[Verdict]:
    """`check` for each line. Raises InputError where the counts differ or a source is none of the task."""
    if len(sources) != len(outputs):
        raise InputError(
            f"{len(outputs):,} outputs for {len(sources):,} sources", where="demo check", fix="decode the whole file"
        )
    return [check(task, source, output) for source, output in zip(sources, outputs)]


def form(line: str, language: str, corpus: Corpus) -> str:
    """The tokens of a line of text, as `build` prepares it: the inverse of `raw`, in lower case."""
    return joined(lowercase(" ".join(_ENDS.sub(r" \1 ", part).split())) for part in parts_of(line))


def raw(line: str) -> str:
    """A tokenised line as normal text, without spaces before full stops."""
    return line.replace(" .", ".").replace(" ?", "?")


def _draw_summary(rng: random.Random, sampler: Sampler) -> Words:
    happened = rng.randrange(3)
    meanings = [_of_tense(sampler, perfect=place == happened) for place in range(3)]
    return tuple(word for meaning in meanings for word in realise(meaning, "en", PLAIN))


def _of_tense(sampler: Sampler, *, perfect: bool) -> Meaning:
    while True:
        meaning = sampler.meaning()
        if (meaning.tense == PERFECT) == perfect:
            return meaning


def _summaries(source: Words) -> Answers:
    meanings = [analyse((*sentence, "."), "en") for sentence in _split(source, ".")]
    happened = [meaning for meaning in meanings if meaning.tense == PERFECT]
    if len(happened) != 1:
        raise _foreign("summary", source)
    gist = replace(happened[0], subject=_bare(happened[0].subject), object=_bare(happened[0].object), adverb=None)
    return {mode: realise(gist, "en", mode) for mode in MODES}


def _bare(phrase: Phrase) -> Phrase:
    return Phrase(phrase.head, None, None)


def _draw_question(rng: random.Random, sampler: Sampler) -> Words:
    meaning = sampler.meaning()
    answer = rng.choice((meaning.subject, meaning.object))
    return (*phrase_words(_bare(answer), FORMAL), SEPARATOR, *realise(meaning, "en", PLAIN))


def _questions(source: Words) -> Answers:
    answer, sentence = _halves(source, "question")
    meaning = analyse(sentence, "en")
    roles = {phrase_words(_bare(meaning.object), FORMAL): OBJECT, phrase_words(_bare(meaning.subject), FORMAL): SUBJECT}
    if answer not in roles:
        raise _foreign("question", source)
    return {mode: question(meaning, roles[answer], mode) for mode in MODES}


def _draw_reply(rng: random.Random, sampler: Sampler) -> Words:
    facts = _facts(rng, sampler)
    lines = [about_me(verb, thing, PLAIN) for verb, thing in facts]
    asked = about_you(rng.choice(facts)[0], PLAIN)
    return tuple(word for line in lines for word in line) + (SEPARATOR, *asked)


def _facts(rng: random.Random, sampler: Sampler) -> list[tuple[int, Phrase]]:
    """Three different verbs, each with an object."""
    facts: dict[int, Phrase] = {}
    while len(facts) < 3:
        meaning = sampler.meaning()
        facts.setdefault(meaning.verb, replace(meaning.object, modifier=None))
    return list(facts.items())


def _replies(source: Words) -> Answers:
    persona, asked = _halves(source, "reply")
    for fact in _split(persona, "."):
        verb, thing = _fact((*fact, "."), source)
        if about_you(verb, PLAIN) == asked:
            return {mode: about_me(verb, thing, mode) for mode in MODES}
    raise _foreign("reply", source)


def _fact(words: Words, source: Words) -> tuple[int, Phrase]:
    """The verb and thing of `i love the dogs .`, read as a statement with `i` as another subject."""
    verbs = [entry.forms("en", FORMAL)[1] for entry in lexicon().verbs]
    if len(words) < 4 or words[1] not in verbs:
        raise _foreign("reply", source)
    verb = verbs.index(words[1])
    thing = analyse(("the", "king", "has", lexicon().verbs[verb].forms("en", FORMAL)[2], *words[2:]), "en").object
    return verb, thing


def _halves(source: Words, task: str) -> list[Words]:
    halves = _split(source, SEPARATOR)
    if len(halves) != 2:
        raise _foreign(task, source)
    return halves


def _split(words: Words, mark: str) -> list[Words]:
    """The runs of words between marks; a final mark ends the last run."""
    runs: list[list[str]] = [[]]
    for word in words:
        if word == mark:
            runs.append([])
        else:
            runs[-1].append(word)
    return [tuple(run) for run in (runs if runs[-1] else runs[:-1])]


def _foreign(task: str, source: Words) -> InputError:
    return InputError(
        f"no source of the demo task: {' '.join(source)!r}",
        where=f"demo task {task}",
        fix="give the tokenised source text of that task, without BPE",
    )


TASKS: Mapping[str, Task] = {
    "summary": Task(_draw_summary, _summaries),
    "question": Task(_draw_question, _questions),
    "reply": Task(_draw_reply, _replies),
}


def _task(name: str) -> Task:
    if name not in TASKS:
        raise InputError(f"no demo task {name!r}", where="task", fix=f"use one of {', '.join(TASKS)}")
    return TASKS[name]
