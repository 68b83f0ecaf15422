"""Binarise one shard of a pre-training text, with its validation blocks, by fairseq-preprocess."""

from pathlib import Path

from _job import job

with job(snakemake):
    from fairseq.options import get_preprocessing_parser
    from fairseq_cli.preprocess import main

    from janus.systems import text_preprocessing_arguments

    words = text_preprocessing_arguments(
        Path(snakemake.input.train),
        Path(snakemake.input.valid),
        Path(snakemake.output[0]),
        dictionary=Path(snakemake.input.vocabulary) / "dict.txt",
        workers=snakemake.threads,
    )
    main(get_preprocessing_parser().parse_args(words))
