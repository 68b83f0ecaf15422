"""Binarise one corpus with fairseq-preprocess, both languages under one dictionary."""

from _job import job

with job(snakemake):
    from fairseq.options import get_preprocessing_parser
    from fairseq_cli.preprocess import main

    from janus.systems import preprocessing_arguments

    words = preprocessing_arguments(
        snakemake.input[0],
        snakemake.output[0],
        source=snakemake.params.source,
        target=snakemake.params.target,
        workers=snakemake.threads,
    )
    main(get_preprocessing_parser().parse_args(words))
