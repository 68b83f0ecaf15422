"""Decoding the test set, and measuring how fast it goes."""


rule decode:
    input:
        checkpoint=rules.average.output[0],
        asked=asked_checkpoints,
        bpe=f"{RESULTS}/{{corpus}}/corpus/bpe",
        data=rules.binarise.output[0],
        method=file_of_method,
    output:
        hypotheses=f"{RUN}/decode/{{mode}}.bpe",
        facts=f"{RUN}/decode/{{mode}}.bpe.json",
    log:
        f"{RUN_LOGS}/decode-{{mode}}.log",
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


rule measure_latency:
    input:
        checkpoint=rules.average.output[0],
        asked=asked_checkpoints,
        bpe=f"{RESULTS}/{{corpus}}/corpus/bpe",
        data=rules.binarise.output[0],
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
