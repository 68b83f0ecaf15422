"""Made downloads go through the real recipes, checksums and counts, and so do the narrow config's."""

import hashlib

import pytest
import yaml
from checked_tiers import SYSTEMS, systems_of
from rehearsals import MANIFEST, PROCESSOR, SCHEMAS, narrow, tier_of
from tier_files import TIERS

from janus.config.consistency import check_sense
from janus.config.distilled import with_distilled
from janus.config.system_entries import with_entries
from janus.config.tiers import check, runs, settings
from janus.errors import InputError
from janus.fetching.fetch import fetch
from janus.fetching.manifest import load_manifest
from janus.model.bart import read_bart, unpack_start
from janus.recipes.by_recipe import builder
from janus.rehearsal.mirror import make_corpus
from janus.rehearsal.narrow import Machine, narrow_tier
from janus.rehearsal.pretrained import dictionary_size as made_dictionary_size
from janus.text.prepare import prepare
from janus.text.pretraining_text import prepare_part
from janus.text.vocabulary import dictionary_size, load_encoder, make_gpt2

PAPER = list(tier_of("paper")["corpora"])
FETCHED = [*PAPER, "multi30k.de-en", *tier_of("small")["corpora"]]


@pytest.fixture(scope="module")
def mirrors(tmp_path_factory):
    """The narrow manifest of each tier that has downloads, as a file, beside its mirror."""
    made = {}
    for name in ("paper", "multi30k", "small"):
        folder = tmp_path_factory.mktemp(name)
        _, content, _ = narrow(name, folder / "mirror")
        (folder / "corpora.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        made[name] = folder
    return made


def place_of(mirrors, corpus):
    return next(folder for folder in mirrors.values() if corpus in load_manifest(folder / "corpora.yaml").corpora)


@pytest.mark.slow
@pytest.mark.parametrize("name", FETCHED)
def test_every_recipe_makes_the_counted_pairs_of_its_made_downloads(mirrors, tmp_path, name):
    folder = place_of(mirrors, name)
    corpus = load_manifest(folder / "corpora.yaml").corpora[name]
    for download in corpus.downloads:
        fetch(download, tmp_path / "downloads", mirror=str(folder / "mirror"), progress=False)
        if MANIFEST.corpora[name].download(download.name).sha256:
            digest = hashlib.sha256((tmp_path / "downloads" / download.name).read_bytes()).hexdigest()
            assert download.sha256 == digest
    # `prepare` itself compares the counts with the manifest's where it names them.
    prepare(corpus, tmp_path / "downloads", tmp_path / "corpus")
    expected = make_corpus(MANIFEST.corpora[name]).lines
    assert set(corpus.lines) == set(MANIFEST.corpora[name].lines)
    for split in ("train", "valid", "test"):
        for side in (corpus.source, corpus.target):
            lines = (tmp_path / "corpus" / "tok" / f"{split}.{side}").read_text(encoding="utf-8").splitlines()
            assert len(lines) == expected[split] > 0


def test_a_recipe_without_a_maker_is_refused():
    corpus = MANIFEST.corpora["multi30k.de-en"]
    other = type(corpus)(**{**vars(corpus), "recipe": "unheard-of"})
    with pytest.raises(InputError, match="no downloads can be made for the recipe 'unheard-of'"):
        make_corpus(other)
    assert builder("multi30k")


@pytest.mark.slow
def test_texts_vocabulary_and_model_are_read_by_what_reads_the_real_ones(mirrors, tmp_path):
    folder = mirrors["paper"]
    text = load_manifest(folder / "corpora.yaml").texts["wikipedia-bookcorpus"]
    vocabulary = load_manifest(folder / "corpora.yaml").vocabularies["gpt2"]
    model = load_manifest(folder / "corpora.yaml").models["bart.base"]
    for entry in (text, vocabulary, model):
        for download in entry.downloads:
            fetch(download, tmp_path / "downloads", mirror=str(folder / "mirror"), progress=False)
    # Two kinds of file, both of which are read.
    assert len(text.parts) == 3
    for part in text.parts:
        prepare_part(text, part, tmp_path / part, downloads=tmp_path / "downloads", progress=False)
        assert (tmp_path / part / "train-001.txt").read_text(encoding="utf-8").count("\n\n") > 5
    make_gpt2(vocabulary, tmp_path / "downloads", tmp_path / "gpt2")
    encoder = load_encoder(tmp_path / "gpt2")
    line = (tmp_path / text.parts[0] / "valid.txt").read_text(encoding="utf-8").splitlines()[0]
    assert encoder.decode(encoder.encode(line)) == line
    # Common words are whole.
    assert len(encoder.encode(line).split()) < len(line) / 2
    words = dictionary_size(tmp_path / "gpt2") + 1
    assert words == made_dictionary_size()
    downloads = [tmp_path / "downloads" / item.name for item in model.downloads]
    unpack_start(downloads, tmp_path / "start.pt", member=model.member, words=words)
    _, weights = read_bart(tmp_path / "start.pt")
    sizes = settings(tier_of("paper", narrow=True), corpus="wikipedia-bookcorpus", system="bart-cmlm")["model"]
    assert weights["encoder.embed_tokens.weight"].shape == (words, sizes["embed_dim"])


@pytest.mark.slow
@pytest.mark.parametrize("name", TIERS)
@pytest.mark.parametrize("machine", [Machine(0, 2, False), Machine(2, 8, False)], ids=["processor", "two GPUs"])
def test_every_narrow_tier_makes_sense_and_keeps_what_it_rehearses(name, machine, tmp_path):
    real = tier_of(name)
    tier, content, _ = narrow(name, tmp_path, machine)
    small = check(tier, SCHEMAS / "tier.schema.yaml", where=name)
    (tmp_path / "corpora.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    corpora, texts = load_manifest(tmp_path / "corpora.yaml").corpora, load_manifest(tmp_path / "corpora.yaml").texts
    models = load_manifest(tmp_path / "corpora.yaml").models
    systems = systems_of(name)
    small = with_entries(small, systems)
    corpora = with_distilled(corpora, small)
    check_sense(small, systems, corpora, texts=texts, models=models, where=name)
    assert runs(small, systems) == runs(real, systems) and small["tables"] == real["tables"]
    for corpus, system in runs(real, systems):
        before, after = (settings(tier, corpus=corpus, system=system) for tier in (real, small))
        for key in ("precision", "lr", "dropout", "update_freq", "clip_norm", "label_smoothing", "valid_bleu_passes"):
            assert before["training"][key] == after["training"][key]
        for key in ("beam", "passes", "length_beam", "length_candidates", "lenpen"):
            assert before["decoding"][key] == after["decoding"][key]
        assert before["model"]["heads"] == after["model"]["heads"]
        assert before["model"]["length_classes"] == after["model"]["length_classes"]
        assert after["training"]["max_epoch"] == 2 and after["model"]["embed_dim"] <= 96
        assert after["training"]["gpus"] <= max(1, machine.gpus)
        assert bool(after["training"]["valid_bleu_sentences"]) == bool(before["training"]["valid_bleu_sentences"])


def test_a_deep_encoder_is_narrow_too():
    """A row's own depth, with which its model is laid over the narrow one of the tier."""
    entries = {
        "deep": {"method": "transformer", "manners": ["ar"], "model": {"encoder_layers": 12, "decoder_layers": 1}}
    }
    tier, _ = narrow_tier(with_entries(tier_of("demo"), entries), SYSTEMS, MANIFEST, PROCESSOR)
    model = settings(tier, corpus="demo.iwslt14.de-en", system="deep")["model"]
    assert (model["encoder_layers"], model["decoder_layers"]) == (2, 1)
