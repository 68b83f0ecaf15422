"""fairseq's user directory: `fairseq-train --user-dir janus/plugin --task janus_translation …`.

Importing it registers tasks, models and criterion. fairseq imports the folder under the name `plugin`, Python under
`janus.plugin`; the registrations live in modules that are only ever imported under the second name.
"""

from argparse import Namespace

import torch

# What fairseq's checkpoints hold besides tensors and plain values; with it torch's safe loading can stay on.
torch.serialization.add_safe_globals([Namespace])

from janus.plugin import criterion, models, tasks  # noqa: E402

__all__ = ["criterion", "models", "tasks"]
