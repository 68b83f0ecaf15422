from pathlib import Path

import pytest
import yaml

from janus.errors import InputError, InputErrors
from janus.fetching.manifest import (
    TEXT_RECIPES,
    load_manifest,
)

MANIFEST = Path(__file__).resolve().parents[2] / "config" / "corpora.yaml"
SCHEMA = Path(__file__).resolve().parents[2] / "workflow" / "schemas" / "corpora.schema.yaml"
DIRECTIONS = {"iwslt14.de-en", "wmt16.ro-en", "wmt16.en-ro", "wmt14.de-en", "wmt14.en-de"}
TASKS = {"xsum.src-tgt", "squad.src-tgt", "personachat.src-tgt"}
SMALL = {"package-summaries.src-tgt", "fairytaleqa.src-tgt", "chitchat.src-tgt"}
ENTRY = {"source": "de", "target": "en", "recipe": "grammar", "licence": "free", "lowercase": True, "merges": 10}
DOWNLOAD = {"name": "a.gz", "path": "x/a.gz", "addresses": ["https://host.example/a.gz"], "trust": "first-use"}


@pytest.fixture
def manifest(tmp_path):
    def write(**changes):
        path = tmp_path / "corpora.yaml"
        path.write_text(yaml.safe_dump({"corpora": {"a.de-en": ENTRY | changes}}))
        return path

    return write


def test_the_manifest_holds_every_direction_of_table_1_and_task_of_glge_real_and_generated():
    published, generated = DIRECTIONS | TASKS, {"grammar.plain.de-en", "grammar.half.de-en", "grammar.full.de-en"}
    generated |= {f"demo.{name}" for name in published}
    small = SMALL | {"multi30k.de-en", "tatoeba.ro-en", "tatoeba.de-en"}
    assert published | generated | small == set(load_manifest(MANIFEST).corpora)


def test_names_tell_the_direction():
    for name, corpus in load_manifest(MANIFEST).corpora.items():
        assert name.endswith(f".{corpus.source}-{corpus.target}")


def test_every_download_can_be_mirrored_and_checked():
    corpora, texts = load_manifest(MANIFEST).corpora, load_manifest(MANIFEST).texts
    for corpus in corpora.values():
        assert bool(corpus.downloads) == (corpus.recipe != "grammar" and not corpus.recipe.startswith("demo_"))
    for entry in [*corpora.values(), *texts.values(), *load_manifest(MANIFEST).vocabularies.values()]:
        for download in entry.downloads:
            if download.addresses:
                assert download.path.rsplit("/", 1)[-1] in download.addresses[0]
            else:
                assert download.sha256 and entry.name in SMALL


def test_downloads_of_all_entries_are_found_by_name():
    downloads = load_manifest(MANIFEST).downloads
    assert {"multi30k-train.de.gz", "wikipedia-20231101.en-00040.parquet", "gpt2-dict.txt", "bart.base.tar.gz"} <= set(
        downloads
    )
    assert all(name == download.name for name, download in downloads.items())


def test_terms_are_asked_for_where_there_are_any():
    asked = {name: {d.accept for d in corpus.downloads} for name, corpus in load_manifest(MANIFEST).corpora.items()}
    assert {name for name, terms in asked.items() if terms - {None}} == TASKS
    books = load_manifest(MANIFEST).texts["wikipedia-bookcorpus"].downloads[-1]
    assert (books.name, books.accept) == ("bookcorpus.tar.bz2", "bookcorpus") and books.page


def test_every_task_of_the_tables_is_there_real_small_and_generated():
    tasks = {}
    for name, corpus in load_manifest(MANIFEST).corpora.items():
        tasks.setdefault(corpus.task, set()).add(name)
    assert tasks["summary"] == {"xsum.src-tgt", "demo.xsum.src-tgt", "package-summaries.src-tgt"}
    assert tasks["question"] == {"squad.src-tgt", "demo.squad.src-tgt", "fairytaleqa.src-tgt"}
    assert tasks["reply"] == {"personachat.src-tgt", "demo.personachat.src-tgt", "chitchat.src-tgt"}
    assert tasks["translation"] > DIRECTIONS


def test_bart_base_is_there_in_both_formats():
    models = load_manifest(MANIFEST).models
    assert {model.format: bool(model.member) for model in models.values()} == {"fairseq": True, "huggingface": False}
    assert [item.name.split("-")[-1] for item in models["facebook-bart-base"].downloads] == [
        "config.json",
        "model.safetensors",
    ]


