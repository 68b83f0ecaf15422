"""Learn the joint BPE of one corpus and apply it."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.fetching.manifest import load_manifest
    from janus.text.bpe import learn_and_apply
    from janus.text.prepare import check_blobs

    corpus = load_manifest(snakemake.config["corpora_file"]).corpora[snakemake.wildcards.corpus]
    folder = Path(snakemake.output[0]).parent
    learn_and_apply(folder, merges=corpus.merges, workers=snakemake.threads)
    check_blobs(corpus, folder, below="bpe")
