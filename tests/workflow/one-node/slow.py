"""The method `joint`, of which a batch takes a second more in a job of Slurm."""

import os
import time

from janus.methods.joint import Joint


class SlowInSlurm(Joint):
    """Trains what `joint` trains."""

    def pack(self, source, target, symbols, generator):
        """The batch of `joint`, later."""
        time.sleep(1 if "SLURM_JOB_ID" in os.environ else 0)
        return super().pack(source, target, symbols, generator)


METHOD = SlowInSlurm