def test_glges_line_counts_add_up_to_what_it_states():
    totals = {
        name: sum(load_manifest(MANIFEST).corpora[f"{name}.src-tgt"].lines.values()) for name in ("xsum", "squad")
    }
    assert totals == {"xsum": 226_677, "squad": 98_169}
    assert sum(load_manifest(MANIFEST).corpora["personachat.src-tgt"].lines.values()) == 151_157


def test_a_run_of_files_is_written_once():
    wikipedia = load_manifest(MANIFEST).texts["wikipedia-bookcorpus"].downloads[:-1]
    assert [download.name for download in wikipedia] == [f"wikipedia-20231101.en-{n:05d}.parquet" for n in range(41)]
    assert all(download.path.endswith(f"train-{n:05d}-of-00041.parquet") for n, download in enumerate(wikipedia))


@pytest.mark.parametrize(
    ("section", "entry", "words"),
    [
        ("corpora", {"vocabulary": "none", "merges": None}, ["vocabulary 'none'", "vocabularies"]),
        ("texts", {"vocabulary": "none"}, ["vocabulary 'none'", "t"]),
        ("texts", {"corpora": ["b.de-en"]}, ["corpora 'b.de-en'"]),
        ("vocabularies", {"text": "none"}, ["text 'none'", "texts"]),
    ],
)
def test_a_name_that_stands_for_nothing_is_one_clear_line(tmp_path, section, entry, words):
    content = {
        "corpora": {"a.de-en": dict(ENTRY)},
        "texts": {
            "t": {"recipe": "sides", "licence": "free", "lowercase": True, "vocabulary": "v", "block": 8}
            | {"corpora": ["a.de-en"]}
        },
        "vocabularies": {"v": {"kind": "subword", "licence": "free", "text": "t", "merges": 5}},
    }
    (tmp_path / "corpora.yaml").write_text(yaml.safe_dump(content))
    assert load_manifest(tmp_path / "corpora.yaml").texts["t"].corpora == ("a.de-en",)
    (name,) = content[section]
    changed = content[section][name] | entry
    content[section][name] = {key: value for key, value in changed.items() if value is not None}
    (tmp_path / "corpora.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(InputError) as caught:
        load_manifest(tmp_path / "corpora.yaml")
    assert all(word in str(caught.value) for word in words)


def test_the_iwslt_entry_carries_the_hashes_that_the_literature_shares():
    blobs = load_manifest(MANIFEST).corpora["iwslt14.de-en"].blobs
    expected = {"test.de": "2b6e0a26", "test.en": "5577f360", "valid.de": "bae485c4", "valid.en": "a981f719"}
    for name, prefix in (expected | {"train.de": "f0a0c7d5", "train.en": "6cec1253"}).items():
        assert blobs[f"bpe/{name}"].startswith(prefix)


def test_schema_describes_every_key():
    def undescribed(node, place):
        if isinstance(node, dict):
            for key, value in node.get("properties", {}).items():
                if "description" not in value:
                    yield f"{place}.{key}"
            for key, value in node.items():
                yield from undescribed(value, f"{place}.{key}")

    schema = yaml.safe_load(SCHEMA.read_text())
    assert list(undescribed(schema, "")) == []
    assert schema["$defs"]["text"]["properties"]["recipe"]["enum"] == list(TEXT_RECIPES)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lisence": "free"}, ["lisence", "a.de-en", "use only", "licence"]),
        ({"recipe": "wmt99"}, ["wmt99", "recipe"]),
        ({"merges": "many"}, ["many", "merges"]),
        ({"lines": {"dev": 3}}, ["dev", "lines"]),
        ({"options": {"multimodality": 2}}, ["multimodality", "2"]),
        ({"downloads": [DOWNLOAD | {"sha256": "0" * 64}]}, ["downloads.0"]),
        ({"downloads": [{key: value for key, value in DOWNLOAD.items() if key != "trust"}]}, ["downloads.0"]),
        ({"downloads": [DOWNLOAD, DOWNLOAD | {"path": "y/a.gz"}]}, ["a.gz", "two different files"]),
    ],
)
def test_a_wrong_entry_is_one_clear_line(manifest, changes, words):
    with pytest.raises(InputError) as caught:
        load_manifest(manifest(**changes))
    message = str(caught.value)
    assert "corpora.yaml" in message and "\n" not in message
    for word in words:
        assert word in message


def test_a_missing_key_is_named(tmp_path):
    path = tmp_path / "corpora.yaml"
    path.write_text(yaml.safe_dump({"corpora": {"a.de-en": {key: ENTRY[key] for key in ENTRY if key != "licence"}}}))
    with pytest.raises(InputError, match="licence.*add the key"):
        load_manifest(path)


