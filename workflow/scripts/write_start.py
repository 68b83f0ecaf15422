"""Turn a published BART into the checkpoint that trainings start from."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.fetching.manifest import load_manifest
    from janus.files import sha256, write_json
    from janus.model.bart import unpack_start
    from janus.records.provenance import Stopwatch, provenance
    from janus.text.vocabulary import dictionary_size

    watch = Stopwatch()
    model = load_manifest(snakemake.config["corpora_file"]).models[snakemake.wildcards.model]
    downloads, checkpoint = [Path(path) for path in snakemake.input.downloads], Path(snakemake.output[0])
    unpack_start(
        downloads,
        checkpoint,
        member=model.member,
        # And the mask, which is no word of the text.
        words=dictionary_size(Path(snakemake.input.vocabulary)) + 1,
    )
    facts = {
        "model": snakemake.wildcards.model,
        "downloads": {path.name: sha256(path) for path in downloads},
        "checkpoint": sha256(checkpoint),
    }
    write_json(Path(snakemake.output.facts), provenance(watch=watch, **facts))
