"""`precision: auto`: the numbers that a training computes in, by the card that it starts on."""

from collections.abc import Sequence
from pathlib import Path

from janus.config.systems import AUTO, precision_options
from janus.devices import precisions_of
from janus.errors import InputError
from janus.records.shapes import IDENTITY, read_record
from janus.training.resuming import RECORD


def with_precision(arguments: Sequence[str], *, device: str, checkpoints: Path) -> list[str]:
    """`arguments` of a training with the options of a precision in place of `AUTO`; others are left as they are.

    It is the best of `device`, unless the folder `checkpoints` has a training that began in another: that one goes on
    in its own, since other numbers would train another model. Raises InputError where the device cannot.
    """
    arguments = list(arguments)
    if AUTO not in arguments:
        return arguments
    able = precisions_of(device)
    candidates = {
        name: _replaced(arguments, precision_options(name, device)) for name in ("bfloat16", "fp16", "float32")
    }
    begun = _begun(checkpoints)
    for name, words in candidates.items():
        if begun == words and name not in able:
            raise InputError(
                f"was begun in {name}, which this device does not compute in",
                where=checkpoints,
                fix="run it on a device that does, or remove the folder to begin anew",
            )
        if begun == words:
            return words
    return candidates[able[0]]


def _replaced(arguments: Sequence[str], words: Sequence[str]) -> list[str]:
    place = list(arguments).index(AUTO)
    return [*arguments[:place], *words, *arguments[place + 1 :]]


def _begun(checkpoints: Path) -> list[str]:
    """The arguments of the training that a folder holds; none without one."""
    path = checkpoints / RECORD
    return list(read_record(path, IDENTITY, "arguments")["arguments"]) if path.is_file() else []