def test_broken_yaml_names_its_line(tmp_path):
    path = tmp_path / "corpora.yaml"
    path.write_text("corpora:\n  a: [1,\n")
    with pytest.raises(InputError, match=r"corpora\.yaml:3"):
        load_manifest(path)


def test_a_byte_order_mark_is_no_text_and_utf_16_is_named(manifest):
    path = manifest()
    text = path.read_text()
    path.write_text(text, encoding="utf-8-sig")
    assert list(load_manifest(path).corpora) == ["a.de-en"]
    path.write_text(text, encoding="utf-16")
    with pytest.raises(InputError, match=r"corpora\.yaml: not UTF-8 .*convert"):
        load_manifest(path)


def test_all_problems_of_a_manifest_are_said_at_once(manifest):
    with pytest.raises(InputErrors) as caught:
        load_manifest(manifest(recipe="nope", sorce="x", merges=0))
    lines = str(caught.value).splitlines()
    assert len(lines) == 3 and all("corpora.yaml, corpora.a.de-en" in line for line in lines)
    with pytest.raises(InputErrors) as caught:
        load_manifest(manifest(target="de", downloads=[DOWNLOAD, DOWNLOAD | {"path": "y/a.gz"}]))
    assert len(caught.value.problems) == 2


def test_two_kinds_at_once_are_refused_without_the_whole_entry(manifest):
    with pytest.raises(InputError) as caught:
        load_manifest(manifest(vocabulary="v", notes="long " * 99))
    assert "corpora.a.de-en: only one of merges, vocabulary, bin may stand there; " in str(caught.value)
    assert len(str(caught.value)) < 300


def test_what_one_of_several_keys_would_say_is_missing(manifest, tmp_path):
    path = manifest(notes="x")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    del content["corpora"]["a.de-en"]["merges"]
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"corpora\.a\.de-en: one of merges, vocabulary, bin is missing"):
        load_manifest(path)


def test_an_entry_of_the_wrong_type_is_one_problem(tmp_path):
    (tmp_path / "corpora.yaml").write_text("corpora: {a.de-en: null}\n")
    with pytest.raises(InputError, match=r"corpora\.a\.de-en: None is not of type 'object'") as caught:
        load_manifest(tmp_path / "corpora.yaml")
    assert len(str(caught.value).splitlines()) == 1


def test_a_task_of_generation_needs_a_vocabulary(manifest):
    assert load_manifest(manifest()).corpora["a.de-en"].task == "translation"
    with pytest.raises(InputError, match="a.de-en: a corpus of the task summary cannot have merges of its own; name a"):
        load_manifest(manifest(task="summary"))


def test_sides_of_one_name_would_be_one_file(manifest):
    with pytest.raises(InputError, match="a.de-en: source and target are both 'en', and each names a file; call them"):
        load_manifest(manifest(source="en"))


PLAIN = {"recipe": "plain", "merges": 10}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (PLAIN | {"options": {"files": "a.{language}"}}, "a single pair of files needs `valid` and `test`"),
        (PLAIN | {"options": {"files": "a.{language}", "valid": 3}}, "a single pair of files needs `valid` and `test`"),
        (
            PLAIN | {"options": {"files": "{split}.{language}", "valid": 3, "test": 3}},
            "`valid` is of a single pair of files, and each split has its own.*; remove `valid` and `test`, or",
        ),
        ({"options": {"longest_source": 9}}, "`longest_source` is not applied with `merges`; remove it"),
        ({"options": {"longest_target": 9}}, "`longest_target` is not applied with `merges`; remove it"),
        ({"tests": {"t": {"files": "{split}.{language}"}}}, r"corpora\.a\.de-en\.tests\.t: .* a test set has none"),
    ],
)
def test_options_that_would_fail_later_or_be_ignored_are_refused(manifest, changes, said):
    with pytest.raises(InputError, match=said):
        load_manifest(manifest(**changes))


@pytest.mark.parametrize(
    ("files", "said"), [("raw.de", "does not contain {language}"), ("{split}.{language}", "contains {split}")]
)
def test_the_test_set_of_binarised_data_is_named_for_both_sides(files, said, tmp_path):
    entry = {key: value for key, value in ENTRY.items() if key != "merges"} | {"recipe": "binarised", "bin": "bin"}
    path = tmp_path / "corpora.yaml"
    path.write_text(yaml.safe_dump({"corpora": {"a.de-en": entry | {"options": {"files": files}}}}))
    with pytest.raises(InputError, match=said):
        load_manifest(path)
