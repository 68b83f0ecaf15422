"""Corpora: fetch, prepare, learn and apply BPE or encode with a shared vocabulary, binarise."""

DOWNLOADS = {
    download.name: download
    for entries in (CORPORA, TEXTS, VOCABULARIES, MODELS)
    for entry in entries.values()
    for download in entry.downloads
}
# Corpora that are encoded with a vocabulary they share with a pre-training text, and those with a BPE of their own.
SHARED = [name for name, corpus in CORPORA.items() if corpus.vocabulary]
OWN = [name for name in CORPORA if name not in SHARED]


def downloads_of(entry):
    """The fetched files of a corpus, text, vocabulary or model."""
    return [f"resources/downloads/{item.name}" for item in entry.downloads]


def vocabulary_folder(name):
    return f"{RESULTS}/vocabularies/{name}"


def vocabulary_of(wildcards):
    """The shared vocabulary of a rule's corpus, in a list; an empty one where the corpus has its own BPE."""
    name = CORPORA[wildcards.corpus].vocabulary
    return [vocabulary_folder(name)] if name else []


def pretraining_entries():
    """The text, vocabulary and model of the tier's pre-training, as far as it names them."""
    if not TIER["pretraining"]:
        return []
    text, base = TEXTS[TIER["pretraining"]["text"]], TIER["pretraining"]["base"]
    return [text, VOCABULARIES[text.vocabulary], *([MODELS[base]] if base in MODELS else [])]


rule fetch:
    output:
        "resources/downloads/{download}",
    log:
        "logs/fetch/{download}.log",
    wildcard_constraints:
        download=any_of(DOWNLOADS),
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
        lambda wildcards: downloads_of(CORPORA[wildcards.corpus]),
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
    wildcard_constraints:
        corpus=any_of(OWN),
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


rule encode:
    input:
        tok=rules.prepare.output.tok,
        corpus=rules.prepare.output.corpus,
        vocabulary=vocabulary_of,
    output:
        directory(RESULTS + "/{corpus}/corpus/bpe"),
    log:
        LOGS + "/{corpus}/encode.log",
    benchmark:
        LOGS + "/{corpus}/encode.tsv"
    wildcard_constraints:
        corpus=any_of(SHARED),
    conda:
        "../../envs/train.yaml"
    threads: 4
    resources:
        mem_mb=8000,
        runtime="4h",
    params:
        code=source_digest("corpora/encode", "corpora/vocabulary", "corpora/gpt2_bpe"),
    message:
        "Encode {wildcards.corpus} with its vocabulary"
    script:
        "../scripts/encode.py"


rule binarise:
    input:
        bpe=RESULTS + "/{corpus}/corpus/bpe",
        vocabulary=vocabulary_of,
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
        [path for corpus in TIER["corpora"] for path in downloads_of(CORPORA[corpus])],
        [path for entry in pretraining_entries() for path in downloads_of(entry)],
    localrule: True
    message:
        "The downloads are in resources/downloads"
