"""Snakemake's own lock, which the profiles turn off: a file that outlives a kill -9, explained in one line."""

import logging

_SAID = "Directory cannot be locked"
_OURS = (
    "error: .snakemake/locks: another Snakemake works in this folder, or one that was killed left its lock; "
    "if none runs, give `snakemake --unlock` and then the same command again (without `--workflow-profile none` "
    "there is no such lock)"
)


class ExplainLock(logging.Filter):
    """Put our line in place of Snakemake's five; added to its logger."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record; change that of a lock."""
        if _SAID in record.getMessage():
            record.msg, record.args = _OURS, ()
        return True
