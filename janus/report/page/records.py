"""What the records of a run tell of a number: who trained it, with which seed and data, on what, for how long."""

import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from janus.errors import InputError
from janus.files import parse_json
from janus.records.evidence import without_absolute_paths

# A label and a value; of several values under one label, those after the first have none.
Fact = tuple[str, str]
# Options of fairseq-train that name the checkpoint which a training starts from.
_STARTS = ("--init-from", "--finetune-from-model")


class Records:
    """The records of a run that its numbers rest on, as far as they were asked for.

    run: the folder; tier: the name under which its records know it, results/<tier>/….
    """

    def __init__(self, run: Path, tier: str):
        self._run, self._tier = Path(run), tier
        # As read, and in words, by path below the run.
        self._read: dict[str, Mapping[str, Any] | None] = {}
        self.shown: dict[str, dict[str, Any]] = {}

    def own(self, path: str) -> str:
        """A path that a record gives, from the folder of the run."""
        parts = PurePosixPath(path).parts
        return "/".join(parts[parts.index(self._tier) + 1 :] if self._tier in parts else parts)

    def read(self, name: str) -> Mapping[str, Any] | None:
        """A record by its path below the run, without paths of the machine; None where the folder lacks it."""
        if name not in self._read:
            path = self._run / name
            try:
                self._read[name] = parse_json(self.text(path))
            except FileNotFoundError:
                self._read[name] = None
            except (OSError, ValueError) as error:
                raise InputError(f"not a record ({error})", where=path, fix="remove it and make it again") from error
        return self._read[name]

    def text(self, path: Path) -> str:
        """The text of a file of the run, without paths of the machine."""
        return without_absolute_paths(path.read_text(encoding="utf-8"), self._run)

    def behind(self, path: str) -> list[str]:
        """The records behind a product: its training, its corpus, and the way from them to it; they are then `shown`.

        path: of a score, a speed, a test or an output (without the .json beside it), as a record gives it.
        """
        name = self.own(path)
        name = name if name.endswith(".json") else f"{name}.json"
        folder, inside = _run_of(name)
        before = []
        if folder:
            corpus = f"{folder.split('/')[0]}/corpus/corpus.json"
            before = [*self._training(folder), corpus, f"{folder}/averaged.json"]
            if inside.startswith("score/"):
                before.append(f"{folder}/decode/{PurePosixPath(inside).stem}.bpe.json")
        elif "/" in name:
            before = [f"{name.split('/')[0]}/corpus/corpus.json"]
        names = [one for one in dict.fromkeys(before) if one != name and self.read(one) is not None]
        return [self._show(one) for one in [*names, name]]

    def _training(self, folder: str) -> list[str]:
        """The records of a training, after those of the one whose weights it starts from."""
        name = f"{folder}/train.json"
        record = self.read(name) or {}
        starts = [value for option, value in _pairs(record.get("arguments", ())) if option in _STARTS]
        folders = [_run_of(self.own(start))[0] for start in starts]
        before = [one for start in folders if start and start != folder for one in self._training(start)]
        return [*before, name]

    def _show(self, name: str) -> str:
        if name not in self.shown:
            self.shown[name] = _in_words(name, self.read(name))
        return name

    def seed_of(self, path: str) -> str:
        """What tells the products of a number apart: the seed of a run, or the file's name."""
        folder, _ = _run_of(self.own(path))
        return f"Seed {folder.rpartition('seed-')[2]}" if folder else PurePosixPath(path).stem


def _run_of(name: str) -> tuple[str, str]:
    """The folder <corpus>/<system>/seed-<n> of a path and the rest, or an empty one."""
    parts = name.split("/")
    if len(parts) > 3 and parts[2].startswith("seed-"):
        return "/".join(parts[:3]), "/".join(parts[3:])
    return "", name


def _pairs(arguments: Iterable[str]) -> list[tuple[str, str]]:
    words = list(arguments)
    return list(zip(words, words[1:]))


def _in_words(name: str, record: Mapping[str, Any] | None) -> dict[str, Any]:
    """A record for a reader: title, facts, the command if it is one of a training, and the file."""
    if record is None:
        return {
            "title": "Record missing",
            "facts": [("File", "not in this folder of results")],
            "file": name,
            "open": True,
        }
    words = next((words for ends, words in _KINDS.items() if _is_of(name, ends)), _other)
    own = record.get("provenance") or record
    title, facts = words(name, record)
    shown = {
        "title": title,
        "facts": [*_origin(own), *facts, *_software(own)],
        "file": name,
        "open": words in (_training, _corpus),
    }
    return shown | ({"command": shlex.join(["fairseq-train", *record["arguments"]])} if "arguments" in record else {})


def _is_of(name: str, ends: str) -> bool:
    return PurePosixPath(name).match(ends)


def _origin(record: Mapping[str, Any]) -> list[Fact]:
    """Seed, revision, device, time and energy of a record."""
    revision, _, dirty = str(record.get("revision", "unknown")).partition("-")
    return [
        *([("Seed", str(record["seed"]))] if "seed" in record else []),
        ("Revision", revision + (", with uncommitted changes" if dirty else "")),
        *([("Device", record["device"])] if record.get("device") else []),
        *([("Wall time", seconds_text(record["wall_seconds"]))] if "wall_seconds" in record else []),
        *([("Energy", energy_text(record["energy_joules"]))] if record.get("energy_joules") else []),
        *([("Finished", time_text(record["finished"]))] if record.get("finished") else []),
    ]


