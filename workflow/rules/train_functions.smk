"""What the rules of train.smk ask: inputs, settings and resources."""

from janus.methods.base.registry import find_method
from janus.training.averaged_checkpoints import stale_average


def require_fresh(wildcards):
    """No input; ends the planning where checkpoints were changed after they were averaged, by another than the rule."""
    if error := stale_average(Path(RUN.format(**wildcards))):
        sys.exit(f"error: {error}")
    return []


def given_checkpoint(wildcards):
    """The checkpoint that is given for a run."""
    return given_path(SYSTEMS[wildcards.system], corpus=wildcards.corpus, seed=int(wildcards.seed))


def given_dictionary(wildcards):
    """The dictionary that a given checkpoint was trained with, in a list; an empty one where nobody names it."""
    return [path] if (path := SYSTEMS[wildcards.system].get("dictionary")) else []
