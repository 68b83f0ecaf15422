"""Give every reader of the suite files with faults: each must be read, or end in one of our own one-line errors.

    python tests/fuzz_many.py --inputs 100000 --seed 1 [--only READER]

The files are those of `mutated_files.py`, made from valid ones. A reader fails where it raises anything else, where it
runs something that a file names, where its message is not one line for each problem, or where an input takes more than
ten seconds of the processor. What fails is made smaller and printed, and the next reader follows. The command's own
memory is limited, so that a bomb ends it.
"""

import argparse
import io
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from mutated_files import faulty_checkpoint, faulty_document, faulty_lines, saved

from janus.claims.statements import load_statements
from janus.config.consistency import check_sense
from janus.config.distilled import with_distilled
from janus.config.system_entries import load_systems, with_entries
from janus.config.tiers import check, read_yaml, runs
from janus.config.tiers import settings as settings_of
from janus.data import PUBLISHED, SCHEMAS
from janus.decoding.vocabulary import Vocabulary
from janus.errors import InputError, InputErrors, JobError
from janus.fetching.manifest import load_manifest
from janus.fetching.opening import read_lines as read_opened
from janus.fetching.pins import _pins
from janus.files import iter_lines
from janus.methods.base.loading import load_model
from janus.metrics.outputs import Outputs, is_tokenised
from janus.model.averaging import average_checkpoints
from janus.model.hugging_face import read_folder
from janus.model.zip_integrity import is_cut_short
from janus.records.durations import durations, to_markdown
from janus.records.evidence import refuse_mixed, refuse_stale, revisions
from janus.report.audit import audit
from janus.report.collect import collect
from janus.report.complexity import write_complexity
from janus.report.csvfile import to_csv
from janus.report.ledger import load_reproduced
from janus.report.origins import origin_notes
from janus.report.overview import overview_rows
from janus.report.points import iteration_points
from janus.report.published import load_published
from janus.report.trials import read_trials
from janus.report.vital_signs import markdown, read_signs
from janus.text.bpe import Segmenter
from janus.text.clean import Cleaner
from janus.text.documents import read_documents
from janus.text.gpt2_bpe import Gpt2Bpe
from janus.training.finished import is_finished
from janus.training.lock import folder_lock
from janus.training.logs import parse_line, read_curves, read_parameters
from janus.training.recovery import repair_checkpoints
from janus.training.runs import open_run

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "results/reference/multi30k-cpu/multi30k.de-en"
# Seconds of the processor for one input, and bytes of memory for the whole command.
LONGEST = 10
_MEMORY = 6 << 30
# Characters of a failure.
_SHOWN = 2000


@dataclass(frozen=True)
class Reader:
    """Something that is read: `read` is given the path of a file of this name, in a folder of its own.

    kind: of its faults (json, yaml, lines, checkpoint). valid: makes the whole files, or of checkpoints the contents,
    that the faulty ones are made from. share: of all inputs, relative to the other readers.
    """

    name: str
    file: str
    kind: str
    valid: Callable[[], Sequence[Any]]
    read: Callable[[Path], object]
    share: float = 1.0

    def faulty(self) -> st.SearchStrategy[bytes]:
        """Draws of files with faults."""
        if self.kind == "checkpoint":
            return faulty_checkpoint(self.valid())
        return faulty_lines(self.valid()) if self.kind == "lines" else faulty_document(self.valid(), self.kind)

    def whole(self) -> list[bytes]:
        """The files without a fault."""
        return [saved(content) if self.kind == "checkpoint" else content for content in self.valid()]

    def read_bytes(self, content: bytes, folder: Path) -> None:
        """Read a file of this content, silently, within the deadline. Raises what the reader raises."""
        (folder / self.file).parent.mkdir(parents=True, exist_ok=True)
        (folder / self.file).write_bytes(content)
        silence = io.StringIO()
        with deadline(LONGEST), redirect_stderr(silence), redirect_stdout(silence):
            self.read(folder / self.file)


class Hang(BaseException):
    """An input that takes too long."""


# --- the config


