"""The option of fairseq that writes what a training logs for TensorBoard."""

import importlib.util
from pathlib import Path

from janus.errors import InputError

# fairseq takes either.
_PACKAGES = ("tensorboard", "tensorboardX")


def tensorboard_words(wanted: bool, folder: Path) -> list[str]:
    """The words for fairseq-train that write to `folder`; none unless wanted.

    Raises InputError where no package that writes it is installed: fairseq itself would only warn.
    """
    if not wanted:
        return []
    if not any(importlib.util.find_spec(name) for name in _PACKAGES):
        raise InputError(
            "is not installed", where="tensorboard", fix="pip install tensorboard, or set `tensorboard: false`"
        )
    return ["--tensorboard-logdir", str(folder)]
