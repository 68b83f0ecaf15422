"""Check that the parts of a pre-training text make a whole, and sum up what they hold."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.fetching.manifest import load_manifest
    from janus.text.pretraining_text import gather

    text = load_manifest(snakemake.config["corpora_file"]).texts[snakemake.wildcards.text]
    gather(text, map(Path, snakemake.input), Path(snakemake.output.text).parent)
