"""Reading torch files with the safe loader, which executes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from janus.errors import InputError
from janus.model.unreadable import why_unreadable
from janus.model.zip_integrity import verify_checksums


def load_safely(path: Path, *, refusal: str = "not a readable checkpoint") -> Any:
    """The content of a file of torch, on the CPU: tensors, plain values and what the safe loader was told to allow.

    Raises InputError, which begins with `refusal`, if the file cannot be opened, is damaged, is not a torch file, would
    execute code, or does not fit into memory. The file is not changed.
    """
    try:
        verify_checksums(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except InputError:
        raise
    except OSError as error:
        fix = "correct the path or its permissions"
        raise InputError(f"cannot be read ({error.strerror or error})", where=path, fix=fix) from error
    # A pickle is a program: on arbitrary bytes its reader may raise any exception.
    except Exception as error:
        reason, fix = why_unreadable(error)
        raise InputError(f"{refusal} ({reason})", where=path, fix=fix) from error
