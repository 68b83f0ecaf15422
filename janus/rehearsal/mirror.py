"""Made downloads: for each recipe the archives and members that it expects of the real ones, with a few dozen lines.

Every maker returns files by their name in the manifest, and the pairs of each split that the recipe shall make of them.
"""

import bz2
import gzip
import html
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from janus.errors import InputError
from janus.fetching.manifest import Corpus
from janus.recipes.by_recipe import RECIPES, builder
from janus.recipes.dialogue import split_of
from janus.rehearsal.text import documents, sentence_pairs, task_pairs
from janus.text.clean import Pair
from janus.text.one_language import SEPARATOR

# Pairs of the made splits. IWSLT14's valid is every 23rd pair of its training text.
TRAIN, HELD_OUT = 36, 6
_IWSLT14 = 23 * HELD_OUT
_TEST_SETS = ("TED.dev2010", "TEDX.dev2012", "TED.tst2010", "TED.tst2011", "TED.tst2012")
_DOCUMENTS = 48
_TASKS = {"xsum": "summary", "squadqg": "question", "personachat": "reply"}
Files = dict[str, bytes]


@dataclass(frozen=True)
class Made:
    """Files by the names of their downloads, and the expected pairs of each split."""

    files: Files
    lines: Mapping[str, int] = field(default_factory=dict)


def make_corpus(corpus: Corpus) -> Made:
    """The downloads of a corpus; none where its recipe generates its text or reads a user's own.

    Raises InputError for an unknown recipe.
    """
    if corpus.recipe == "grammar" or corpus.recipe.startswith("demo_") or corpus.own_files:
        return Made({})
    # A recipe may bring its maker in its own file.
    make = getattr(builder(corpus.recipe), "make_downloads", None) if corpus.recipe in RECIPES else None
    if make:
        return Made(make(corpus, partial(_sentences, seed=corpus.recipe)))
    if corpus.recipe not in _MAKERS:
        raise InputError(
            f"no downloads can be made for the recipe {corpus.recipe!r}",
            where=f"corpus {corpus.name}",
            fix=f"add `make_downloads` to its file, or a maker to {Path(__file__).name}",
        )
    made = _MAKERS[corpus.recipe](corpus)
    if missing := {download.name for download in corpus.downloads} - made.files.keys():
        raise InputError(
            f"the maker of recipe {corpus.recipe!r} makes no {sorted(missing)[0]}",
            where=f"corpus {corpus.name}",
            fix=f"correct it in {Path(__file__).name}",
        )
    return made


def _sentences(source: str, target: str, count: int, *, seed: str) -> list[Pair]:
    return sentence_pairs(source, target, count, seed=seed)


def make_text(names: Iterable[str]) -> Made:
    """The downloads of a text by their names, whose endings say what `documents` reads them as."""
    return Made({name: _documents_as(name) for name in names})


def _documents_as(name: str) -> bytes:
    made = documents(_DOCUMENTS, seed=name)
    if name.endswith(".parquet"):
        return _parquet(made)
    if ".tar" in name or name.endswith(".tgz"):
        return tar({f"books/{number}.txt": _plain([made[number]]) for number in range(len(made))}, _mode(name))
    content = _plain(made) if ".txt" in name else "".join(json.dumps({"text": "\n".join(d)}) + "\n" for d in made)
    return compressed(name, content)


def _plain(made: list[list[str]]) -> str:
    return "".join("\n".join(document) + "\n\n" for document in made)


