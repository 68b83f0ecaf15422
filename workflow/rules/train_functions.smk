"""What the rules of train.smk ask: inputs, settings and resources."""

from janus.training.averages import stale_average


def require_fresh(wildcards):
    """No input; ends the planning where checkpoints were changed after they were averaged, by another than the rule."""
    if error := stale_average(Path(RUN.format(**wildcards))):
        sys.exit(f"error: {error}")
    return []
