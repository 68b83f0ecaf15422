"""Learn the joint BPE of one corpus and apply it."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.corpora.bpe import learn_and_apply
    from janus.corpora.prepare import check_blobs

    corpus, folder = snakemake.params.corpus, Path(snakemake.output[0]).parent
    learn_and_apply(folder, merges=corpus.merges)
    check_blobs(corpus, folder, below="bpe")