_MANIFEST = b"""\
corpora:
  own.de-en:
    {source: de, target: en, recipe: plain, licence: mine, lowercase: true, merges: 50, options: {files: "{language}"}}
  made.src-tgt:
    source: src
    target: tgt
    recipe: demo_summary
    licence: generated
    lowercase: true
    vocabulary: shared
    task: summary
    published: XSum
    lines: {train: 400, valid: 30}
    blobs: {tok/train.src: 0123456789}
    options: {train: 400}
    notes: none
texts:
  running:
    recipe: documents
    licence: CC
    lowercase: false
    vocabulary: shared
    block: 128
    downloads:
      - name: "part-{number:02d}.jsonl"
        path: "p/{number}.jsonl"
        numbers: [1, 3]
        addresses: ["https://nowhere.invalid/{number}"]
        trust: first-use
        bytes: 1000
vocabularies:
  shared: {kind: subword, licence: none, text: running, merges: 100}
"""


def _systems() -> bytes:
    entries = read_yaml(ROOT / "config/systems.yaml")
    chosen = {name: entries[name] for name in ("transformer", "cmlm", "janus-paper", "glat")}
    return yaml.safe_dump(chosen, sort_keys=False, allow_unicode=True).encode()


def _read_manifest(path: Path) -> None:
    manifest = load_manifest(path)
    manifest.downloads  # noqa: B018
    for corpus in manifest.corpora.values():
        corpus.own_files  # noqa: B018


@cache
def _known() -> tuple:
    manifest = load_manifest(ROOT / "config/corpora.yaml")
    systems = load_systems(ROOT / "config/systems.yaml", SCHEMAS)
    return manifest, systems, load_published(PUBLISHED), load_statements(PUBLISHED / "claims.csv")


def _read_tier(path: Path) -> None:
    manifest, systems, published, statements = _known()
    tier = check(read_yaml(path), SCHEMAS / "tier.schema.yaml", where=path)
    corpora = with_distilled(manifest.corpora, tier)
    tier = with_entries(tier, systems)
    known = {"texts": manifest.texts, "models": manifest.models, "published": published, "statements": statements}
    check_sense(tier, systems, corpora, **known, where=path)
    for corpus, system in runs(tier, systems):
        settings_of(tier, corpus=corpus, system=system)


# --- vocabularies and text

_WORDS = "a walking dog , naïve co-op <unk> 東京 walked\u2009walking"


def _codes() -> bytes:
    from janus.text.bpe import learn

    with tempfile.TemporaryDirectory() as folder:
        learn({"walking": 9, "walked": 8, "dog": 7, "talking": 5}, Path(folder) / "codes", 12, where="", progress=False)
        return (Path(folder) / "codes").read_bytes()


def _read_codes(path: Path) -> None:
    segmenter = Segmenter(path, glossaries=[r"\[SEP\]"])
    segmenter.encode(_WORDS)


def _gpt2() -> tuple[bytes, bytes]:
    from fairseq.data.encoders.gpt2_bpe_utils import bytes_to_unicode

    letters = [*bytes_to_unicode().values(), "th", "the"]
    numbers = {letter: number for number, letter in enumerate(letters)}
    return json.dumps(numbers).encode(), b"#version: 0.2\nt h\nth e\n"


def _read_encoder(path: Path) -> None:
    (path.parent / "vocab.bpe").write_bytes(_gpt2()[1])
    bpe = Gpt2Bpe(path, path.parent / "vocab.bpe")
    bpe.decode(bpe.encode("the naïve dog"))


def _read_merges(path: Path) -> None:
    (path.parent / "encoder.json").write_bytes(_gpt2()[0])
    bpe = Gpt2Bpe(path.parent / "encoder.json", path)
    bpe.decode(bpe.encode("the naïve dog"))


def _read_dictionary(path: Path) -> None:
    vocabulary = Vocabulary(path)
    vocabulary.decode(torch.tensor(vocabulary.encode(_WORDS, bos=True)))


_TEXT = "ein hund läuft über die straße .\n\nzwei männer [SEP] reden\nkatze\n".encode()


def _read_text(path: Path) -> None:
    lines = list(iter_lines(path))
    is_tokenised(lines)
    Outputs("translation", lines, ["x"] * len(lines))


def _read_raw(path: Path) -> None:
    """As downloads are read: cleaned, in documents."""
    cleaner = Cleaner(longest=250)
    for _ in cleaner((line, line) for line in read_opened(path)):
        pass
    for _ in read_documents(path):
        pass


def _records_of_text() -> bytes:
    return b"".join(json.dumps({"text": text}).encode() + b"\n" for text in ("One.\nTwo.", "Three", ""))


def _read_documents(path: Path) -> None:
    for _ in read_documents(path):
        pass


# --- the paper's numbers


