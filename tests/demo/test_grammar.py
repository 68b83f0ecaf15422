import random
import statistics

import pytest

from janus.demo.grammar import build, check, pairs, translations
from janus.demo.judge import Verdict
from janus.demo.semantics import Sampler
from janus.errors import InputError
from janus.files import read_lines
from janus.text.clean import Cleaner
from janus.text.split_writer import SplitWriter
from janus.text.tokenise import tokenise

DIRECTIONS = [("de", "en"), ("ro", "en"), ("en", "ro"), ("en", "de")]
SOURCE = "die kinder welche den hund sehen haben häufig die alte frau geliebt ."
ANSWERS = [
    "the children who observe the dog have adored the old woman frequently .",
    "the kids that see the dog have loved the old gal often .",
    "the old woman has been adored by the children who observe the dog frequently .",
    "the old gal has been loved by the kids that see the dog often .",
]


@pytest.fixture(scope="module", params=DIRECTIONS, ids="-".join)
def sample(request):
    source, target = request.param
    text = list(pairs(source, target, 400, seed=3))
    return source, target, [(tokenise(left, source), tokenise(right, target)) for left, right in text]


def test_translations_of_a_sentence_written_by_hand():
    assert [" ".join(words) for words in translations(SOURCE, "de", "en").values()] == ANSWERS


def test_every_translation_is_valid_and_none_other():
    for answer in ANSWERS:
        assert check(SOURCE, answer) == Verdict(valid=True, mixed=False)


@pytest.mark.parametrize(
    "output",
    [
        ANSWERS[0].replace("children", "kids"),
        ANSWERS[3].replace("often", "frequently"),
        ANSWERS[0].replace("have adored", "has been adored by"),
        "the children who observe the dog have been adored by the old woman frequently .",
        "the old woman has adored the children who observe the dog frequently .",
    ],
)
def test_words_of_two_modes_are_mixed(output):
    assert check(SOURCE, output) == Verdict(valid=False, mixed=True)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "the children who observe the cat have adored the old woman frequently .",
        "the children who observe the dog have adored the old woman frequently",
        "the children who observe the dog have have adored the old woman frequently .",
        "the children who observe the dog has adored the old woman frequently .".replace("has", "had"),
        "kids that see the dog have loved the gal often .",
    ],
)
def test_wrong_words_of_one_mode_are_not_mixed(output):
    assert check(SOURCE, output) == Verdict(valid=False, mixed=False)


def verdicts(sources, outputs, source_language, target_language):
    languages = {"source_language": source_language, "target_language": target_language}
    return [check(source, output, **languages) for source, output in zip(sources, outputs, strict=True)]


def test_generated_references_are_valid(sample):
    source, target, text = sample
    found = verdicts(*zip(*text), source, target)
    assert found == [Verdict(valid=True, mixed=False)] * len(text)


def test_another_sentences_translation_is_not_valid(sample):
    source, target, text = sample
    sources, outputs = zip(*text)
    found = verdicts(sources, outputs[1:] + outputs[:1], source, target)
    assert not any(verdict.valid for verdict in found)


def test_choosing_the_mode_word_by_word_mixes(sample):
    """What a decoder does that draws each place by itself from the right marginals of one voice."""
    source, target, text = sample
    rng = random.Random(1)
    found = []
    for line, _ in text:
        formal, colloquial = list(translations(line, source, target).values())[:2]
        if len(formal) == len(colloquial):
            words = " ".join(map(rng.choice, zip(formal, colloquial)))
            found.append(check(line, words, source_language=source, target_language=target))
    assert statistics.mean(verdict.mixed for verdict in found) > 0.5


def test_a_swapped_number_is_never_valid(sample):
    source, target, text = sample
    number = {"have": "has", "has": "have", "haben": "hat", "hat": "haben", "au": "a", "a": "au"}
    for left, right in text:
        words = right.split()
        for i, word in enumerate(words):
            if word in number:
                words[i] = number[word]
                assert not check(left, " ".join(words), source_language=source, target_language=target).valid
                break


def test_sentences_have_the_promised_shape(sample):
    _, _, text = sample
    lengths = [len(right.split()) for _, right in text]
    assert min(lengths) >= 5 and max(lengths) <= 22 and 8 <= statistics.mean(lengths) <= 14
    assert len({left for left, _ in text}) == len(text)


@pytest.mark.parametrize("dial", [0.0, 0.5, 1.0])
def test_the_dial_sets_how_often_the_mode_is_another(dial):
    text = [(tokenise(a, "de"), tokenise(b, "en")) for a, b in pairs("de", "en", 1500, seed=1, multimodality=dial)]
    plain = [" ".join(next(iter(translations(left, "de", "en").values()))) == right for left, right in text]
    assert statistics.mean(plain) == pytest.approx(1 - 0.75 * dial, abs=0.04)


def test_the_seed_alone_decides():
    assert list(pairs("de", "en", 50, seed=1)) == list(pairs("de", "en", 50, seed=1))
    assert list(pairs("de", "en", 50, seed=1)) != list(pairs("de", "en", 50, seed=2))


def test_the_vocabulary_dial_holds_words_back():
    def types(share):
        return {word for _, line in pairs("de", "en", 1000, seed=1, vocabulary=share) for word in line.split()}

    assert len(types(0.5)) < 0.75 * len(types(1.0))


def test_a_vocabulary_too_small_is_an_error(monkeypatch):
    monkeypatch.setattr(Sampler, "meaning", lambda self, meaning=Sampler(random.Random(1)).meaning(): meaning)
    with pytest.raises(InputError, match="gave 1 different sentences of 2; raise `vocabulary`"):
        list(pairs("de", "en", 2, seed=1))


@pytest.mark.parametrize(
    "source", ["the dog sees", "der hund haben die katze gesehen .", "", "die katze hat den hund gesehen"]
)
def test_a_source_that_is_no_sentence_is_refused(source):
    with pytest.raises(InputError, match="no sentence of the demo grammar"):
        check(source, "x")


def test_build_makes_disjoint_splits(corpus_entry, tmp_path):
    corpus = corpus_entry("grammar", options={"train": 300, "valid": 40, "test": 50, "vocabulary": 0.5})
    with SplitWriter(tmp_path, "de", "en") as out:
        cleaning = build(corpus, tmp_path, tmp_path, out, seed=1)
    splits = {split: read_lines(tmp_path / "tok" / f"{split}.de") for split in ("train", "valid", "test")}
    assert {split: len(lines) for split, lines in splits.items()} == {"train": 300, "valid": 40, "test": 50}
    assert len(set().union(*splits.values())) == 390
    assert cleaning["train"] == Cleaner().report() | {"kept": 300}
    raw = read_lines(tmp_path / "raw" / "test.en")
    assert [tokenise(line, "en") for line in raw] == read_lines(tmp_path / "tok" / "test.en")


def test_validity_of_the_test_set_does_not_change_with_the_training_size(corpus_entry, tmp_path):
    texts = []
    for size in (100, 300):
        corpus = corpus_entry("grammar", options={"train": size, "valid": 10, "test": 50})
        with SplitWriter(tmp_path / str(size), "de", "en") as out:
            build(corpus, tmp_path, tmp_path, out, seed=1)
        texts.append(read_lines(tmp_path / str(size) / "tok" / "test.de"))
    assert texts[0] == texts[1]
