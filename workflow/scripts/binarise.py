"""Binarise one corpus with fairseq-preprocess, both languages under one dictionary."""

from pathlib import Path

from _job import job

with job(snakemake):
    from fairseq.options import get_preprocessing_parser
    from fairseq_cli.preprocess import main

    from janus.systems import preprocessing_arguments

    words = preprocessing_arguments(
        snakemake.input.bpe,
        snakemake.output[0],
        source=snakemake.params.source,
        target=snakemake.params.target,
        workers=snakemake.threads,
        dictionary=Path(snakemake.input.vocabulary[0]) / "dict.txt" if snakemake.input.vocabulary else None,
    )
    main(get_preprocessing_parser().parse_args(words))
