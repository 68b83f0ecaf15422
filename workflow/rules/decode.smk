"""Decoding the test set, or taking given outputs of it, and measuring how fast decoding goes."""


rule decode:
    input:
        checkpoint=own_checkpoint,
        asked=asked_checkpoints,
        bpe=f"{RESULTS}/{{corpus}}/corpus/bpe",
        data=data_folder,
        method=file_of_method,
    output:
        hypotheses=f"{RUN}/decode/{{mode}}.bpe",
        facts=f"{RUN}/decode/{{mode}}.bpe.json",
    log:
        f"{RUN_LOGS}/decode-{{mode}}.log",
    wildcard_constraints:
        system=any_of(DECODED),
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        gpu=gpus(1),
        mem_mb=8000,
        runtime="2h",
    params:
        source=of_corpus("source"),
        decoding=lambda wildcards: decoding_of(wildcards, wildcards.mode),
        batch_tokens=lambda wildcards: run_settings(wildcards)["decoding"]["batch_tokens"],
        code=lambda wildcards: code_of_decoding("decode", wildcards.system),
    message:
        "Decode {wildcards.corpus} with {wildcards.system}, seed {wildcards.seed}: {wildcards.mode}"
    script:
        "../scripts/decode.py"


rule take_outputs:
    input:
        given=given_outputs,
        tok=rules.prepare.output.tok,
        raw=rules.prepare.output.raw,
        bpe=lambda wildcards: f"{own_corpus_folder(wildcards)}/bpe",
        vocabulary=vocabulary_of,
    output:
        hypotheses=f"{RUN}/decode/{{mode}}.bpe",
        facts=f"{RUN}/decode/{{mode}}.bpe.json",
    log:
        f"{RUN_LOGS}/take_outputs-{{mode}}.log",
    wildcard_constraints:
        system=any_of(OUTPUTS),
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        target=of_corpus("target"),
        lowercase=of_corpus("lowercase"),
        tokenised=lambda wildcards: SYSTEMS[wildcards.system]["hypotheses"]["tokenised"],
        code=code_of("take_outputs"),
    message:
        "Take the given outputs of {wildcards.system} for {wildcards.corpus}, seed {wildcards.seed}: {wildcards.mode}"
    script:
        "../scripts/take_outputs.py"


rule measure_latency:
    input:
        checkpoint=own_checkpoint,
        asked=asked_checkpoints,
        bpe=f"{RESULTS}/{{corpus}}/corpus/bpe",
        data=data_folder,
    output:
        f"{RUN}/latency.json",
    log:
        f"{RUN_LOGS}/latency.log",
    conda:
        "../../envs/train.yaml"
    # All cores of a local run, so that no other job disturbs the clock; a cluster gives the job cores of its own.
    threads: workflow.resource_settings.cores or TIER["latency"]["threads"]
    resources:
        gpu=gpus(1),
        mem_mb=8000,
        runtime="4h",
    params:
        source=of_corpus("source"),
        decodings=timed_decodings,
        latency=TIER["latency"],
        code=lambda wildcards: code_of_decoding("measure_latency", wildcards.system),
    message:
        "Measure the speed of {wildcards.system} on {wildcards.corpus}, seed {wildcards.seed}"
    script:
        "../scripts/measure_latency.py"
