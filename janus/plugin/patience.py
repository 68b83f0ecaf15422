"""The number of validations without an improvement, kept across restarts.

fairseq's early stopping (`--patience`) keeps the best value and the count in its process only: an interrupted training
would reset both and end later than an uninterrupted one.
"""

from typing import Any

from fairseq_cli.train import should_stop_early

# The state that fairseq keeps as attributes of its function.
_REMEMBERED = ("best", "num_runs")
PART = "patience"


class Patience:
    """Adds to a task: the state of early stopping is part of the checkpoint."""

    def __init__(self, cfg, *dictionaries):
        super().__init__(cfg, *dictionaries)
        _remember({})

    def get_checkpoint_dict(self) -> dict[str, Any]:
        """Called by fairseq when it saves, after the validation."""
        own = type(self).__name__
        state = super().get_checkpoint_dict()
        remembered = {key: getattr(should_stop_early, key) for key in _REMEMBERED if hasattr(should_stop_early, key)}
        return {**state, own: {**state[own], PART: remembered}}

    def set_checkpoint_dict(self, state: dict[str, Any]) -> None:
        """Called by fairseq when it resumes."""
        _remember(state.get(PART, {}))
        super().set_checkpoint_dict({key: value for key, value in state.items() if key != PART})


def _remember(values: dict[str, Any]) -> None:
    for key in _REMEMBERED:
        vars(should_stop_early).pop(key, None)
    vars(should_stop_early).update(values)
