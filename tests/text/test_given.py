"""Given outputs and further test sets become what the recipe itself would have made of them, or are refused."""

import pytest
import sacrebleu

from janus.errors import InputError
from janus.files import read_json, read_lines
from janus.metrics.files import score_file
from janus.text.bpe import learn_and_apply
from janus.text.given import take_outputs
from janus.text.marks import attached_marks
from janus.text.subwords import remove_bpe
from janus.text.test_set import encode_test_set, prepare_test_set
from janus.text.tokenise import lowercase, normalise, tokenise
from janus.text.tokenise_alike import best_way

# Quotation marks, a hyphen, an abbreviation and an ampersand, which the ways of tokenising treat differently.
TEXT = {
    "en": [
        "He said: “It's Mr. Smith's well-known café!”",
        "R&D costs $1,200.50, doesn't it?",
        "The U.S. team won 3-2; nobody (really) minded…",
    ],
    "de": ["Er sagte: „Das ist Herrn Müllers Café!“", "F&E kostet 1.200,50 $, oder?", "Das Team gewann 3:2; gut…"],
}
WAYS = {
    "Moses": tokenise,
    "Moses, punctuation normalised": lambda line, side: tokenise(normalise(line, side), side),
    "Moses -a, punctuation normalised": lambda line, side: tokenise(normalise(line, side), side, aggressive=True),
}


