"""How a model is decoded, as one value: from the config to validation, `fairseq-generate`, the rules and the report."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from janus.config.yaml_file import typed
from janus.errors import InputError
from janus.methods.base.decoder import Decoder, Hypothesis
from janus.methods.base.method import AR, MANNERS, MASK_PREDICT, Use
from janus.methods.base.registry import find_method
from janus.model.ragged import Source
from janus.model.transformer import JanusTransformer

# Of a model whose method is not known, such as another toolkit's.
_USUAL = {"ar": AR, "nar": MASK_PREDICT}
# Types of settings as JSON schemas call them.
_KINDS = {int: "integer", float: "number", bool: "boolean"}


@dataclass(frozen=True)
class Decoding:
    """manner: `ar` or `nar`. method: whose decoder it is; empty for the usual decoder of the manner.

    settings: of the class `decoder.Settings`.
    """

    manner: str
    method: str
    decoder: Decoder
    settings: Any

    @classmethod
    def of(cls, *, manner: str, method: str = "", decoder: str = "", **options: Any) -> Decoding:
        """The decoding of a manner as a method decides, with `options` that replace settings.

        decoder: a decoder of this package instead of the method's. Raises InputError for an unknown manner, method or
        decoder, a decoder of another manner or of other models, a setting that the decoder does not have, and values
        that it rejects.
        """
        use = use_of(method, manner)
        usual = decoder_of(use)
        chosen = find_decoder(decoder) if decoder else usual
        _require_fit(chosen, usual, manner, method)
        own = use.options if chosen == usual else {}
        if unknown := sorted(set(options) - set(chosen.keys)):
            raise InputError(
                f"the decoder {chosen.name} has no setting {unknown[0]!r}",
                where="decoding",
                fix=f"use {', '.join(chosen.keys)}",
            )
        options = {name: _typed(chosen.Settings, name, value) for name, value in options.items()}
        return cls(manner, method, chosen, chosen.Settings(**{**own, **options}))

    @property
    def passes(self) -> int:
        """Decoder passes; 0 for a decoder with a pass for each token."""
        return getattr(self.settings, "passes", 0)

    @property
    def bridge(self) -> str:
        """The module that loads the model, of a method whose model this suite's does not compute."""
        return find_method(self.method).bridge if self.method else ""

    @property
    def key(self) -> str:
        """Its name in paths: `ar`, or `nar-<passes>`."""
        return f"{self.manner}-{self.passes}" if self.passes else self.manner

    @property
    def checkpoints(self) -> dict[str, Path]:
        """The checkpoints of other models that it reads, by the setting that names them."""
        named = [one.name for one in fields(self.settings) if one.metadata.get("checkpoint")]
        return {name: Path(getattr(self.settings, name)) for name in named if getattr(self.settings, name)}

    @property
    def plain(self) -> dict[str, Any]:
        """What `of` makes an equal value from, as plain values."""
        named = {"manner": self.manner, "method": self.method}
        # A decoder of a method's own file has no name in this package.
        other = self.decoder != decoder_of(use_of(self.method, self.manner))
        return named | ({"decoder": self.decoder.name} if other else {}) | asdict(self.settings)

    def decode(
        self, model: JanusTransformer, source: Source, *, steps: bool = False, where: object = "the model"
    ) -> list[list[Hypothesis]]:
        """The hypotheses of each sentence of a batch, best first. Raises InputError as `Decoder.decode` does."""
        return self.decoder.decode(model, source, self.settings, steps=steps, where=where)


def _require_fit(chosen: Decoder, usual: Decoder, manner: str, method: str) -> None:
    """Raise InputError if a decoder cannot stand in for the usual one of a method in a manner."""
    if chosen.manner not in ("", manner):
        raise InputError(
            f"{chosen.name} decodes as {chosen.manner}, not as {manner}",
            where="decoder",
            fix=f"use the manner {chosen.manner}, or another decoder",
        )
    # What the model of another toolkit has learnt is not known.
    if method and chosen.reads and usual.reads and chosen.reads != usual.reads:
        raise InputError(
            f"{chosen.name} fills {chosen.reads}, and a model of the method {method} has learnt to fill {usual.reads}",
            where="decoder",
            fix=f"use {' or '.join(name for name in decoder_names() if find_decoder(name).reads == usual.reads)}",
        )


def _typed(settings: type, name: str, value: Any) -> Any:
    """A setting in the type of its default, numbers converted as those of a config are.

    Raises InputError if it is of another type, or no finite number.
    """
    default = next(one.default for one in fields(settings) if one.name == name)
    kind = type(default)
    value = typed(value, {"type": _KINDS[kind]}) if kind in _KINDS else value
    fix = f"give one such as {default!r}"
    if type(value) not in ((int, float) if kind is float else (kind,)):
        raise InputError(f"{value!r} is no {kind.__name__}", where=name, fix=fix)
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{value!r} is no finite number", where=name, fix=fix)
    return value


def use_of(method: str, manner: str) -> Use:
    """How a method decodes in a manner. Raises InputError if it does not."""
    if manner not in MANNERS:
        raise InputError(f"unknown manner {manner!r}", where="decoding", fix="use ar or nar")
    uses = find_method(method).decoders if method else _USUAL
    if manner not in uses:
        raise InputError(f"the method {method} does not decode as {manner}", where="decoding", fix="use another manner")
    return uses[manner]


def decoder_of(use: Use) -> Decoder:
    """The decoder of a use."""
    return find_decoder(use.decoder) if isinstance(use.decoder, str) else use.decoder


def choose(options: Mapping[str, Any], *, manner: str, method: str = "", decoder: str = "") -> dict[str, Any]:
    """Those of `options` that the decoder of a manner reads: a tier names the settings of all decoders together."""
    keys = keys_of(manner=manner, method=method, decoder=decoder)
    return {key: value for key, value in options.items() if key in keys}


def keys_of(*, manner: str, method: str = "", decoder: str = "") -> list[str]:
    """The settings of the decoder of a manner."""
    return (find_decoder(decoder) if decoder else decoder_of(use_of(method, manner))).keys


def find_decoder(name: str) -> Decoder:
    """The `DECODER` of the file janus/decoding/<name>.py. Raises InputError if there is none."""
    module = f"janus.decoding.{name}"
    found = None
    if name.isidentifier() and (Path(__file__).parent / f"{name}.py").is_file():
        found = getattr(importlib.import_module(module), "DECODER", None)
    if found is None:
        known = ", ".join(decoder_names())
        raise InputError(f"unknown decoder {name!r}", where="decoder", fix=f"use one of {known}")
    return found


def named_for(name: str, manner: str) -> str:
    """The name of a decoder if it decodes in a manner; otherwise nothing, which stands for the usual decoder."""
    return name if name and find_decoder(name).manner in ("", manner) else ""


def decoder_names() -> list[str]:
    """The decoders of this package, by name."""
    stems = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    return [stem for stem in stems if hasattr(importlib.import_module(f"janus.decoding.{stem}"), "DECODER")]
