import random

from janus.corpora.grammar import check, pairs, translations
from janus.corpora.judge import judge
from janus.corpora.tokenise import tokenise


def test_judgements_are_those_of_the_translation_demo():
    """On right, mixed, truncated, doubled and foreign outputs."""
    rng = random.Random(1)
    text = [(tokenise(a, "de"), tokenise(b, "en")) for a, b in pairs("de", "en", 150, seed=7)]
    for i, (source, target) in enumerate(text):
        answers = translations(source, "de", "en")
        formal, colloquial, *_ = answers.values()
        words = target.split()
        outputs = [words, words[:-2], words + words, text[i - 1][1].split(), []]
        outputs.append([rng.choice(pair) for pair in zip(formal, colloquial)])
        for output in outputs:
            assert judge(answers, tuple(output)) == check(source, " ".join(output))
