"""A check, before the first update, that a training will have as many epochs as checkpoints are averaged."""

import math
from dataclasses import dataclass, field

from omegaconf import II

from janus.errors import InputError


@dataclass
class EpochOptions:
    """The option of `EnoughEpochs`, and those of fairseq that it reads."""

    least_checkpoints: int = field(default=0, metadata={"help": "epoch checkpoints that the training must leave"})
    bound_on_updates: int = II("optimization.max_update")
    bound_on_epochs: int = II("optimization.max_epoch")
    batches_an_update: list[int] = II("optimization.update_freq")
    epochs_a_checkpoint: int = II("checkpoint.save_interval")


class EnoughEpochs:
    """Adds to a task: an error if the number of batches allows too few epochs."""

    def get_batch_iterator(self, dataset, *args, **options):
        """fairseq's batches. Raises InputError if the training would end before its last checkpoint."""
        iterator = super().get_batch_iterator(dataset, *args, **options)
        if self.cfg.least_checkpoints and dataset is self.datasets.get(self.cfg.train_subset):
            require_epochs(
                math.ceil(len(iterator) / self.cfg.batches_an_update[-1]),
                updates=self.cfg.bound_on_updates,
                epochs=self.cfg.bound_on_epochs,
                interval=self.cfg.epochs_a_checkpoint,
                checkpoints=self.cfg.least_checkpoints,
            )
        return iterator


def require_epochs(size: int, *, updates: int, epochs: int, interval: int, checkpoints: int) -> None:
    """Raise InputError if a training writes fewer than `checkpoints` epoch checkpoints, one every `interval` epochs.

    size: updates per epoch. updates, epochs: bounds on the training, 0 for none. An epoch that is cut short by a bound
    has no checkpoint.
    """
    whole = min(updates // size if updates else math.inf, epochs or math.inf)
    if whole // interval < checkpoints:
        needed = checkpoints * interval
        raise InputError(
            f"the training has {whole} whole epochs of {size} updates and leaves {whole // interval} epoch "
            f"checkpoints, but {checkpoints} are averaged",
            where="training",
            fix=f"raise `max_update` to {needed * size} (and `max_epoch` to {needed}), or lower `average_checkpoints`",
        )
