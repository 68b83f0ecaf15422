"""The reason why torch's safe loader refuses a file, as a one-line message for users."""

from __future__ import annotations

import pickle
import re

_SEPARATOR = "WeightsUnpickler error:"
_CLASS = re.compile(r"GLOBAL (\S+)|[Uu]nsupported class (\S+)")
_MEMORY = re.compile("can't allocate memory|out of memory", re.IGNORECASE)
_RESTORE = "restore it or train again"


def why_unreadable(error: BaseException) -> tuple[str, str]:
    """What is wrong with a file that `torch.load(…, weights_only=True)` refused, and how to fix it.

    torch's own message begins with advice to load unsafely; the refused class comes after it.
    """
    said = str(error)
    if isinstance(error, MemoryError) or _MEMORY.search(said):
        return "there is not enough memory to read it", "give the job more memory; the file stays as it is"
    if found := _CLASS.search(said):
        name = (found[1] or found[2]).rstrip(".,")
        return (
            f"it holds an object of {name}, and only tensors, plain values and argparse.Namespace are read",
            "save it again without that object, or give another file",
        )
    lines = [line.strip() for line in said.partition(_SEPARATOR)[2].splitlines() or said.splitlines() if line.strip()]
    # Exceptions that are not torch's own come from its reader by accident; their messages alone are not helpful.
    if not isinstance(error, pickle.UnpicklingError | RuntimeError | ValueError):
        lines = [f"no file of torch: {', '.join([type(error).__name__, *lines[:1]])}"]
    return lines[0] if lines else type(error).__name__, _RESTORE
