"""Turn a published BART into the checkpoint that trainings start from."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.corpora.manifest import load_models
    from janus.corpora.vocabulary import dictionary_size
    from janus.model.bart import unpack_start

    model = load_models(snakemake.config["corpora_file"])[snakemake.wildcards.model]
    unpack_start(
        [Path(path) for path in snakemake.input.downloads],
        Path(snakemake.output[0]),
        member=model.member,
        # And the mask, which is no word of the text.
        words=dictionary_size(Path(snakemake.input.vocabulary)) + 1,
    )
