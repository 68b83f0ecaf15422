"""A checkpoint that somebody else made, as a run decodes it: checked, and without what only a training needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from janus.decoding.vocabulary import Vocabulary
from janus.errors import InputError
from janus.files import sha256, write_json
from janus.methods.base.loading import load_model
from janus.model.averaging import average_checkpoints
from janus.records.provenance import Stopwatch, provenance


def take_checkpoint(
    *,
    given: Path,
    output: Path,
    record: Path,
    dictionary: Path,
    own: Path | None = None,
    bridge: str = "",
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write the weights of a given checkpoint to `output`, and what is known of it to `record`.

    dictionary: that of the corpus, which must be that of the checkpoint: `own`, where it is known, symbol by symbol,
    otherwise one of the same name beside the checkpoint; without either, the number of symbols alone is compared.
    bridge: that of the method. Raises InputError for a file that is no checkpoint this suite can decode, and for
    another dictionary.
    """
    watch, given = Stopwatch(), Path(given)
    beside = given.with_name(Path(dictionary).name)
    own = own or (beside if beside.is_file() else None)
    if own:
        _require_alike(own, dictionary, given)
    digests = average_checkpoints([given], output)
    try:
        model = load_model(output, bridge=bridge)
        Vocabulary(dictionary).check_fits(model.config, given)
    except InputError as error:
        output.unlink()
        raise InputError(error.what, where=given, fix=error.fix) from error
    found = {
        **(facts or {}),
        "given": {"kind": "checkpoint", "file": given.name, "sha256": sha256(given)},
        "dictionary": {"compared": "symbols" if own else "their number", "sha256": sha256(dictionary)},
        "parameters": _parameters(model),
        "checkpoints": digests,
        "sha256": sha256(output),
    }
    write_json(record, provenance(watch=watch, **found))


def _parameters(model: nn.Module) -> int:
    """The number of weights, each once; matrices that are equal are one that the model ties."""
    found: list[Tensor] = []
    for weights in model.parameters():
        tied = weights.dim() > 1 and any(weights.shape == one.shape and torch.equal(weights, one) for one in found)
        if not tied:
            found.append(weights)
    return sum(weights.numel() for weights in found)


def _require_alike(own: Path, dictionary: Path, given: Path) -> None:
    theirs, ours = Vocabulary(own).symbols, Vocabulary(dictionary).symbols
    if theirs == ours:
        return
    at = next((i for i, (one, other) in enumerate(zip(theirs, ours)) if one != other), min(len(theirs), len(ours)))
    shown = [repr(side[at]) if at < len(side) else "no symbol" for side in (theirs, ours)]
    raise InputError(
        f"its dictionary {own} is another than the corpus's, {dictionary}: at {at} it has {shown[0]}, that {shown[1]}",
        where=given,
        fix="give the corpus as `bin`, with the data that the model was trained on",
    )
