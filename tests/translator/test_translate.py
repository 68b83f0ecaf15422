"""`janus translate`: what the workflow decodes, for any text, with everything that can be wrong with it."""

import io
import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from fairseq.models import ARCH_CONFIG_REGISTRY, ARCH_MODEL_REGISTRY
from fairseq.sequence_generator import SequenceGenerator
from fairseq_models import SIZES, dictionary, fairseq_sample
from translator_run import COUNTS, decode, make_run

import janus
from janus.__main__ import main
from janus.errors import InputError
from janus.files import read_json, read_lines
from janus.text.subwords import remove_bpe
from janus.text.tokenise import detokenise
from janus.translator.found import find
from janus.translator.text import ModelText

AR = {"beam": 4, "max_len_a": 1.0, "max_len_b": 3}
NAR = {"passes": 4, "length_beam": 3}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on generated German that was decoded in both manners."""
    from janus.fetching.manifest import Corpus

    facts = {"source": "de", "target": "en", "recipe": "grammar", "licence": "", "lowercase": True, "merges": 60}
    made = make_run(tmp_path_factory.mktemp("run"), Corpus("made.de-en", **facts, options=COUNTS))
    decode(made, "ar", **AR)
    decode(made, "nar-4", **NAR)
    return made


def text_of(run, kind, side="de"):
    return run.parents[1] / f"corpus/{kind}/test.{side}"


def translated(capsys, *words):
    """The lines that the command prints."""
    assert main(["translate", *map(str, words)]) == 0
    return capsys.readouterr().out.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize(("manner", "mode"), [("ar", "ar"), ("nar", "nar-4")])
def test_it_equals_what_the_rule_wrote_token_for_token(run, capsys, manner, mode):
    written = read_lines(run / f"decode/{mode}.bpe")
    assert len(set(written)) > 3
    words = [run, "--manner", manner, "--input", text_of(run, "raw")]
    assert translated(capsys, *words, "--output-as", "subwords") == written
    # The checkpoint itself, small batches, and the other forms of the same text.
    checkpoint = [run / "averaged.pt", *words[1:3], "--batch-tokens", "40", "--buffer", "2", "--output-as", "subwords"]
    assert translated(capsys, *checkpoint, "--input", text_of(run, "tok"), "--input-is", "tokens") == written
    assert translated(capsys, *checkpoint, "--input", text_of(run, "bpe"), "--input-is", "subwords") == written
    joined = [remove_bpe(line) for line in written]
    assert translated(capsys, *words, "--output-as", "tokens") == joined
    assert translated(capsys, *words) == [detokenise(line, "en") for line in joined]


@pytest.mark.slow
def test_a_task_with_a_shared_vocabulary_cuts_and_decodes_as_the_rule_does(tmp_path, capsys):
    from janus.fetching.manifest import Corpus

    options = COUNTS | {"longest_source": 25}
    facts = {"source": "src", "target": "tgt", "recipe": "demo_summary", "licence": "", "lowercase": True}
    run = make_run(tmp_path, Corpus("made.src-tgt", **facts, vocabulary="words", task="summary", options=options))
    written = read_lines(decode(run, "nar-2", passes=2))
    raw = text_of(run, "raw", "src")
    # Nobody writes in lower case.
    raw.write_text("".join(f"{line.capitalize()}\n" for line in read_lines(raw)))
    assert main(["translate", str(run), "--manner", "nar", "--input", str(raw), "--output-as", "subwords"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == written
    assert "test.src:1: the last" in said.err and "subwords are not read" in said.err


@pytest.mark.slow
def test_empty_lines_stay_and_the_order_is_that_of_the_input(run):
    lines = ["der hund läuft.", "", " \t ", "Die Katzen!", "\u2028"]
    found = janus.load(run).translate(lines)
    assert [bool(line) for line in found] == [True, False, False, True, False]
    assert janus.translate(run, reversed(lines)) == found[::-1]


def test_a_recipe_reads_what_its_corpus_had_but_separators():
    text = ModelText(lambda line: line.replace("\t", " [SEP] "), str, str, "en", (Path(), Path()))
    assert text.subwords(" a\rb\x1fc\td\u00a0e ", "text") == ("a b c [SEP] d e", 0)
    assert text.subwords("a\tb\u2028c", "tokens") == ("a b c", 0)


@pytest.mark.slow
def test_outputs_of_one_line_are_ranked(run, capsys):
    words = [run, "--input", text_of(run, "raw")]
    best, rows = translated(capsys, *words), translated(capsys, *words, "--nbest", "3")
    fields = [row.split("\t") for row in rows]
    assert [text for number, _, text in fields[::3]] == best
    assert [int(number) for number, _, _ in fields] == [line for line in range(1, len(best) + 1) for _ in range(3)]
    for first in range(0, len(fields), 3):
        scores = [float(score) for _, score, _ in fields[first : first + 3]]
        assert scores == sorted(scores, reverse=True)


@pytest.mark.slow
def test_the_steps_are_those_of_mask_predict(run, capsys):
    lines = translated(capsys, run, "--passes", "4", "--show-steps", "--json", "--input", text_of(run, "raw"))
    for record in map(json.loads, lines):
        [output] = record["outputs"]
        length = len(output["subwords"].split())
        passes = output["passes"]
        # floor(n * (1 - k / 4)) cells are masked before pass k + 1; the first begins with all.
        assert [sum(one["masked"]) for one in passes] == [length * (4 - k) // 4 for k in range(4)]
        assert " ".join(passes[-1]["subwords"]) == output["subwords"]
        assert not any(passes[0]["changed"])
        for before, after in zip(passes, passes[1:]):
            changed = [one != other for one, other in zip(before["subwords"], after["subwords"])]
            assert after["changed"] == changed
            assert all(masked for masked, new in zip(after["masked"], changed) if new)
            # What is masked was the least sure.
            sure = [p for p, masked in zip(before["probabilities"], after["masked"]) if not masked]
            unsure = [p for p, masked in zip(before["probabilities"], after["masked"]) if masked]
            assert not unsure or not sure or max(unsure) <= min(sure)


@pytest.mark.slow
def test_steps_on_a_terminal_say_what_was_masked_and_what_changed(run, capsys):
    lines = translated(capsys, run, "--passes", "2", "--show-steps", "--input", text_of(run, "raw"))
    assert lines[0] == f"1. {read_lines(text_of(run, 'raw'))[0]}"
    assert lines[1].strip().startswith("1  masked ") and ", least sure " in lines[1]
    assert lines[2].strip().startswith("[") and "%]" in lines[2]
    assert any(", changed " in line for line in lines) and not any("\x1b" in line for line in lines)


@pytest.mark.slow
def test_what_a_terminal_would_obey_is_shown_escaped(run, tmp_path, capsys):
    (tmp_path / "in").write_text("die\x1b[2J hunde\r.\u2028\n", encoding="utf-8")
    lines = translated(capsys, run, "--passes", "2", "--show-steps", "--quiet", "--input", tmp_path / "in")
    assert lines[0] == r"1. die\x1b[2J hunde\r.\u2028"
    assert not any("\x1b" in line for line in lines)


@pytest.mark.slow
def test_translations_are_utf8_data_under_any_encoding(run):
    words = [sys.executable, "-m", "janus", "translate", str(run), "--manner", "nar", "--quiet"]
    for more in ([], ["--json"]):
        written = [
            subprocess.run(
                words + more, input="schöne hunde .\n".encode(), env=os.environ | {"PYTHONIOENCODING": one},
                capture_output=True, check=True,
            ).stdout
            for one in ("ascii", "utf-8")
        ]  # fmt: skip
        assert written[0] == written[1]
    assert json.loads(written[0])["source"] == "schöne hunde ."


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            ["--passes", "3", "--nbest", "3"],
            "n-best: mask_predict with these settings gives 1 output of a line, not 3",
        ),
        (["--manner", "ar", "--nbest", "9"], "gives 4 outputs of a line, not 9"),
        (["--manner", "ar", "--show-steps"], "the decoder beam does not refine its outputs in passes"),
        (["--manner", "ar", "--passes", "3"], "the decoder beam has no setting 'passes'"),
        (["--decoder", "bem"], "unknown decoder 'bem'; use one of beam"),
        (["--decoder", "ctc"], "ctc fills cells that align with words, and a model of the method joint has learnt"),
        (["--decoder", "mask_predict", "--manner", "ar"], "mask_predict decodes as nar, not as ar"),
        (["--set", "lenpen=long"], "lenpen: 'long' is no float; give one such as 1.0"),
        (["--corpus", "nowhere"], "nowhere/corpus.json: no such file"),
        (["--device", "gpu"], "device gpu: unknown device; use cpu, cuda or cuda:<number>"),
        (["--input", "."], ".: is a folder; name a file in it"),
        (["--codes", "nowhere", "--dictionary", "nowhere"], "nowhere: no such file"),
    ],
)
def test_what_does_not_fit_is_one_line(run, capsys, monkeypatch, words, complaint):
    monkeypatch.setattr("sys.stdin", Namespace(buffer=io.BytesIO(b"der hund .\n"), isatty=lambda: False))
    assert main(["translate", str(run), "--quiet", *words]) == 1
    said = capsys.readouterr()
    assert complaint in said.err and said.err.count("\n") == 1 and not said.out


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("010", "passes: 010 is read as 8; write it in base 10"),
        ("1:30", "passes: 1:30 is read as 90"),
        ("[", "not YAML"),
    ],
)
def test_a_setting_is_read_as_a_config_is(capsys, value, said):
    with pytest.raises(SystemExit):
        main(["translate", "run", "--set", f"passes={value}"])
    assert said in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"gut\nschlecht \xff\n", "stdin:2: not UTF-8"),
        (b"gut\n" + b"hund " * 90 + b"\n", "stdin:2: "),
        ("gut".encode("utf-16"), "stdin:1: UTF-16, not UTF-8"),
    ],
)
def test_bad_text_is_one_line_that_names_it(run, capsys, monkeypatch, text, complaint):
    monkeypatch.setattr("sys.stdin", Namespace(buffer=io.BytesIO(text), isatty=lambda: False))
    assert main(["translate", str(run), "--quiet"]) == 1
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("broken", ["[{", '[{"manner": "ar"}]', "[3]", "[" * 100_000])
def test_decodings_that_cannot_be_read_are_one_line(run, tmp_path, broken):
    state = torch.load(run / "averaged.pt", weights_only=False)
    state["cfg"]["task"]["valid_decodings"] = broken
    torch.save(state, tmp_path / "averaged.pt")
    with pytest.raises(InputError, match=r"averaged\.pt: its valid_decodings are broken"):
        find(tmp_path / "averaged.pt")


def test_a_folder_without_a_checkpoint_is_one_line(tmp_path, capsys):
    assert main(["translate", str(tmp_path)]) == 1
    assert "holds no checkpoint; give a run such as results/" in capsys.readouterr().err


@pytest.mark.slow
def test_a_reader_that_leaves_ends_it_quietly(run):
    # Compiles the operators where none were, which the process below would remark on.
    janus.load(run).translate(["die hunde ."], manner="nar")
    words = [sys.executable, "-m", "janus", "translate", str(run), "--manner", "nar", "--buffer", "1", "--quiet"]
    program = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    program.stdin.write(b"die hunde .\n")
    program.stdin.flush()
    # A line is answered while the input is open.
    assert program.stdout.readline().strip()
    program.stdout.close()
    program.stdin.write(b"die hunde .\n" * 5)
    program.stdin.close()
    assert program.wait(60) == 0 and program.stderr.read() == b""


@pytest.mark.slow
def test_a_checkpoint_of_fairseq_with_its_dictionaries_beside_it(tmp_path, capsys):
    """Two dictionaries of different sizes; the outputs are those of fairseq's own search."""
    words = {"de": dictionary(30), "en": dictionary(24)}
    for side, own in words.items():
        own.save(str(tmp_path / f"dict.{side}.txt"))
    options = SIZES | {"share_all_embeddings": False, "share_decoder_input_output_embed": True}
    args = Namespace(arch="transformer", source_lang="de", target_lang="en", **options)
    ARCH_CONFIG_REGISTRY["transformer"](args)
    torch.manual_seed(3)
    task = Namespace(source_dictionary=words["de"], target_dictionary=words["en"])
    model = ARCH_MODEL_REGISTRY["transformer"].build_model(args, task).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    torch.save({"args": args, "model": model.state_dict()}, tmp_path / "model.pt")
    lines = ["w1 w5 w7", "w3", "w9 w9 w2 w29 w4 w6"]
    (tmp_path / "in").write_text("".join(f"{line}\n" for line in lines))
    generator = SequenceGenerator([model], words["en"], beam_size=5, max_len_b=8)
    sentences = [[words["de"].index(word) for word in line.split()] + [2] for line in lines]
    theirs = [words["en"].string(own[0]["tokens"]) for own in generator.generate([model], fairseq_sample(sentences))]
    asked = ["--input", tmp_path / "in", "--input-is", "subwords", "--output-as", "subwords", "--set", "max_len_b=8"]
    assert translated(capsys, tmp_path, *asked) == theirs
    assert main(["translate", str(tmp_path), "--input", str(tmp_path / "in"), "--quiet"]) == 1
    assert "codes: its subwords are not known; name the codes file" in capsys.readouterr().err
    (tmp_path / "codes").write_text("#version: 0.2\nw 1</w>\n")
    assert translated(capsys, *[tmp_path / "model.pt", *asked[:2]], "--set", "max_len_b=8")
    (tmp_path / "dict.de.txt").unlink()
    with pytest.raises(InputError, match="no dict.de.txt beside the checkpoint"):
        janus.load(tmp_path)


@pytest.mark.slow
def test_the_settings_of_the_run_are_those_of_its_record(run):
    found = janus.load(run).found
    assert found.decoding().plain == {
        "manner": "ar",
        "method": "joint",
        **read_json(run / "decode/ar.bpe.json")["settings"],
    }
    assert found.decoding(passes=2).settings.length_beam == NAR["length_beam"]
    assert found.decoding(beam=7).settings.max_len_b == AR["max_len_b"]
    assert found.decoding(manner="nar", decoder="reparameterised").decoder.name == "reparameterised"
