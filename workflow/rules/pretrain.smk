"""Pre-training: running text in parts and shards, its vocabulary, a model to start from, joint training on it."""


rule prepare_part:
    input:
        part_input,
    output:
        directory(f"{TEXT}/parts/{{part}}"),
    log:
        f"{TEXT_LOGS}/prepare-{{part}}.log",
    wildcard_constraints:
        part="[^/]+",
    priority: 2
    conda:
        "../../envs/corpora.yaml"
    resources:
        mem_mb=4000,
        runtime="12h",
    params:
        text=lambda wildcards: digests_of(TEXTS[wildcards.text]),
        corpora=lambda wildcards: [corpus_folder(corpus) for corpus in TEXTS[wildcards.text].corpora],
        code=lambda wildcards: code_of("prepare_part", text_name(TEXTS[wildcards.text].recipe)),
    message:
        "Prepare the text {wildcards.text}: {wildcards.part}"
    script:
        "../scripts/prepare_part.py"


rule gather:
    input:
        lambda wildcards: parts_folders(wildcards.text),
    output:
        text=f"{TEXT}/text.json",
        cleaning=f"{TEXT}/cleaning.json",
    log:
        f"{TEXT_LOGS}/gather.log",
    priority: 2
    conda:
        "../../envs/corpora.yaml"
    resources:
        mem_mb=2000,
        runtime="1h",
    params:
        text=lambda wildcards: digests_of(TEXTS[wildcards.text]),
        code=code_of("gather"),
    message:
        "Gather the parts of the text {wildcards.text}"
    script:
        "../scripts/gather.py"


rule make_vocabulary:
    input:
        unpack(vocabulary_input),
    output:
        directory(f"{RESULTS}/vocabularies/{{vocabulary}}"),
    log:
        f"{LOGS}/make_vocabulary-{{vocabulary}}.log",
    priority: 2
    conda:
        "../../envs/train.yaml"
    threads: 4
    resources:
        mem_mb=8000,
        runtime="12h",
    params:
        vocabulary=lambda wildcards: digests_of(VOCABULARIES[wildcards.vocabulary]),
        code=code_of("make_vocabulary"),
    message:
        "Make the vocabulary {wildcards.vocabulary}"
    script:
        "../scripts/make_vocabulary.py"


rule encode_text:
    input:
        text=f"{TEXT}/text.json",
        parts=lambda wildcards: parts_folders(wildcards.text),
        vocabulary=lambda wildcards: vocabulary_folder(TEXTS[wildcards.text].vocabulary),
    output:
        blocks=f"{TEXT}/blocks/{{file}}.txt",
        facts=f"{TEXT}/blocks/{{file}}.txt.json",
    log:
        f"{TEXT_LOGS}/encode-{{file}}.log",
    wildcard_constraints:
        file=r"train-\d+|valid",
    priority: 2
    conda:
        "../../envs/train.yaml"
    threads: 4
    resources:
        mem_mb=8000,
        runtime="12h",
    params:
        block=lambda wildcards: TEXTS[wildcards.text].block,
        code=code_of("encode_text"),
    message:
        "Encode the text {wildcards.text}: {wildcards.file}"
    script:
        "../scripts/encode_text.py"


rule binarise_text:
    input:
        train=f"{TEXT}/blocks/train-{{shard}}.txt",
        valid=f"{TEXT}/blocks/valid.txt",
        vocabulary=lambda wildcards: vocabulary_folder(TEXTS[wildcards.text].vocabulary),
    output:
        directory(f"{TEXT}/bin/{{shard}}"),
    log:
        f"{TEXT_LOGS}/binarise-{{shard}}.log",
    wildcard_constraints:
        shard=r"\d+",
    priority: 2
    conda:
        "../../envs/train.yaml"
    threads: 4
    resources:
        mem_mb=8000,
        runtime="4h",
    params:
        code=code_of("binarise_text"),
    message:
        "Binarise the text {wildcards.text}: shard {wildcards.shard}"
    script:
        "../scripts/binarise_text.py"


rule write_start:
    input:
        downloads=lambda wildcards: downloads_of(MODELS[wildcards.model]),
        vocabulary=lambda wildcards: vocabulary_folder(TEXTS[wildcards.text].vocabulary),
    output:
        f"{RESULTS}/{{text}}/{{model}}/model.pt",
        facts=f"{RESULTS}/{{text}}/{{model}}/model.json",
    log:
        f"{LOGS}/{{text}}/{{model}}.log",
    priority: 2
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=8000,
        runtime="1h",
    params:
        model=lambda wildcards: digests_of(MODELS[wildcards.model]),
        code=code_of("write_start"),
    message:
        "Unpack {wildcards.model}"
    script:
        "../scripts/write_start.py"


rule pretrain:
    input:
        data=lambda wildcards: [
            f"{RESULTS}/{wildcards.corpus}/text/bin/{shard}" for shard in shards_of(wildcards.corpus)
        ],
        start=lambda wildcards: start_of(wildcards.system),
        method=file_of_method,
    output:
        # As in the rule train: checkpoints lie beside it and are no outputs.
        f"{RUN}/train.json",
    log:
        f"{RUN_LOGS}/train.log",
    wildcard_constraints:
        corpus=any_of(TEXTS),
    priority: 1
    conda:
        "../../envs/train.yaml"
    threads: of_training("threads")
    resources:
        gpu=lambda wildcards: gpus(run_settings(wildcards)["training"]["gpus"]),
        mem_mb=of_training("memory"),
        runtime=minutes_of_training,
    params:
        checkpoints=f"{RUN}/checkpoints",
        arguments=lambda wildcards, input: training_arguments(
            SYSTEMS[wildcards.system],
            run_settings(wildcards),
            data=":".join(input.data),
            checkpoints=f"{RUN.format(**wildcards)}/checkpoints",
            block=TEXTS[wildcards.corpus].block,
            start=next(iter(start_of(wildcards.system)), None),
            seed=int(wildcards.seed),
            device=TIER["device"],
            user_dir=of_project("janus/plugin"),
        ),
        code=lambda wildcards: code_of_training(wildcards.system),
    message:
        "Pre-train {wildcards.system} on {wildcards.corpus}"
    script:
        "../scripts/train.py"
