import statistics

import pytest

from janus.demo.running_text import documents
from janus.demo.tasks import TASKS, pairs


def test_the_seed_alone_decides():
    assert list(documents(seed=1, documents=30)) == list(documents(seed=1, documents=30))
    assert list(documents(seed=1, documents=30)) != list(documents(seed=2, documents=30))


def test_documents_have_the_promised_shape():
    text = list(documents(seed=1, documents=600))
    assert len(text) == 600 and {len(document) for document in text} == {3, 4}
    assert all(sentence.endswith((" .", " ?")) for document in text for sentence in document)
    assert 25 < statistics.mean(len(" ".join(document).split()) for document in text) < 50


def test_a_document_speaks_in_one_register():
    formal, colloquial = {"children", "kings", "adore", "physician"}, {"kids", "love", "doc", "guy"}
    for document in documents(seed=1, documents=600):
        words = set(" ".join(document).split())
        assert not (words & formal - {"kings"} and words & colloquial)


@pytest.mark.slow
def test_every_word_of_the_tasks_comes_up():
    known = {word for document in documents(seed=1) for sentence in document for word in sentence.split()}
    for task in TASKS:
        for source, target in pairs(task, 1000, seed=9):
            assert set(f"{source} {target}".split()) <= known | {"[SEP]"}


def test_a_held_out_source_is_not_in_the_text():
    text = "\n".join(" ".join(document) for document in documents(seed=1, vocabulary=0.5))
    assert not any(source in text for source, _ in pairs("summary", 500, seed=9, vocabulary=0.5))
