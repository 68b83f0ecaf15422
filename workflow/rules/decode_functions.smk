"""What the rules of decode.smk ask: inputs, settings and resources."""

from janus.claims.decodings import timed_blocks


def timed_passes(corpus):
    """The decoder passes after which Figure 4 and the tables want the speed on a corpus."""
    return sorted({count for block in timed_blocks(TIER) if block["corpus"] == corpus for count in block["passes"]})