def _published(name: str) -> bytes:
    return (PUBLISHED / name).read_bytes()


def _read_published(name: str) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        folder = path.parent
        for other in PUBLISHED.glob("*.csv"):
            if other.name != name:
                shutil.copyfile(other, folder / other.name)
        published = load_published(folder)
        audit(published)

    return read


def _reproduced() -> bytes:
    comparison = {"against": "Transformer", "step": False, "delta": 1.0, "p_bootstrap": 0.1, "p_randomisation": 0.2}
    row = {"table": 1, "row": "JANUS-AR", "variant": "v", "column": "c", "metric": "bleu_tok", "value": 1.5}
    row |= {
        "half_width": None,
        "seeds": 1,
        "comparisons": json.dumps([comparison]),
        "signature": "s",
        "provenance": "p",
    }
    return to_csv(list(row), [row, row | {"metric": "chrf", "half_width": 0.1, "comparisons": "[]"}]).encode()


# --- checkpoints


@cache
def _states() -> list:
    from fairseq_models import build

    def state(arch: str, **more: object) -> dict:
        options = {"encoder_layers": 1, "decoder_layers": 1, "encoder_embed_dim": 8, "decoder_embed_dim": 8}
        options |= {"encoder_ffn_embed_dim": 8, "decoder_ffn_embed_dim": 8}
        options |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
        model, _ = build(arch, size=6, **options)
        args = Namespace(
            arch=arch, share_all_embeddings=True, max_source_positions=64, max_target_positions=64, **options
        )
        progress = {"train_iterator": {"epoch": 2}, "val_loss": 1.0, "best": 1.0, "patience": {"num_runs": 1}}
        return {
            "args": args,
            "model": model.state_dict(),
            "optimizer_history": [{"num_updates": 3, "optimizer_name": "x"}],
            "extra_state": progress,
        } | more

    plain = state("transformer")
    task = {"_name": "janus", "method": "joint", "method_options": "{losses: {ar: 1, nar: 1}}"}
    options = vars(plain["args"]) | {
        "arch": "janus_transformer",
        "encoder_learned_pos": True,
        "decoder_learned_pos": True,
    }
    joint = state("janus_transformer") | {"args": None, "cfg": {"model": options, "task": task}}
    return [plain, joint]


def _read_checkpoint(path: Path) -> None:
    is_cut_short(path)
    arguments = ["--save-dir", str(path.parent), "--max-update", "10", "--max-epoch", "3", "--patience", "2"]
    _all_of(
        lambda: load_model(path),
        lambda: is_finished(arguments),
        lambda: average_checkpoints([path, path], path.parent / "averaged.pt"),
        lambda: repair_checkpoints(path.parent),
    )


def _hugging_face() -> bytes:
    config = {"model_type": "bart", "d_model": 8, "encoder_layers": 1, "decoder_layers": 1, "dropout": 0.1}
    return json.dumps(config | {"encoder_attention_heads": 2, "decoder_attention_heads": 2}, indent=1).encode()


def _read_hugging_face(path: Path) -> None:
    torch.save({"shared.weight": torch.zeros(8, 8)}, path.parent / "pytorch_model.bin")
    read_folder(path.parent)


# --- logs


def _log() -> bytes:
    entries = [
        "2026-01-01 | INFO | fairseq_cli.train | num. shared model params: 1,234 (num. trained: 1,234)",
        '2026-01-01 | INFO | train_inner | {"epoch": 1, "update": 0.5, "loss": "9.1", "lr": "0.1"}',
        '2026-01-01 | INFO | train | {"epoch": 1, "train_loss": "8.1", "train_num_updates": "40"}',
        '2026-01-01 | INFO | valid | {"epoch": 1, "valid_loss": "7.1", "valid_num_updates": "40", "valid_bleu": "3.5"}',
    ]
    return "\n".join(entries).encode() + b"\n"


def _read_log(path: Path) -> None:
    with path.open("rb") as stream:
        for line in stream:
            parse_line(line.decode("utf-8", "replace"))
    read_curves(path)
    read_parameters(path)


def _read_durations(path: Path) -> None:
    to_markdown(durations(path.parent))


# --- records

_CELL = {
    "table": 1,
    "row": "JANUS-AR",
    "variant": "v",
    "column": "c",
    "corpus": "multi30k.de-en",
    "system": "janus-paper",
}
_RUN = REFERENCE / "janus-paper/seed-1"
_RECORDS = {
    "score": "score/ar.json",
    "compare": "compare/ar-transformer.json",
    "latency": "latency.json",
    "train": "train.json",
    "decode": "decode/nar-3.bpe.json",
}