def write(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def corpus(tmp_path):
    """The folder of a corpus, lower-cased and tokenised as Multi30k is, with BPE codes."""
    folder = tmp_path / "corpus"
    for side, lines in TEXT.items():
        raw = [lowercase(line) for line in lines]
        write(folder / f"raw/test.{side}", raw)
        for split in ("train", "valid", "test"):
            write(folder / f"tok/{split}.{side}", [tokenise(normalise(line, side), side) for line in raw])
    (folder / "corpus.json").write_text('{"corpus": "c.de-en", "source": "de", "target": "en"}')
    learn_and_apply(folder, merges=40, progress=False)
    return folder


def taken(corpus, tmp_path, lines, **changes):
    places = {"references": corpus / "tok/test.en", "raw_references": corpus / "raw/test.en"}
    words = {"tokenised": False, "language": "en", "folded": True, "codes": corpus / "bpe/codes"}
    given, output = write(tmp_path / "given.txt", lines), tmp_path / "decode/ar.bpe"
    take_outputs(given=given, **places, output=output, **(words | changes))
    return output


@pytest.mark.parametrize("way", WAYS)
def test_the_way_of_a_corpus_is_found_on_its_own_test_set(way):
    made = [WAYS[way](line, "en") for line in TEXT["en"]]
    assert best_way(TEXT["en"], made, "en", folded=False) == (way, 1.0)


def test_text_becomes_the_subwords_that_the_corpus_has(corpus, tmp_path):
    output = taken(corpus, tmp_path, TEXT["en"])
    assert read_lines(output) == read_lines(corpus / "bpe/test.en")
    record = read_json(output.with_name("ar.bpe.json"))
    assert record["tokenised"] == "Moses, punctuation normalised" and record["own_lines_alike"] == 1.0
    assert record["given"]["kind"] == "outputs" and record["given"]["file"] == "given.txt"


def test_tokenised_outputs_are_only_cased_and_cut(corpus, tmp_path):
    tokens = [tokenise(normalise(line, "en"), "en") for line in TEXT["en"]]
    output = taken(corpus, tmp_path, tokens, tokenised=True)
    assert read_lines(output) == read_lines(corpus / "bpe/test.en")
    assert read_json(output.with_name("ar.bpe.json"))["tokenised"] == "as given"


def test_sacrebleu_of_text_is_counted_on_the_text_itself(corpus, tmp_path):
    lines = [TEXT["en"][0], "R&D costs little, doesn't it?", ""]
    output = taken(corpus, tmp_path, lines)
    places = {"references": corpus / "tok/test.en", "raw_references": corpus / "raw/test.en"}
    kind = {"language": "en", "lowercase": True}
    score_file(hypotheses=output, plain=tmp_path / "given.txt", output=tmp_path / "s.json", **places, **kind)
    raw = read_lines(corpus / "raw/test.en")
    expected = sacrebleu.corpus_bleu(lines, [raw], lowercase=True).score
    assert read_json(tmp_path / "s.json")["scores"]["bleu_sacre"]["value"] == expected
    # Without the text it is counted on detokenised tokens, whose quotation marks were normalised.
    score_file(hypotheses=output, output=tmp_path / "t.json", **places, **kind)
    assert read_json(tmp_path / "t.json")["scores"]["bleu_sacre"]["value"] != expected


@pytest.mark.parametrize(
    ("lines", "tokenised", "said"),
    [
        (TEXT["en"][:2], False, "2 lines, the test set has 3; give one output a line"),
        (["a", "b", "c@@ d"], True, r"given.txt:3: subwords \(@@\) among the words; join them"),
        (["a.", "b.", "c."], True, "said to be tokenised, but 3 words end in a mark"),
        (["a .", "b .", "c ."], False, "said to be plain text, but 3 marks of punctuation stand alone"),
    ],
)
def test_outputs_that_are_not_what_they_are_said_to_be_are_refused(corpus, tmp_path, lines, tokenised, said):
    with pytest.raises(InputError, match=said):
        taken(corpus, tmp_path, lines, tokenised=tokenised)
    assert not (tmp_path / "decode").exists()


def test_text_that_no_way_tokenises_like_the_corpus_is_refused(corpus, tmp_path):
    write(corpus / "tok/test.en", ["he said nothing", "of the kind", "at all"])
    with pytest.raises(InputError, match=r"cannot be tokenised as .*tok/test\.en was: .* makes 0% of its lines"):
        taken(corpus, tmp_path, TEXT["en"])


def test_a_further_test_set_is_prepared_and_encoded_like_the_corpus(corpus, tmp_path):
    files = {side: write(tmp_path / f"news.{side}", TEXT[side]) for side in ("de", "en")}
    out = tmp_path / "further"
    prepare_test_set("c.de-en@news", files, corpus, out, tokenised=False, folded=True)
    codes = {"codes": corpus / "bpe/codes", "vocabulary": None}
    encode_test_set(out / "tok", out / "bpe", source="de", target="en", **codes, longest=None)
    for name in ("tok/test.de", "tok/test.en", "raw/test.de", "raw/test.en", "bpe/test.de", "bpe/test.en"):
        assert read_lines(out / name) == read_lines(corpus / name), name
    record = read_json(out / "corpus.json")
    assert record["of"]["corpus"] == "c.de-en" and record["lines"] == {"test": 3}
    encode_test_set(out / "tok", out / "short", source="de", target="en", **codes, longest=2)
    assert {len(line.split()) for line in read_lines(out / "short/test.de")} == {2}
    assert read_lines(out / "short/test.en") == read_lines(out / "bpe/test.en")


@pytest.mark.parametrize("tokenised", [False, True])
def test_other_separators_inside_a_line_of_a_further_test_set_are_spaces(corpus, tmp_path, tokenised):
    files = {side: write(tmp_path / f"news.{side}", ["ab\rcd\x1fef\u2028g"]) for side in TEXT}
    prepare_test_set("c.de-en@news", files, corpus, tmp_path / "out", tokenised=tokenised, folded=True)
    assert all(read_lines(tmp_path / f"out/{kind}/test.de") == ["ab cd ef g"] for kind in ("raw", "tok"))


def test_other_separators_in_given_outputs_are_spaces(corpus, tmp_path):
    output = taken(corpus, tmp_path, ["it's\x1fnot", "so", "bad"])
    assert remove_bpe(read_lines(output)[0]) == "it &apos;s not"


@pytest.mark.parametrize(
    ("english", "said"),
    [
        (TEXT["en"][:2], "the file ends here"),
        ([*TEXT["en"][:2], " "], "empty line"),
        ([*TEXT["en"][:2], "\0"], "empty line after preparation"),
    ],
)
def test_a_further_test_set_whose_sides_do_not_fit_is_refused(corpus, tmp_path, english, said):
    files = {"de": write(tmp_path / "news.de", TEXT["de"]), "en": write(tmp_path / "news.en", english)}
    with pytest.raises(InputError, match=rf"news\.en:3: {said}"):
        prepare_test_set("c.de-en@news", files, corpus, tmp_path / "out", tokenised=False, folded=True)


def test_escapes_are_no_punctuation():
    assert attached_marks(["He said &quot; it &apos;s so &quot; .", "R & amp ; D"]) == (0, 2)
    assert attached_marks(["&quot;So,&quot; he said."]) == (2, 0)


def test_french_text_is_plain_though_its_marks_stand_alone(corpus, tmp_path):
    assert attached_marks(["Ça va ? Oui !", "L'homme dit : non."], "fr") == (1, 0)
    lines = ["ça va ?", "non !", "si ; oui"]
    for folder in ("tok", "raw"):
        write(corpus / folder / "test.en", lines)
    assert read_json(f"{taken(corpus, tmp_path, lines, language='fr')}.json")["sentences"] == 3


def test_an_empty_further_test_set_is_refused(corpus, tmp_path):
    files = {side: write(tmp_path / f"news.{side}", []) for side in TEXT}
    with pytest.raises(InputError, match=r"news\.en: no lines; give a test set"):
        prepare_test_set("c.de-en@news", files, corpus, tmp_path / "out", tokenised=False, folded=True)
