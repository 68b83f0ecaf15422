"""fairseq's user directory: `fairseq-train --user-dir janus/plugin --task janus …`.

Importing it registers tasks, models, criterion and optimiser and lets fairseq's checkpoints load safely. fairseq
imports the folder under the name `plugin`, Python under `janus.plugin`; the registrations live in modules that are
only ever imported under the second name.
"""

from janus.plugin import criterion, fairseq_tasks, models, numpy_float, optimizer, safe_loading, tasks

__all__ = ["criterion", "fairseq_tasks", "models", "numpy_float", "optimizer", "safe_loading", "tasks"]