def _vital() -> bytes:
    from janus.metrics.vital_signs import complaints, vital_signs

    lines = ["a dog walks", "two men", "two men"]
    signs = vital_signs(lines, lines, lines)
    return json.dumps({"signs": signs, "degenerate": complaints(signs), "expected": None}, indent=1).encode()


def _complexity() -> bytes:
    text = {"words": 9, "vocabulary": 5, "by_word": 1.0, "by_token": 1.0, "divergence": 0.5}
    distilled = {"of": "a", "teacher": "t", "settings": {"beam": 5}}
    facts = {"corpus": "a+t", "distilled": distilled, "pairs": 3}
    return json.dumps({"texts": {"raw": text, "distilled": text}, "provenance": facts}, indent=1).encode()


def _averaged() -> bytes:
    record = {"checkpoints": {"checkpoint1.pt": "0", "checkpoint2.pt": "1"}, "sha256": "f00", "revision": "abc"}
    return json.dumps(record, indent=1).encode()


@cache
def _record(kind: str) -> bytes:
    """A valid record, shortened: of several rows or words only the first."""
    record = json.loads((_RUN / _RECORDS[kind]).read_bytes())
    if kind == "latency":
        record["rows"] = [row for row in record["rows"] if row["passes"] == 3][:2]
    if kind == "train":
        record["arguments"] = [*record["arguments"][:9], "--lr", "0.1", "--max-tokens", "4096"]
    if kind == "compare":
        # Made before the tests had these names.
        record |= {"p_bootstrap": 0.01, "p_randomisation": 0.02}
    if kind == "decode":
        record["checkpoint"] = "f00"
    if "revision" in record:
        record["revision"] = "abc"
    return json.dumps(record, indent=1).encode()


def _run_with(folder: Path, kind: str, path: Path) -> dict[str, Path]:
    """The files of one run, of which that of a kind is `path`."""
    found = {}
    for name, place in _RECORDS.items():
        found[name] = path if name == kind else folder / f"other/{place}"
        if name != kind and not found[name].exists():
            found[name].parent.mkdir(parents=True, exist_ok=True)
            found[name].write_bytes(_record(name))
    return found


def _read_record(kind: str) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        files = _run_with(path.parent, kind, path)
        origin = {"corpus": "c", "checkpoints": "average"}
        origin |= {"trainings": {1: files["train"]}, "decodings": {1: files["decode"]}}
        compared = {"against": "x", "step": False, "files": {1: files["compare"]}, "origin": origin}
        speed = {"files": {1: files["latency"]}, "manner": "nar", "passes": 3, "baseline": None}
        cell = _CELL | {"metric": "bleu_tok", "score_files": {1: files["score"]}, "comparisons": [compared]}
        cell |= {"origin": origin, "latency": speed}
        shown = cell | {"manner": "nar", "passes": 3, "latency_files": speed["files"]}
        scored = {("nar", 3): [files["score"]]}
        _all_of(
            lambda: collect([cell]),
            lambda: origin_notes([cell]),
            lambda: overview_rows([shown], "translation"),
            lambda: iteration_points("s", "l", scores=scored, latencies=[files["latency"]]),
        )

    return read


def _all_of(*calls: Callable[[], object]) -> None:
    """Each call, whose own errors do not keep the next from being made; the first of them is raised after the last."""
    errors = []
    for call in calls:
        try:
            call()
        except InputError as error:
            _check_message(error)
            errors.append(error)
    if errors:
        raise errors[0]


def _read_run(name: str) -> Callable[[Path], None]:
    """A record as the commands read it that go through a whole run."""

    def read(path: Path) -> None:
        run = path.parent / "results"
        row = run / "c/s/seed-1"
        (row / "checkpoints").mkdir(parents=True, exist_ok=True)
        (row / "decode").mkdir(exist_ok=True)
        made = 1_000_000
        for place, whole in (
            ("checkpoints/checkpoint2.pt", b""),
            ("checkpoints/log.jsonl", _log()),
            ("train.json", _record("train")),
            ("averaged.json", _averaged()),
            ("averaged.pt", b""),
            ("decode/ar.bpe.json", _record("decode")),
        ):
            (row / place).write_bytes(path.read_bytes() if place == name else whole)
            # In the order of their making, whatever the clock of the file system can tell apart.
            os.utime(row / place, (made := made + 1, made))
        _all_of(
            lambda: revisions(run),
            lambda: refuse_mixed(run),
            lambda: refuse_stale(run),
            lambda: read_trials([run]),
        )

    return read


