"""What the rules of score.smk ask: inputs, settings and resources."""

# Corpora of a generation task; all of them are encoded with a shared vocabulary.
TASKS = [name for name, corpus in CORPORA.items() if corpus.task != "translation"]
TRANSLATIONS = [name for name in CORPORA if name not in TASKS]


def fewest_passes(wildcards):
    """The decoded file of the same run after the fewest passes that a table shows, in a list; empty where it is that."""
    manner, _, passes = wildcards.mode.partition("-")
    if manner == "ar":
        return []
    fewer = [count for count in passes_in_tables(wildcards.corpus, wildcards.system) if count < int(passes)]
    return [f"{RUN.format(**wildcards)}/decode/nar-{min(fewer)}.bpe"] if fewer else []


def run_of_baseline(wildcards):
    """The run of the row that a comparison is with: of the same seed, or the only one of a given file."""
    return PRODUCTS.run_of(wildcards.corpus, wildcards.baseline, int(wildcards.seed))


def plain_outputs(wildcards):
    """The file of given outputs that are not tokenised, in a list: what is counted on plain text is counted on them."""
    given = SYSTEMS[wildcards.system].get("hypotheses")
    return [given_outputs(wildcards)] if given and not given["tokenised"] else []
