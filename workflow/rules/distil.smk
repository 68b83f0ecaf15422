"""Distilled corpora: a teacher translates the training set in parts, which replace its targets.

Then they are binarised, trained on and decoded like any corpus.
"""


rule distil_part:
    input:
        checkpoint=teacher_checkpoint,
        bpe=lambda wildcards: f"{raw_folder(wildcards)}/bpe",
        data=lambda wildcards: f"{raw_folder(wildcards)}/bin",
        method=file_of_teacher,
    output:
        translations=f"{RESULTS}/{{corpus}}/corpus/parts/{{part}}.bpe",
        facts=f"{RESULTS}/{{corpus}}/corpus/parts/{{part}}.bpe.json",
    log:
        f"{LOGS}/{{corpus}}/distil-{{part}}.log",
    wildcard_constraints:
        corpus=any_of(DISTILLED),
        part=r"\d+",
    priority: 1
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        gpu=gpus(1),
        mem_mb=8000,
        runtime="12h",
    params:
        source=of_corpus("source"),
        parts=lambda wildcards: DISTILLED[wildcards.corpus]["shards"],
        decoding=teacher_decoding,
        batch_tokens=lambda wildcards: teacher_settings(wildcards)["decoding"]["batch_tokens"],
        code=lambda wildcards: code_of_decoding("distil_part", DISTILLED[wildcards.corpus]["teacher"]),
    message:
        "Translate the training set for {wildcards.corpus}: part {wildcards.part}"
    script:
        "../scripts/distil_part.py"


rule distil:
    input:
        parts=parts_of,
        record=lambda wildcards: f"{raw_folder(wildcards)}/corpus.json",
        texts=lambda wildcards: [f"{raw_folder(wildcards)}/{folder}" for folder in ("tok", "raw", "bpe")],
        vocabulary=vocabulary_of,
    output:
        tok=directory(f"{RESULTS}/{{corpus}}/corpus/tok"),
        raw=directory(f"{RESULTS}/{{corpus}}/corpus/raw"),
        bpe=directory(f"{RESULTS}/{{corpus}}/corpus/bpe"),
        cleaning=f"{RESULTS}/{{corpus}}/corpus/cleaning.json",
        corpus=f"{RESULTS}/{{corpus}}/corpus/corpus.json",
    log:
        f"{LOGS}/{{corpus}}/distil.log",
    wildcard_constraints:
        corpus=any_of(DISTILLED),
    priority: 2
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=4000,
        runtime="2h",
    params:
        teacher=lambda wildcards: {"teacher": DISTILLED[wildcards.corpus]["teacher"], "seed": TIER["seeds"][0]},
        code=code_of("distil"),
    message:
        "Gather the distilled corpus {wildcards.corpus}"
    script:
        "../scripts/distil.py"


rule measure_complexity:
    input:
        raw=lambda wildcards: f"{raw_folder(wildcards)}/tok",
        distilled=rules.distil.output.tok,
        record=rules.distil.output.corpus,
    output:
        f"{RESULTS}/{{corpus}}/corpus/complexity.json",
    log:
        f"{LOGS}/{{corpus}}/measure_complexity.log",
    wildcard_constraints:
        corpus=any_of(DISTILLED),
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=8000,
        runtime="2h",
    params:
        source=of_corpus("source"),
        target=of_corpus("target"),
        code=code_of("measure_complexity"),
    message:
        "Measure the complexity of {wildcards.corpus}"
    script:
        "../scripts/measure_complexity.py"


rule render_complexity:
    input:
        [f"{corpus_folder(corpus)}/complexity.json" for corpus in DISTILLED],
    output:
        md=f"{RESULTS}/tables/complexity.md",
        csv=f"{RESULTS}/tables/complexity.csv",
    log:
        f"{LOGS}/complexity.log",
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("render_complexity"),
    message:
        "Render the complexity of raw and distilled text"
    script:
        "../scripts/render_complexity.py"


rule complexity:
    input:
        rules.render_complexity.output if DISTILLED else [],
    localrule: True
    message:
        f"The complexity of raw and distilled text is in {RESULTS}/tables"
