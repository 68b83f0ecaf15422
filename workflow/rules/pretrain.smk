"""Pre-training: running text in parts and shards, its vocabulary, a model to start from, joint training on it."""

TEXT = RESULTS + "/{text}/text"
TEXT_LOGS = LOGS + "/{text}"


def parts_folders(text):
    """The parts that a text is made in."""
    return [f"{RESULTS}/{text}/text/parts/{part}" for part in part_names(TEXTS[text])]


def shards_of(text):
    """The shards of a text, as the names of its training files go."""
    return [f"{shard:03d}" for shard in range(TEXTS[text].shards)]


def part_input(wildcards):
    """What a part is made from: its download, or the prepared corpora whose sides it holds."""
    text = TEXTS[wildcards.text]
    if text.corpora:
        return [f"{corpus_folder(corpus)}/{product}" for corpus in text.corpora for product in ("corpus.json", "tok")]
    return [path for path in downloads_of(text) if path.endswith(f"/{wildcards.part}")]


def vocabulary_input(wildcards):
    """What a vocabulary is made from: its downloads, or the text it is learnt on and the tasks that share it."""
    vocabulary = VOCABULARIES[wildcards.vocabulary]
    if vocabulary.kind == "gpt2":
        return {"downloads": downloads_of(vocabulary)}
    tasks = [corpus for corpus in TIER["corpora"] if CORPORA[corpus].vocabulary == vocabulary.name]
    return {
        "text": f"{RESULTS}/{vocabulary.text}/text/text.json",
        "parts": parts_folders(vocabulary.text),
        "tasks": [f"{corpus_folder(corpus)}/tok" for corpus in tasks],
    }


rule prepare_part:
    input:
        part_input,
    output:
        directory(TEXT + "/parts/{part}"),
    log:
        TEXT_LOGS + "/prepare-{part}.log",
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
        text=TEXT + "/text.json",
        cleaning=TEXT + "/cleaning.json",
    log:
        TEXT_LOGS + "/gather.log",
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
        directory(RESULTS + "/vocabularies/{vocabulary}"),
    log:
        LOGS + "/make_vocabulary-{vocabulary}.log",
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
        text=TEXT + "/text.json",
        parts=lambda wildcards: parts_folders(wildcards.text),
        vocabulary=lambda wildcards: vocabulary_folder(TEXTS[wildcards.text].vocabulary),
    output:
        blocks=TEXT + "/blocks/{file}.txt",
        facts=TEXT + "/blocks/{file}.txt.json",
    log:
        TEXT_LOGS + "/encode-{file}.log",
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
        train=TEXT + "/blocks/train-{shard}.txt",
        valid=TEXT + "/blocks/valid.txt",
        vocabulary=lambda wildcards: vocabulary_folder(TEXTS[wildcards.text].vocabulary),
    output:
        directory(TEXT + "/bin/{shard}"),
    log:
        TEXT_LOGS + "/binarise-{shard}.log",
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
        RESULTS + "/{text}/{model}/model.pt",
        facts=RESULTS + "/{text}/{model}/model.json",
    log:
        LOGS + "/{text}/{model}.log",
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
        RUN + "/train.json",
    log:
        RUN_LOGS + "/train.log",
    wildcard_constraints:
        corpus=any_of(TEXTS),
    priority: 1
    conda:
        "../../envs/train.yaml"
    threads: of_training("threads")
    resources:
        gpu=lambda wildcards: gpus(run_settings(wildcards)["training"]["gpus"]),
        mem_mb=of_training("memory"),
        runtime=lambda wildcards: round(60 * run_settings(wildcards)["training"]["hours"]),
    params:
        checkpoints=RUN + "/checkpoints",
        arguments=lambda wildcards, input: training_arguments(
            SYSTEMS[wildcards.system],
            run_settings(wildcards),
            data=":".join(input.data),
            checkpoints=RUN.format(**wildcards) + "/checkpoints",
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
