"""Where files lie when the workflow runs in another folder than its own (`--directory`, `-s`).

Products, downloads and logs go below the working directory; what belongs to the project is read from its folder.
"""

import os
from pathlib import Path

ROOT = Path(workflow.current_basedir).parents[1]


def of_project(path):
    """A path of the project, seen from the working directory.

    In the project's own folder it stays as it is, so that neither a plan nor a checkpoint depends on where that lies.
    """
    return path if os.path.samefile(ROOT, os.curdir) else str(ROOT / path)


def of_user(path):
    """A path that a config names: relative to the working directory, or to the project where only that has it."""
    path = os.path.expanduser(path)
    return of_project(path) if not os.path.exists(path) and os.path.exists(ROOT / path) else path
