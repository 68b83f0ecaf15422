"""Corpora: fetch, prepare, learn and apply BPE, binarise."""

DOWNLOADS = {download.name: download for corpus in CORPORA.values() for download in corpus.downloads}


rule fetch:
    output:
        "resources/downloads/{download}",
    log:
        "logs/fetch/{download}.log",
    wildcard_constraints:
        download="|".join(map(re.escape, DOWNLOADS)) or "none",
    retries: 2
    localrule: True
    conda:
        "../../envs/corpora.yaml"
    params:
        download=lambda wildcards: asdict(DOWNLOADS[wildcards.download]),
    message:
        "Fetch {wildcards.download}"
    script:
        "../scripts/fetch.py"


rule prepare:
    input:
        lambda wildcards: [f"resources/downloads/{item.name}" for item in CORPORA[wildcards.corpus].downloads],
    output:
        tok=directory(RESULTS + "/{corpus}/corpus/tok"),
        raw=directory(RESULTS + "/{corpus}/corpus/raw"),
        cleaning=RESULTS + "/{corpus}/corpus/cleaning.json",
        corpus=RESULTS + "/{corpus}/corpus/corpus.json",
    log:
        LOGS + "/{corpus}/prepare.log",
    benchmark:
        LOGS + "/{corpus}/prepare.tsv"
    conda:
        "../../envs/corpora.yaml"
    resources:
        mem_mb=8000,
        runtime="4h",
    params:
        corpus=lambda wildcards: recipe_of(wildcards.corpus),
        code=source_digest("corpora"),
    message:
        "Prepare {wildcards.corpus}"
    script:
        "../scripts/prepare.py"


rule learn_bpe:
    input:
        rules.prepare.output.tok,
        rules.prepare.output.corpus,
    output:
        directory(RESULTS + "/{corpus}/corpus/bpe"),
    log:
        LOGS + "/{corpus}/learn_bpe.log",
    benchmark:
        LOGS + "/{corpus}/learn_bpe.tsv"
    conda:
        "../../envs/corpora.yaml"
    resources:
        mem_mb=16000,
        runtime="12h",
    params:
        merges=of_corpus("merges"),
        blobs=of_corpus("blobs"),
        code=source_digest("corpora/bpe"),
    message:
        "Learn and apply BPE: {wildcards.corpus}"
    script:
        "../scripts/learn_bpe.py"


rule binarise:
    input:
        rules.learn_bpe.output,
    output:
        directory(RESULTS + "/{corpus}/corpus/bin"),
    log:
        LOGS + "/{corpus}/binarise.log",
    benchmark:
        LOGS + "/{corpus}/binarise.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 4
    resources:
        mem_mb=8000,
        runtime="2h",
    params:
        source=of_corpus("source"),
        target=of_corpus("target"),
    message:
        "Binarise {wildcards.corpus}"
    script:
        "../scripts/binarise.py"


rule download:
    input:
        [f"resources/downloads/{item.name}" for corpus in TIER["corpora"] for item in CORPORA[corpus].downloads],
    localrule: True
    message:
        "The downloads are in resources/downloads"
