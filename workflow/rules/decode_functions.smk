"""What the rules of decode.smk ask: inputs, settings and resources."""

from janus.claims.decodings import timed_modes

TIMED_MODES = timed_modes(TIER, SYSTEMS)


def timed_decodings(wildcards):
    """How a system is decoded to measure its speed: AR first, then by passes."""
    modes = TIMED_MODES.get((wildcards.corpus, wildcards.system), ())
    return [decoding_of(wildcards, mode) for mode in sorted(modes, key=lambda mode: (len(mode), mode))]


def given_outputs(wildcards):
    """The outputs that are given for a run in a mode."""
    names = {"corpus": wildcards.corpus, "seed": int(wildcards.seed), "mode": wildcards.mode}
    return given_path(SYSTEMS[wildcards.system], **names)
