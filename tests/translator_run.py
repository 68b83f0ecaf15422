"""A run of the workflow in small: a prepared corpus, a model with random weights, and what the rule `decode` writes."""

import json
from pathlib import Path

import torch
from fairseq_models import SIZES, build
from rule_scripts import run_script

from janus.decoding.decoding import Decoding
from janus.dictionary import read_dictionary
from janus.fetching.manifest import Corpus, Vocabulary
from janus.files import read_json
from janus.text.binarise import binarise
from janus.text.bpe import learn_and_apply
from janus.text.encode import encode_corpus
from janus.text.prepare import prepare
from janus.text.vocabulary import make_subword

OPTIONS = {
    **SIZES,
    "arch": "janus_transformer",
    "encoder_learned_pos": True,
    "decoder_learned_pos": True,
    "query_position": "own",
    "activation_fn": "relu",
}
COUNTS = {"train": 60, "valid": 4, "test": 9}


def make_run(root: Path, corpus: Corpus) -> Path:
    """The folder of a run on a generated corpus below `root`; one without merges has a shared vocabulary."""
    folder = root / f"results/tiny/{corpus.name}/corpus"
    prepare(corpus, root, folder)
    dictionary = None
    if corpus.merges:
        learn_and_apply(folder, merges=corpus.merges, progress=False)
    else:
        vocabulary = root / "results/tiny/vocabularies/words"
        train = [folder / f"tok/train.{side}" for side in corpus.sides]
        make_subword(Vocabulary("words", "subword", "", merges=60), train, train, vocabulary, progress=False)
        encode_corpus(folder, vocabulary, progress=False)
        dictionary = vocabulary / "dict.txt"
    binarise(folder / "bpe", folder / "bin", source=corpus.source, target=corpus.target, dictionary=dictionary)
    run = root / f"results/tiny/{corpus.name}/janus/seed-1"
    run.mkdir(parents=True)
    save_model(run / "averaged.pt", folder / f"bin/dict.{corpus.source}.txt", corpus.sides)
    return run


def save_model(path: Path, dictionary: Path, sides: tuple[str, str]) -> None:
    """A checkpoint of the method `joint`, as the plugin writes it."""
    model, _ = build("janus_transformer", size=len(read_dictionary(dictionary)), length_classes=20)
    decodings = [{"manner": manner, "method": "joint"} for manner in ("ar", "nar")]
    task = {"_name": "janus", "method": "joint", "method_options": "{losses: {ar: 1, nar: 1}}"}
    task |= {"valid_decodings": json.dumps(decodings), "source_lang": sides[0], "target_lang": sides[1]}
    torch.save({"cfg": {"model": OPTIONS | {"length_classes": 20}, "task": task}, "model": model.state_dict()}, path)


def decode(run: Path, mode: str, **settings) -> Path:
    """What the script of the rule `decode` writes of a run in a mode."""
    corpus = run.parents[1] / "corpus"
    output = run / f"decode/{mode}.bpe"
    output.parent.mkdir(exist_ok=True)
    done = run_script(
        "decode",
        {"hypotheses": output, "facts": output.with_name(f"{output.name}.json")},
        run,
        input={"checkpoint": str(run / "averaged.pt"), "bpe": str(corpus / "bpe"), "data": str(corpus / "bin")},
        wildcards={},
        params={
            "source": read_json(corpus / "corpus.json")["source"],
            "decoding": Decoding.of(manner=mode.partition("-")[0], method="joint", **settings).plain,
            "batch_tokens": 100,
        },
    )
    assert done.returncode == 0, (run / "log").read_text()
    return output
