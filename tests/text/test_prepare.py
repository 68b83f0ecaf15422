import pytest

from janus.errors import InputError
from janus.fetching.manifest import Download
from janus.files import git_blob_hash, read_json, sha256
from janus.recipes.by_recipe import RECIPES, builder, judge
from janus.text.prepare import check_blobs, prepare

OPTIONS = {"train": 40, "valid": 5, "test": 6}


@pytest.fixture
def demo(corpus_entry):
    return lambda **changes: corpus_entry("grammar", **{"options": OPTIONS} | changes)


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_of_the_manifest_is_built_and_generated_text_has_a_judge(recipe):
    assert callable(builder(recipe).build)
    assert (judge(recipe) is not None) == recipe.startswith(("grammar", "demo_"))


def test_corpus_json_tells_what_was_made(demo, tmp_path):
    prepare(demo(lines=OPTIONS), tmp_path, tmp_path / "out")
    facts = read_json(tmp_path / "out" / "corpus.json")
    assert facts["lines"] == OPTIONS and facts["recipe"] == "grammar" and facts["seed"] == 1
    assert len(facts["sha256"]) == 8
    for name, digest in facts["sha256"].items():
        assert sha256(tmp_path / "out" / name) == digest


def test_the_seed_changes_generated_text_and_the_same_seed_does_not(demo, tmp_path):
    digests = []
    for i, seed in enumerate((1, 1, 2)):
        prepare(demo(), tmp_path, tmp_path / str(i), seed=seed)
        digests.append(read_json(tmp_path / str(i) / "corpus.json")["sha256"])
    assert digests[0] == digests[1] != digests[2]


def test_a_missing_download_is_named(corpus_entry, tmp_path):
    with pytest.raises(InputError, match=r"a\.gz: download is missing; fetch it first"):
        prepare(corpus_entry("multi30k", ("a.gz",)), tmp_path, tmp_path / "out")


def test_a_file_put_there_by_hand_must_be_the_manifests(corpus_entry, tmp_path):
    (tmp_path / "a.gz").write_bytes(b"anything")
    download = Download("a.gz", "a.gz", (), sha256="0" * 64)
    with pytest.raises(InputError, match=r"a\.gz: sha256 is [0-9a-f]{64}, the manifest says 0{64}; move it away"):
        prepare(corpus_entry("multi30k", downloads=(download,)), tmp_path, tmp_path / "out")


def test_a_recipe_without_its_download_is_named(corpus_entry, tmp_path):
    with pytest.raises(InputError, match=r"needs a download named 'iwslt14-de-en\.tgz'"):
        prepare(corpus_entry("iwslt14"), tmp_path, tmp_path / "out")


def test_unexpected_line_counts_stop_and_leave_nothing_to_trust(demo, tmp_path):
    prepare(demo(), tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match="40 pairs after preparation, expected 41"):
        prepare(demo(lines={"train": 41}), tmp_path, tmp_path / "out")
    assert not (tmp_path / "out" / "corpus.json").exists()


def test_an_empty_split_is_refused(demo, tmp_path):
    with pytest.raises(InputError, match="0 pairs after preparation, expected some"):
        prepare(demo(options=OPTIONS | {"valid": 0}), tmp_path, tmp_path / "out")


def test_a_file_with_another_hash_is_refused(demo, tmp_path):
    prepare(demo(), tmp_path, tmp_path / "out")
    right = git_blob_hash(tmp_path / "out" / "tok" / "test.de")
    check_blobs(demo(blobs={"tok/test.de": right[:8], "bpe/test.de": "0" * 8}), tmp_path / "out", below="tok")
    with pytest.raises(InputError, match=f"git blob hash is {right}, expected {'0' * 8}"):
        prepare(demo(blobs={"tok/test.de": "0" * 8}), tmp_path, tmp_path / "out")
    assert not (tmp_path / "out" / "corpus.json").exists()
