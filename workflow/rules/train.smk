"""Training: fairseq-train with the plugin, the average of its checkpoints, the curves of its log."""


rule train:
    input:
        data=rules.binarise.output[0],
        start=lambda wildcards: start_of(wildcards.system),
    output:
        # Checkpoints lie beside it and are no outputs: Snakemake would remove them before a resumed run.
        RUN + "/train.json",
    log:
        RUN_LOGS + "/train.log",
    benchmark:
        RUN_LOGS + "/train.tsv"
    conda:
        "../../envs/train.yaml"
    threads: of_training("threads")
    resources:
        gpu=lambda wildcards: gpus(run_settings(wildcards)["training"]["gpus"]),
        mem_mb=of_training("memory"),
        runtime=lambda wildcards: round(60 * run_settings(wildcards)["training"]["hours"]),
    params:
        checkpoints=RUN + "/checkpoints",
        arguments=lambda wildcards: training_arguments(
            SYSTEMS[wildcards.system],
            run_settings(wildcards),
            data=f"{corpus_folder(wildcards.corpus)}/bin",
            checkpoints=RUN.format(**wildcards) + "/checkpoints",
            source=CORPORA[wildcards.corpus].source,
            target=CORPORA[wildcards.corpus].target,
            start=next(iter(start_of(wildcards.system)), None),
            seed=int(wildcards.seed),
            device=TIER["device"],
            user_dir="janus/plugin",
        ),
        code=source_digest(*TRAINER),
    message:
        "Train {wildcards.system} on {wildcards.corpus}, seed {wildcards.seed}"
    script:
        "../scripts/train.py"


# Of pre-training too, whose best checkpoint the tasks start from.
rule average:
    input:
        RUN + "/train.json",
    output:
        RUN + "/averaged.pt",
    log:
        RUN_LOGS + "/average.log",
    wildcard_constraints:
        corpus=any_of([*CORPORA, *TEXTS]),
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        checkpoints=RUN + "/checkpoints",
        average=lambda wildcards: SYSTEMS[wildcards.system]["average"],
        last=of_training("average_checkpoints"),
        code=source_digest("model/checkpoints"),
    message:
        "Average checkpoints: {wildcards.system} on {wildcards.corpus}, seed {wildcards.seed}"
    script:
        "../scripts/average.py"


rule read_curves:
    input:
        rules.train.output,
    output:
        RUN + "/curves.csv",
    log:
        RUN_LOGS + "/read_curves.log",
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        log=RUN + "/checkpoints/log.jsonl",
        code=source_digest("engine/logs"),
    message:
        "Read the training curves: {wildcards.system} on {wildcards.corpus}, seed {wildcards.seed}"
    script:
        "../scripts/read_curves.py"