def _software(record: Mapping[str, Any]) -> list[Fact]:
    versions = [f"{name} {version}" for name, version in record.get("versions", {}).items()]
    return [("Software", ", ".join(versions))] if versions else []


def seconds_text(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def energy_text(joules: Mapping[str, float]) -> str:
    """Joules of each kind of device in the unit that suits them."""
    kinds = [
        f"{kind} {value / 1e6:.3g} MJ" if value >= 1e6 else f"{kind} {value / 1e3:.3g} kJ"
        for kind, value in joules.items()
    ]
    return ", ".join(kinds)


def time_text(stamp: str) -> str:
    """A time stamp of a record, in UTC, to the minute."""
    return f"{stamp[:16].replace('T', ' ')} UTC"


def _named(label: str, digests: Mapping[str, Any]) -> list[Fact]:
    """A fact for each file: its digest and its name."""
    return [(label if not place else "", f"{digest}  {name}") for place, (name, digest) in enumerate(digests.items())]


def _training(name: str, record: Mapping[str, Any]) -> tuple[str, list[Fact]]:
    data = {PurePosixPath(path).name: digest for path, digest in record.get("data", {}).items()}
    data = {path: digest for path, digest in data.items() if not path.startswith(".")}
    parameters = record.get("parameters")
    return f"Training of {record.get('system')} on {record.get('corpus') or record.get('text')}", [
        *([("Parameters", f"{parameters:,}")] if parameters else []),
        *([("Resumed", "yes" if record["resumed"] else "no")] if "resumed" in record else []),
        ("Digest of the training code", str(record.get("code"))),
        *_named("Training data, SHA-256", data),
    ]


def _averaging(name: str, record: Mapping[str, Any]) -> tuple[str, list[Fact]]:
    return "Checkpoint", [
        ("SHA-256", str(record.get("sha256"))),
        *_named("Mean of", record.get("checkpoints", {})),
    ]


def _decoding(name: str, record: Mapping[str, Any]) -> tuple[str, list[Fact]]:
    settings = ", ".join(f"{key} {value}" for key, value in record.get("settings", {}).items())
    taken = record.get("passes_taken")
    return f"Decoding, {record.get('manner')}", [
        *([("Decoder", record["decoder"])] if record.get("decoder") else []),
        ("Settings", settings),
        *([("Passes taken", f"{taken['mean']:.2f} in the mean, {taken['most']} at most")] if taken else []),
        ("Sentences", str(record.get("sentences"))),
        ("Checkpoint, SHA-256", str(record.get("checkpoint"))),
        ("Source, SHA-256", str(record.get("source"))),
    ]


def _inputs(record: Mapping[str, Any]) -> list[Fact]:
    return _named("Of files, SHA-256", (record.get("provenance") or {}).get("inputs", {}))


def _scoring(name: str, record: Mapping[str, Any]) -> tuple[str, list[Fact]]:
    scores = [f"{metric} {one['value']:.4f}  [{one['signature']}]" for metric, one in record.get("scores", {}).items()]
    return "Scores", [
        *((("Metrics" if not place else ""), text) for place, text in enumerate(scores)),
        *_inputs(record),
    ]


def _test(name: str, record: Mapping[str, Any]) -> tuple[str, list[Fact]]:
    values = {"Baseline": "baseline", "System": "system", "Difference": "delta", "p, bootstrap": "p_bootstrap"}
    values |= {"p, randomisation": "p_randomisation", "Signature": "signature"}
    against = PurePosixPath(name).stem.partition("-")[2]
    facts = [(label, _number(record[key])) for label, key in values.items() if key in record]
    return f"Test against {against}", [*facts, *_inputs(record)]


def _timing(name: str, record: Mapping[str, Any]) -> tuple[str, list[Fact]]:
    rows = [
        f"{row['manner']}{'-' + str(row['passes']) if row.get('passes') else ''}, batch {row['batch_size']}: "
        f"{row['milliseconds_per_sentence']['median']:.2f} ms a sentence, "
        f"{row['sentences_per_second']['median']:.2f} sentences a second"
        for row in record.get("rows", ())
    ]
    return "Speed", [
        ("Protocol", f"median of {record.get('repeats')} rounds of {record.get('sentences')} sentences"),
        ("Threads", str(record.get("threads"))),
        *((("Measured" if not place else ""), text) for place, text in enumerate(rows)),
    ]


def _corpus(name: str, record: Mapping[str, Any]) -> tuple[str, list[Fact]]:
    lines = ", ".join(f"{split} {count:,}" for split, count in record.get("lines", {}).items())
    return f"Corpus {record.get('corpus')}", [
        ("Recipe", str(record.get("recipe"))),
        ("Licence", str(record.get("licence"))),
        ("Lines", lines),
        *_named("SHA-256", record.get("sha256", {})),
    ]


def _other(name: str, record: Mapping[str, Any]) -> tuple[str, list[Fact]]:
    return PurePosixPath(name).stem, []


def _number(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


# The end of a record's path, and how it is put into words.
_KINDS: dict[str, Callable[[str, Mapping[str, Any]], tuple[str, list[Fact]]]] = {
    "train.json": _training,
    "averaged.json": _averaging,
    "decode/*.bpe.json": _decoding,
    "score/*.json": _scoring,
    "floors/*.json": _scoring,
    "compare/*.json": _test,
    "latency.json": _timing,
    "corpus/corpus.json": _corpus,
}
