"""Sentences written by hand."""

import pytest

from janus.demo.generate import Mode, realise
from janus.demo.lexicon import DUTY, FUTURE, PERFECT
from janus.demo.semantics import Clause, Meaning, Phrase, Place, Thing

# Nouns by index: 0 child, 1 king, 3 woman, 4 dog; verbs: 0 observe, 1 strike; adjective 1 old; adverb 0 frequently.
CLAUSE = Meaning(
    subject=Phrase(Thing(3, False), 1, Clause(0, Thing(4, True))),
    verb=1,
    object=Phrase(Thing(0, True), None, None),
    tense=PERFECT,
    adverb=0,
)
PLACE = Meaning(
    subject=Phrase(Thing(1, True), None, Place(0, Thing(3, False))),
    verb=0,
    object=Phrase(Thing(4, False), 1, None),
    tense=DUTY,
    adverb=None,
)
LATER = Meaning(
    subject=Phrase(Thing(0, False), None, None),
    verb=1,
    object=Phrase(Thing(3, True), 1, None),
    tense=FUTURE,
    adverb=None,
)


@pytest.mark.parametrize(
    ("meaning", "language", "mode", "sentence"),
    [
        (CLAUSE, "en", Mode(0, False), "the old woman who observes the dogs has struck the children frequently ."),
        (CLAUSE, "en", Mode(1, True), "the kids have been beaten by the old gal that sees the dogs often ."),
        (CLAUSE, "de", Mode(0, False), "die alte frau welche die hunde sieht hat häufig die kinder geschlagen ."),
        (
            CLAUSE,
            "de",
            Mode(0, True),
            "die kinder sind häufig von der alten frau welche die hunde sieht geschlagen worden .",
        ),
        (CLAUSE, "ro", Mode(0, False), "adesea a lovit femeia bătrână care vede pe câinii pe copiii ."),
        (CLAUSE, "ro", Mode(1, True), "des au fost pocniți puștii de muierea bătrână ce zărește pe câinii ."),
        (PLACE, "en", Mode(0, False), "the kings with the woman need to observe the old dog ."),
        (PLACE, "en", Mode(0, True), "the old dog needs to be observed by the kings with the woman ."),
        (PLACE, "de", Mode(1, False), "die könige mit der dame sollen den alten hund gucken ."),
        (PLACE, "de", Mode(0, True), "der alte hund muss von den könige mit der frau gesehen werden ."),
        (PLACE, "ro", Mode(0, True), "trebuie a fi văzut câinele bătrân de către regii cu femeia ."),
        (LATER, "en", Mode(1, False), "the kid is gonna beat the old gals ."),
        (LATER, "de", Mode(1, True), "die alten damen werden von dem bub gehauen werden ."),
        (LATER, "ro", Mode(0, True), "vor fi lovite femeile bătrâne de către copilul ."),
    ],
)
def test_order_agreement_and_voice(meaning, language, mode, sentence):
    words = realise(meaning, language, mode)
    assert " ".join(words) == sentence
