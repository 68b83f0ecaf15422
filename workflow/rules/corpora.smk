"""Corpora: fetch, prepare, learn and apply BPE or encode with a shared vocabulary, binarise.

What other jobs wait for has a priority: a preparation of several threads would otherwise wait until trainings leave it so
many cores at once.
"""


rule fetch:
    input:
        require_fetchable,
    output:
        # Left where it is when the rule runs again: a file that can still be trusted is not fetched a second time.
        update("resources/downloads/{download}"),
    log:
        "logs/fetch/{download}.log",
    wildcard_constraints:
        download=any_of(DOWNLOADS),
    localrule: True
    conda:
        "../../envs/corpora.yaml"
    message:
        "Fetch {wildcards.download}"
    script:
        "../scripts/fetch.py"


rule prepare:
    input:
        lambda wildcards: downloads_of(CORPORA[wildcards.corpus]),
        own=own_files,
    output:
        tok=directory(f"{RESULTS}/{{corpus}}/corpus/tok"),
        raw=directory(f"{RESULTS}/{{corpus}}/corpus/raw"),
        cleaning=f"{RESULTS}/{{corpus}}/corpus/cleaning.json",
        corpus=f"{RESULTS}/{{corpus}}/corpus/corpus.json",
    log:
        f"{LOGS}/{{corpus}}/prepare.log",
    wildcard_constraints:
        corpus=any_of(RAW),
    priority: 2
    conda:
        "../../envs/corpora.yaml"
    resources:
        mem_mb=8000,
        runtime="4h",
    params:
        corpus=lambda wildcards: recipe_of(wildcards.corpus),
        code=lambda wildcards: code_of("prepare", builder_name(CORPORA[wildcards.corpus].recipe)),
    message:
        "Prepare {wildcards.corpus}"
    script:
        "../scripts/prepare.py"


rule learn_bpe:
    input:
        rules.prepare.output.tok,
        rules.prepare.output.corpus,
    output:
        directory(f"{RESULTS}/{{corpus}}/corpus/bpe"),
    log:
        f"{LOGS}/{{corpus}}/learn_bpe.log",
    wildcard_constraints:
        corpus=any_of(OWN),
    priority: 2
    conda:
        "../../envs/corpora.yaml"
    threads: 4
    resources:
        mem_mb=pairs_memory(300, 1500),
        runtime="12h",
    params:
        merges=of_corpus("merges"),
        blobs=of_corpus("blobs"),
        code=code_of("learn_bpe"),
    message:
        "Learn and apply BPE: {wildcards.corpus}"
    script:
        "../scripts/learn_bpe.py"


rule recover_bpe:
    input:
        own=own_files,
        corpus=rules.prepare.output.corpus,
    output:
        directory(f"{RESULTS}/{{corpus}}/corpus/bpe"),
    log:
        f"{LOGS}/{{corpus}}/recover_bpe.log",
    wildcard_constraints:
        corpus=any_of(BINARISED),
    priority: 2
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=pairs_memory(500, 300),
        runtime="2h",
    params:
        code=lambda wildcards: code_of("recover_bpe", builder_name(CORPORA[wildcards.corpus].recipe)),
    message:
        "Recover the subwords of {wildcards.corpus}"
    script:
        "../scripts/recover_bpe.py"


rule encode:
    input:
        tok=rules.prepare.output.tok,
        corpus=rules.prepare.output.corpus,
        vocabulary=vocabulary_of,
    output:
        directory(f"{RESULTS}/{{corpus}}/corpus/bpe"),
    log:
        f"{LOGS}/{{corpus}}/encode.log",
    wildcard_constraints:
        corpus=any_of(SHARED),
    priority: 2
    conda:
        "../../envs/train.yaml"
    threads: 4
    resources:
        mem_mb=8000,
        runtime="4h",
    params:
        code=code_of("encode"),
    message:
        "Encode {wildcards.corpus} with its vocabulary"
    script:
        "../scripts/encode.py"


rule binarise:
    input:
        bpe=f"{RESULTS}/{{corpus}}/corpus/bpe",
        dictionary=dictionary_folder,
    output:
        directory(f"{RESULTS}/{{corpus}}/corpus/bin"),
    log:
        f"{LOGS}/{{corpus}}/binarise.log",
    priority: 2
    conda:
        "../../envs/train.yaml"
    threads: 4
    resources:
        mem_mb=pairs_memory(500, 300),
        runtime="2h",
    params:
        source=of_corpus("source"),
        target=of_corpus("target"),
        dictionary=dictionary_name,
        code=code_of("binarise"),
    message:
        "Binarise {wildcards.corpus}"
    script:
        "../scripts/binarise.py"


rule prepare_test_set:
    input:
        own=own_files,
        corpus=lambda wildcards: f"{own_corpus_folder(wildcards)}/corpus.json",
        texts=lambda wildcards: [f"{own_corpus_folder(wildcards)}/{folder}" for folder in ("tok", "raw")],
    output:
        tok=directory(f"{RESULTS}/{{corpus}}/corpus/tok"),
        raw=directory(f"{RESULTS}/{{corpus}}/corpus/raw"),
        corpus=f"{RESULTS}/{{corpus}}/corpus/corpus.json",
    log:
        f"{LOGS}/{{corpus}}/prepare_test_set.log",
    wildcard_constraints:
        corpus=any_of(TESTS),
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        lowercase=of_corpus("lowercase"),
        tokenised=lambda wildcards: CORPORA[wildcards.corpus].options["tokenised"],
        source=of_corpus("source"),
        target=of_corpus("target"),
        code=code_of("prepare_test_set"),
    message:
        "Prepare the test set {wildcards.corpus}"
    script:
        "../scripts/prepare_test_set.py"


rule encode_test_set:
    input:
        tok=rules.prepare_test_set.output.tok,
        bpe=lambda wildcards: f"{own_corpus_folder(wildcards)}/bpe",
        vocabulary=vocabulary_of,
    output:
        directory(f"{RESULTS}/{{corpus}}/corpus/bpe"),
    log:
        f"{LOGS}/{{corpus}}/encode_test_set.log",
    wildcard_constraints:
        corpus=any_of(TESTS),
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        source=of_corpus("source"),
        target=of_corpus("target"),
        longest=lambda wildcards: CORPORA[wildcards.corpus].options.get("longest_source"),
        code=code_of("encode_test_set"),
    message:
        "Encode the test set {wildcards.corpus}"
    script:
        "../scripts/encode_test_set.py"


rule download:
    input:
        [f"resources/downloads/{item.name}" for item in RUN_CONFIG.downloads()],
    localrule: True
    message:
        "The downloads are in resources/downloads"