def _identity() -> bytes:
    identity = {"arguments": ["data", "--lr", "0.1", "--max-update", "9", "--keep-last-epochs=3"], "code": "c"}
    return json.dumps(identity | {"data": {"bin/train.bin": "0", "bin/dict.de.txt": "1"}}, indent=1).encode()


def _read_identity(path: Path) -> None:
    checkpoints = path.parent / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    shutil.copyfile(path, checkpoints / "identity.json")
    open_run(checkpoints, json.loads(_identity()))


def _read_pins(path: Path) -> None:
    for name, digest in _pins(path.parent).items():
        assert isinstance(name, str) and isinstance(digest, str)


def _read_lock(path: Path) -> None:
    """The name of the holder in a lock file, as a second process reads it."""
    given = path.read_bytes()
    folder = path.with_suffix("")
    with folder_lock(folder):
        path.write_bytes(given)
        try:
            with folder_lock(folder, wait=0):
                raise AssertionError("locked twice")
        except InputError as error:
            _check_message(error)


def _read_corpus(path: Path) -> None:
    from janus.text.bpe import learn_and_apply
    from janus.text.encode import encode_corpus

    (path.parent / "vocabulary").mkdir(exist_ok=True)
    for name, whole in (
        ("vocabulary.json", b'{"kind": "subword", "vocabulary": "v", "sha256": {}}'),
        ("codes", _codes()),
    ):
        (path.parent / "vocabulary" / name).write_bytes(whole)
    (path.parent / "tok").mkdir(exist_ok=True)
    for split in ("train", "valid", "test"):
        for side in ("de", "en"):
            (path.parent / f"tok/{split}.{side}").write_text("ein hund\nzwei hunde\n")
    _all_of(
        lambda: learn_and_apply(path.parent, merges=2, progress=False),
        lambda: encode_corpus(path.parent, path.parent / "vocabulary", progress=False),
    )


def _corpus() -> bytes:
    record = {
        "corpus": "a",
        "source": "de",
        "target": "en",
        "options": {"longest_source": 5},
        "sha256": {"tok/train.de": ""},
    }
    return json.dumps(record, indent=1).encode()


def _read_complexity(path: Path) -> None:
    write_complexity([path], path.parent / "table")


def _config(name: str) -> bytes:
    return (ROOT / "config" / name).read_bytes()


_DICTIONARY = "a 9\nthe 8\nä@@ 7\n<mask> 1\nx 2 #fairseq:overwrite\n".encode()

