"""`janus doctor`: the machine first, then the tier, as far as Python can load what reads it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from janus.doctor.findings import Finding
from janus.doctor.surroundings import surroundings
from janus.errors import InputError


def examine(files: Sequence[Path], words: Sequence[str]) -> Iterator[Finding]:
    """Every finding about this machine and the config that Snakemake would have from files and words."""
    yield from surroundings()
    try:
        # They need torch, fairseq and more, which a broken installation lacks.
        from janus.config.run_config import load_config
        from janus.doctor.tier import needs

        config = load_config(files, words)
    except InputError as error:
        for line in str(error).splitlines():
            yield Finding("missing", "config", line)
    except (ImportError, OSError) as error:
        yield Finding("missing", "config", f"cannot be read: {error}", "see the lines above")
    else:
        yield Finding("ok", "config", f"tier {config.tier['tier']}")
        yield from needs(config)
