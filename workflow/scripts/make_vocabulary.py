"""Make a shared vocabulary: GPT-2's from its files, or one learnt on a pre-training text."""

from pathlib import Path

from _job import job

with job(snakemake):
    from janus.fetching.manifest import load_manifest
    from janus.text.vocabulary import make_gpt2, make_subword

    vocabulary = load_manifest(snakemake.config["corpora_file"]).vocabularies[snakemake.wildcards.vocabulary]
    output = Path(snakemake.output[0])
    if vocabulary.kind == "gpt2":
        make_gpt2(vocabulary, Path("resources/downloads"), output)
    else:
        texts = [path for part in snakemake.input.parts for path in sorted(Path(part).glob("train-*.txt"))]
        sides = [path for task in snakemake.input.tasks for path in sorted(Path(task).glob("train.*"))]
        make_subword(vocabulary, texts, sides, output, workers=snakemake.threads, progress=False)