READERS = (
    Reader("manifest", "corpora.yaml", "yaml", lambda: [_MANIFEST], _read_manifest, 0.3),
    Reader("tier", "tier.yaml", "yaml", lambda: [_config("multi30k-cpu.yaml")], _read_tier, 0.2),
    Reader("systems", "systems.yaml", "yaml", lambda: [_systems()], lambda path: load_systems(path, SCHEMAS), 0.2),
    Reader("codes", "codes", "lines", lambda: [_codes()], _read_codes),
    Reader("gpt2-encoder", "encoder.json", "json", lambda: [_gpt2()[0]], _read_encoder, 0.4),
    Reader("gpt2-merges", "vocab.bpe", "lines", lambda: [_gpt2()[1]], _read_merges, 0.4),
    Reader("dictionary", "dict.txt", "lines", lambda: [_DICTIONARY], _read_dictionary),
    *(
        Reader(f"published-{name}", name, "lines", lambda name=name: [_published(name)], _read_published(name), 0.4)
        for name in ("table6.csv", "text.csv", "same.csv", "rows.csv")
    ),
    Reader("claims", "claims.csv", "lines", lambda: [_published("claims.csv")], load_statements),
    Reader("reproduced", "table1-cells.csv", "lines", lambda: [_reproduced()], load_reproduced),
    Reader("text", "train.de", "lines", lambda: [_TEXT], _read_text),
    Reader("raw-text", "raw.txt", "lines", lambda: [_TEXT], _read_raw),
    Reader("documents", "text.jsonl", "lines", lambda: [_records_of_text()], _read_documents),
    Reader("checkpoint", "checkpoint_last.pt", "checkpoint", _states, _read_checkpoint, 0.8),
    Reader("hugging-face", "config.json", "json", lambda: [_hugging_face()], _read_hugging_face),
    Reader("log", "log.jsonl", "lines", lambda: [_log()], _read_log),
    Reader("durations", "train.tsv", "lines", lambda: [b"s\n12.5\n"], _read_durations),
    *(
        Reader(kind, Path(place).name, "json", lambda kind=kind: [_record(kind)], _read_record(kind), 0.6)
        for kind, place in _RECORDS.items()
    ),
    Reader(
        "vital-signs",
        "c/s/seed-1/decode/ar.vital.json",
        "json",
        lambda: [_vital()],
        lambda path: markdown(read_signs([path])),
        0.6,
    ),
    Reader("complexity", "complexity.json", "json", lambda: [_complexity()], _read_complexity, 0.6),
    Reader("run-train", "train.json", "json", lambda: [_record("train")], _read_run("train.json"), 0.4),
    Reader("run-averaged", "averaged.json", "json", lambda: [_averaged()], _read_run("averaged.json"), 0.4),
    Reader("run-decode", "ar.bpe.json", "json", lambda: [_record("decode")], _read_run("decode/ar.bpe.json"), 0.4),
    Reader("run-log", "log.jsonl", "lines", lambda: [_log()], _read_run("checkpoints/log.jsonl"), 0.4),
    Reader("identity", "identity.json", "json", lambda: [_identity()], _read_identity, 0.6),
    Reader("pins", "pins.json", "json", lambda: [b'{"a.tar": "f00", "b.gz": "ba4"}'], _read_pins, 0.6),
    Reader("lock", "x.lock", "json", lambda: [b'{"pid": 1, "host": "h", "since": "2026"}'], _read_lock, 0.6),
    Reader("corpus", "corpus.json", "json", lambda: [_corpus()], _read_corpus, 0.3),
)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise Hang in the block once it has used so much time of the processor, whatever else the machine does."""

    def give_up(number: int, frame: object) -> None:
        raise Hang(f"more than {seconds} s of the processor")

    old = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, old)


def _check_message(error: InputError | JobError) -> None:
    problems = len(error.problems) if isinstance(error, InputErrors) else 1
    assert len(str(error).splitlines()) == problems, f"not one line for each problem: {error!s:.500}"


def fuzz(reader: Reader, inputs: int, number: int) -> dict[str, int]:
    """Give a reader so many files; how many it read and how many it refused. number: the seed of the draws.

    Raises what the reader raised for the smallest file with which it fails.
    """
    counts = {"read": 0, "refused": 0}

    with tempfile.TemporaryDirectory(prefix="fuzz.") as temporary:

        @seed(number)
        @settings(
            max_examples=inputs,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(content=reader.faulty())
        def once(content: bytes) -> None:
            folder = Path(tempfile.mkdtemp(dir=temporary))
            try:
                reader.read_bytes(content, folder)
                counts["read"] += 1
            except (InputError, JobError) as error:
                _check_message(error)
                counts["refused"] += 1
            finally:
                shutil.rmtree(folder)

        once()
    return counts


def _told(error: BaseException) -> str:
    """Where and why a reader failed, and with which input, as far as a screen holds it."""
    if isinstance(error, BaseExceptionGroup):
        return "\n".join(map(_told, error.exceptions))
    notes, error.__notes__ = getattr(error, "__notes__", []), []
    return "".join(traceback.format_exception(error))[-_SHOWN:] + "\n".join(notes)[:_SHOWN]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000, help="of all readers together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=[reader.name for reader in READERS], nargs="*", metavar="READER")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    chosen = [reader for reader in READERS if not options.only or reader.name in options.only]
    shares = sum(reader.share for reader in chosen)
    failed = []
    total = 0
    for reader in chosen:
        begun = time.monotonic()
        inputs = -(-int(options.inputs * reader.share) // int(max(shares, 1)))
        try:
            counts = fuzz(reader, inputs, options.seed)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            failed.append(reader.name)
            print(f"{reader.name}: FAILED\n{_told(error)}", flush=True)
            continue
        total += sum(counts.values())
        seconds = time.monotonic() - begun
        print(f"{reader.name}: {counts['read']} read, {counts['refused']} refused, {seconds:.0f} s", flush=True)
    print(f"{total} inputs; failed: {', '.join(failed) or 'none'}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
