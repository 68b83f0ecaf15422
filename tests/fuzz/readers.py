"""Every reader that is given faulty files."""

from fuzz import checkpoints, config, paper, records, runs, text, training

READERS = tuple(
    reader for module in (config, text, paper, checkpoints, training, records, runs) for reader in module.READERS
)
