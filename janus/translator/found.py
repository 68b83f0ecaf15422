"""What belongs to a checkpoint: the run it lies in, the corpus it was trained on, and how it decodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from janus.decoding.decoding import Decoding, decoder_of, named_for, use_of
from janus.errors import InputError
from janus.files import parse_json
from janus.methods.base.method import MANNERS
from janus.methods.base.registry import find_method, method_names
from janus.model.checkpoints import config_from_options, options_of, read_checkpoint
from janus.records.shapes import DECODED, read_record

# What a folder of checkpoints is decoded with, the first that is there.
_BEST = ("averaged.pt", "checkpoint_best.pt", "checkpoint_last.pt", "model.pt")


@dataclass(frozen=True)
class Found:
    """A checkpoint and its surroundings.

    corpus: the folder of the prepared corpus; None of a checkpoint that lies in no run of the workflow. run: the folder
    of the run, where there is one. methods: the method for each manner that the model decodes in; an empty name for a
    model of another toolkit. sides: the languages of source and target, empty where the checkpoint does not say.
    """

    checkpoint: Path
    run: Path | None
    corpus: Path | None
    methods: Mapping[str, str]
    sides: tuple[str, str]

    def decoding(self, *, manner: str = "", decoder: str = "", **options: Any) -> Decoding:
        """The decoding of a manner, by default the first one whose decoder has all `options`.

        Settings that are not given are those with which the run's tables were decoded, if it was decoded in this manner
        by this decoder, and otherwise the method's. Raises InputError as `Decoding.of` does.
        """
        manner = manner or self._manner(decoder, options)
        if manner not in self.methods:
            known = " or ".join(self.methods)
            raise InputError(f"the model does not decode as {manner}", where=self.checkpoint, fix=f"use {known}")
        method = self.methods[manner]
        own = decoder_of(use_of(method, manner)).name
        named = {"decoder": decoder} if decoder and decoder != own else {}
        record = self.record(manner)
        if record and record["decoder"] == (decoder or own):
            options = {**record["settings"], **options}
        decoding = Decoding.of(manner=manner, method=method, **named, **options)
        if others := decoding.checkpoints:
            options |= {name: str(self._beside(path)) for name, path in others.items()}
            decoding = Decoding.of(manner=manner, method=method, **named, **options)
        return decoding

    def _manner(self, decoder: str, options: Mapping[str, Any]) -> str:
        """The manner that is meant: the one of the decoder, or the first whose decoder has the options."""
        for manner, method in self.methods.items():
            own = decoder_of(use_of(method, manner))
            if decoder == own.name or (not decoder and set(options) <= set(own.keys)) or named_for(decoder, manner):
                return manner
        return next(iter(self.methods))

    def record(self, manner: str) -> Mapping[str, Any] | None:
        """The record of the run's output in a manner, that of the most passes; None if it was not decoded so."""
        if self.run is None:
            return None
        found = [
            read_record(path, DECODED, "settings") for path in sorted((self.run / "decode").glob(f"{manner}*.bpe.json"))
        ]
        return max(found, key=lambda one: one["settings"].get("passes", 0), default=None)

    def _beside(self, path: Path) -> Path:
        """A checkpoint that a decoding names, as it is or from the folder in which the workflow ran."""
        places = [
            path,
            *([self.run.resolve().parents[4] / path] if self.run and len(self.run.resolve().parents) > 4 else []),
        ]
        for place in places:
            if place.is_file():
                return place
        raise InputError("no such checkpoint, by which outputs are scored", where=path, fix="correct the path")


def find(path: Path, *, corpus: Path | None = None) -> Found:
    """What belongs to `path`: a run's folder, a folder of checkpoints, or a checkpoint.

    corpus: the folder of the corpus, where it is not that of the run. Raises InputError if there is no checkpoint, or
    its options are not those of a Transformer.
    """
    path = Path(path)
    checkpoint = _checkpoint(path)
    state = read_checkpoint(checkpoint)
    run = _run_of(checkpoint)
    if corpus is None and run is not None:
        corpus = run.parents[1] / "corpus"
    task = _plain((state.get("cfg") or {}).get("task") or state.get("args") or {})
    sides = str(task.get("source_lang") or ""), str(task.get("target_lang") or "")
    return Found(checkpoint, run, corpus, _methods(state, task, checkpoint), sides)


def _checkpoint(path: Path) -> Path:
    if not path.is_dir():
        return path
    for folder in (path, path / "checkpoints"):
        for name in _BEST:
            if (folder / name).is_file():
                return folder / name
    raise InputError(
        "holds no checkpoint", where=path, fix="give a run such as results/TIER/CORPUS/SYSTEM/seed-1, or a .pt file"
    )


def _run_of(checkpoint: Path) -> Path | None:
    """The folder of the run of a checkpoint, beside whose systems the corpus lies."""
    resolved = checkpoint.resolve().parent
    for folder in (resolved, resolved.parent):
        if len(folder.parents) > 1 and (folder.parents[1] / "corpus" / "corpus.json").is_file():
            return folder
    return None


def _methods(state: Mapping[str, Any], task: Mapping[str, Any], path: Path) -> dict[str, str]:
    """The method of each manner, in the order of tables: as this suite trained it, or as fairseq's options tell."""
    if task.get("valid_decodings"):
        try:
            trained = {one["manner"]: one["method"] for one in parse_json(task["valid_decodings"])}
        except (KeyError, TypeError, ValueError) as error:
            fix = "give a checkpoint that this suite trained"
            raise InputError(f"its valid_decodings are broken ({error})", where=path, fix=fix) from error
        if trained:
            return {manner: trained[manner] for manner in MANNERS if manner in trained}
    options = options_of(state, path)
    arch = str(_plain(options).get("arch") or "")
    for name in method_names():
        method = find_method(name)
        if method.bridge and getattr(method, "arch", "") == arch:
            return dict.fromkeys(method.decoders, name)
    has_length = "decoder.embed_length.weight" in state["model"]
    config = config_from_options(options, 1, 1, has_length=has_length, where=path)
    # A model that predicts lengths and starts with eos is fairseq's CMLM, which has no AR manner.
    ar = {} if has_length and config.start == "eos" else {"ar": ""}
    return ar | ({"nar": ""} if has_length else {})


def _plain(options: Any) -> Mapping[str, Any]:
    return options if isinstance(options, Mapping) else vars(options)


def settings_text(decoding: Decoding) -> str:
    """A decoding in a few words."""
    own = {key: value for key, value in decoding.plain.items() if key in decoding.decoder.keys and value != ""}
    return f"{decoding.manner}, {decoding.decoder.name}: " + ", ".join(f"{key} {value}" for key, value in own.items())
