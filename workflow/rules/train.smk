"""Training: fairseq-train with the plugin, the average of its checkpoints, the curves of its log; given checkpoints."""


rule train:
    input:
        data=rules.binarise.output[0],
        start=lambda wildcards: start_of(wildcards.system),
        method=file_of_method,
    output:
        # Checkpoints lie beside it and are no outputs: Snakemake would remove them before a resumed run.
        f"{RUN}/train.json",
    log:
        f"{RUN_LOGS}/train.log",
    wildcard_constraints:
        corpus=any_of(name for name in CORPORA if name not in TESTS),
        system=any_of(TRAINED),
    conda:
        "../../envs/train.yaml"
    threads: of_training("threads")
    resources:
        gpu=lambda wildcards: gpus(run_settings(wildcards)["training"]["gpus"]),
        mem_mb=of_training("memory"),
        runtime=minutes_of_training,
    params:
        checkpoints=f"{RUN}/checkpoints",
        arguments=lambda wildcards: training_arguments(
            SYSTEMS[wildcards.system],
            run_settings(wildcards),
            data=f"{corpus_folder(wildcards.corpus)}/bin",
            checkpoints=f"{RUN.format(**wildcards)}/checkpoints",
            source=CORPORA[wildcards.corpus].source,
            target=CORPORA[wildcards.corpus].target,
            start=next(iter(start_of(wildcards.system)), None),
            average=averages(TIER, SYSTEMS[wildcards.system]),
            seed=int(wildcards.seed),
            device=TIER["device"],
            user_dir=of_project("janus/plugin"),
        ),
        code=lambda wildcards: code_of_training(wildcards.system),
    message:
        "Train {wildcards.system} on {wildcards.corpus}, seed {wildcards.seed}"
    script:
        "../scripts/train.py"


# Of pre-training too, whose best checkpoint the tasks start from.
rule average:
    input:
        f"{RUN}/train.json",
        require_fresh,
    output:
        f"{RUN}/averaged.pt",
        facts=f"{RUN}/averaged.json",
    log:
        f"{RUN_LOGS}/average.log",
    wildcard_constraints:
        corpus=any_of([*CORPORA, *TEXTS]),
        system=any_of(TRAINED),
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        checkpoints=f"{RUN}/checkpoints",
        average=lambda wildcards: averages(TIER, SYSTEMS[wildcards.system]),
        last=of_training("average_checkpoints"),
        code=code_of("average"),
    message:
        "Average checkpoints: {wildcards.system} on {wildcards.corpus}, seed {wildcards.seed}"
    script:
        "../scripts/average.py"


rule read_curves:
    input:
        rules.train.output,
    output:
        f"{RUN}/curves.csv",
    log:
        f"{RUN_LOGS}/read_curves.log",
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        log=f"{RUN}/checkpoints/log.jsonl",
        code=code_of("read_curves"),
    message:
        "Read the training curves: {wildcards.system} on {wildcards.corpus}, seed {wildcards.seed}"
    script:
        "../scripts/read_curves.py"


rule take_checkpoint:
    input:
        given=given_checkpoint,
        dictionary=given_dictionary,
        data=rules.binarise.output[0],
    output:
        f"{RUN}/averaged.pt",
        facts=f"{RUN}/averaged.json",
    log:
        f"{RUN_LOGS}/take_checkpoint.log",
    wildcard_constraints:
        system=any_of(CHECKPOINTS),
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        source=of_corpus("source"),
        bridge=lambda wildcards: find_method(SYSTEMS[wildcards.system]["method"]).bridge,
        code=lambda wildcards: code_of_decoding("take_checkpoint", wildcards.system),
    message:
        "Take the given checkpoint of {wildcards.system} for {wildcards.corpus}, seed {wildcards.seed}"
    script:
        "../scripts/take_checkpoint.py"