def _parquet(made: list[list[str]]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    stream = io.BytesIO()
    table = pyarrow.table({"id": list(map(str, range(len(made)))), "text": ["\n".join(document) for document in made]})
    pyarrow.parquet.write_table(table, stream)
    return stream.getvalue()


# ---- corpora -----------------------------------------------------------------------------------------------------


def _iwslt14(corpus: Corpus) -> Made:
    training = sentence_pairs("de", "en", _IWSLT14, seed="iwslt14/train")
    members = {}
    for side, language in enumerate(("de", "en")):
        lines = ["<url>http://www.ted.com/talks/1</url>", "<talkid>1</talkid>", "<keywords>made, text</keywords>"]
        lines += [f"<title>{training[0][side]}</title>", f"<description>{training[1][side]}</description>"]
        members[f"de-en/train.tags.de-en.{language}"] = "\n".join([*lines, *(p[side] for p in training[2:])]) + "\n"
        for name in _TEST_SETS:
            pairs = sentence_pairs("de", "en", 2, seed=f"iwslt14/{name}")
            segments = [f'<seg id="{number}"> {pair[side]} </seg>' for number, pair in enumerate(pairs, 1)]
            document = ["<mteval>", '<doc docid="1" genre="lectures">', *segments, "</doc>", "</mteval>"]
            members[f"de-en/IWSLT14.{name}.de-en.{language}.xml"] = "\n".join(document) + "\n"
    lines = {"train": _IWSLT14 - HELD_OUT, "valid": HELD_OUT, "test": 2 * len(_TEST_SETS)}
    return Made({"iwslt14-de-en.tgz": tar(members, "gz")}, lines)


def _wmt14(corpus: Corpus) -> Made:
    counts = {"train": TRAIN, "valid": HELD_OUT, "test": HELD_OUT}
    splits = {split: sentence_pairs("de", "en", count, seed=f"wmt14/{split}") for split, count in counts.items()}
    text, test = {}, {}
    for side, language in enumerate(("de", "en")):
        for split, pairs in splits.items():
            lines = [_in_subwords(pair[side]) for pair in pairs]
            text[f"wmt14_ende/{split}.en-de.{language}"] = "\n".join(lines) + "\n"
        kind = ("src", "ref")[side]
        test[f"test-full/newstest2014-deen-{kind}.{language}.sgm"] = _sgml(splits["test"], side)
    files = {"wmt14-original_dataset.zip": zipped(text), "wmt14-test-full.tgz": tar(test, "gz")}
    return Made(files, counts)


def _in_subwords(line: str) -> str:
    """The line as the published set has it: tokenised, and cut into subwords."""
    tokens = line.replace(".", " .").split()
    return " ".join(f"{token[:3]}@@ {token[3:]}" if len(token) > 5 else token for token in tokens)


def _wmt16(corpus: Corpus) -> Made:
    europarl = sentence_pairs("ro", "en", TRAIN // 2, seed="wmt16/europarl")
    setimes = sentence_pairs("ro", "en", TRAIN - TRAIN // 2, seed="wmt16/setimes")
    held_out = {name: sentence_pairs("ro", "en", HELD_OUT, seed=f"wmt16/{name}") for name in ("newsdev", "newstest")}
    sgml: dict[str, dict[str, str]] = {"newsdev": {}, "newstest": {}}
    for name, pairs in held_out.items():
        folder = "dev" if name == "newsdev" else "test"
        for direction in ("roen", "enro"):
            for side, language in enumerate(("ro", "en")):
                kind = "src" if direction.startswith(language) else "ref"
                sgml[name][f"{folder}/{name}2016-{direction}-{kind}.{language}.sgm"] = _sgml(pairs, side)
    parallel = {
        f"training-parallel-ep-v8/europarl-v8.ro-en.{x}": _side(europarl, s) for s, x in enumerate(("ro", "en"))
    }
    files = {
        "wmt16-training-parallel-ep-v8.tgz": tar(parallel, "gz"),
        "wmt16-setimes2-en-ro.txt.zip": zipped(
            {f"SETIMES.en-ro.{language}": _side(setimes, side) for side, language in enumerate(("ro", "en"))}
        ),
        "wmt16-dev.tgz": tar(sgml["newsdev"], "gz"),
        "wmt16-test.tgz": tar(sgml["newstest"], "gz"),
    }
    return Made(files, {"train": TRAIN, "valid": HELD_OUT, "test": HELD_OUT})


def _multi30k(corpus: Corpus) -> Made:
    counts = {"train": TRAIN, "val": HELD_OUT, "test_2016_flickr": HELD_OUT}
    files = {}
    for stem, count in counts.items():
        pairs = sentence_pairs("de", "en", count, seed=f"multi30k/{stem}")
        for side, language in enumerate(("de", "en")):
            name = f"multi30k-{stem}.{language}.gz"
            files[name] = compressed(name, _side(pairs, side))
    return Made(files, dict(zip(("train", "valid", "test"), counts.values())))


def _glge(corpus: Corpus) -> Made:
    """Both archives, with all three tasks whichever the corpus is: they are shared."""
    public, hidden = {}, {}
    counts = {"train": TRAIN, "dev": HELD_OUT, "test": HELD_OUT}
    for folder, task in _TASKS.items():
        for split, count in counts.items():
            pairs = task_pairs(task, count, seed=f"glge/{split}")
            for side, ending in enumerate(("src", "tgt")):
                members = hidden if (split, ending) == ("test", "tgt") else public
                members[f"data/easy/{folder}_data/org_data/{split}.{ending}"] = _side(pairs, side)
    files = {"glge_public.tar": tar(public, ""), "glge_hidden_v1.1.tar.gz": tar(hidden, "gz")}
    return Made(files, {"train": TRAIN, "valid": HELD_OUT, "test": HELD_OUT})


def _summaries(corpus: Corpus) -> Made:
    counts = {"train": TRAIN, "valid": HELD_OUT, "test": HELD_OUT}
    files = {}
    for split, count in counts.items():
        pairs = task_pairs("summary", count, seed=f"summaries/{split}")
        for side, ending in enumerate(("src", "tgt")):
            name = f"package-summaries-{split}.{ending}.xz"
            files[name] = compressed(name, _side(pairs, side))
    return Made(files, counts)


def _questions(corpus: Corpus) -> Made:
    counts = {"train": TRAIN, "val": HELD_OUT, "test": HELD_OUT}
    files = {}
    for split, count in counts.items():
        pairs = task_pairs("question", count, seed=f"questions/{split}")
        sources = [[part.strip() for part in source.split(SEPARATOR)] for source, _ in pairs]
        sides = {"answer": [s[0] for s in sources], "src": [s[1] for s in sources], "tgt": [t for _, t in pairs]}
        for ending, lines in sides.items():
            name = f"fairytaleqa-{split}.{ending}.xz"
            files[name] = compressed(name, "\n".join(lines) + "\n")
    return Made(files, {"train": TRAIN, "valid": HELD_OUT, "test": HELD_OUT})


def _dialogue(corpus: Corpus) -> Made:
    """Dialogues of two turns, drawn until each split, which a digest of the text decides, has its share."""
    wanted = {"train": TRAIN, "valid": HELD_OUT, "test": HELD_OUT}
    counts, lines = dict.fromkeys(wanted, 0), []
    for source, target in task_pairs("reply", 1200, seed="dialogue"):
        line = f"{source.replace(SEPARATOR, ' ')}\t{target}"
        split = split_of(line)
        if counts[split] < wanted[split]:
            counts[split] += 1
            lines.append(line)
    name = "chitchat-dialogues.txt.xz"
    return Made({name: compressed(name, "\n".join(lines) + "\n")}, counts)


_MAKERS: dict[str, Callable[[Corpus], Made]] = {
    "iwslt14": _iwslt14,
    "wmt14": _wmt14,
    "wmt16": _wmt16,
    "multi30k": _multi30k,
    "glge": _glge,
    "summaries": _summaries,
    "questions": _questions,
    "dialogue": _dialogue,
}


# ---- files -------------------------------------------------------------------------------------------------------


def _side(pairs: list[Pair], side: int) -> str:
    return "".join(f"{pair[side]}\n" for pair in pairs)


def _sgml(pairs: list[Pair], side: int) -> str:
    segments = [f'<seg id="{number}">{html.escape(pair[side])}</seg>' for number, pair in enumerate(pairs, 1)]
    return "\n".join(['<srcset setid="made">', '<doc docid="1">', *segments, "</doc>", "</srcset>"]) + "\n"


def compressed(name: str, content: str) -> bytes:
    """Text compressed as the ending of a file's name says."""
    raw = content.encode()
    if name.endswith(".gz"):
        return gzip.compress(raw, mtime=0)
    if name.endswith(".xz"):
        return lzma.compress(raw)
    return bz2.compress(raw) if name.endswith(".bz2") else raw


def _mode(name: str) -> str:
    return {"tgz": "gz", "gz": "gz", "bz2": "bz2", "xz": "xz"}.get(name.rpartition(".")[2], "")


def tar(members: Mapping[str, str | bytes], compression: str) -> bytes:
    """A tar archive of files by name, compressed with gz, bz2, xz or not at all."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{compression}") as archive:
        for name, content in members.items():
            raw = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return stream.getvalue()


def zipped(members: Mapping[str, str]) -> bytes:
    """A zip archive of text files by name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()
