"""Scores of a decoded test set, and whether they differ from the baseline's by more than chance."""

METRICS = source_digest("metrics")
# Outputs on generated text are judged by the grammar too.
JUDGE = source_digest(*(f"corpora/{part}" for part in ("grammar", "judge", "analyse", "realise", "lexicon", "meaning")))


rule score:
    input:
        hypotheses=rules.decode.output.hypotheses,
        tok=rules.prepare.output.tok,
        raw=rules.prepare.output.raw,
    output:
        RUN + "/score/{mode}.json",
    log:
        RUN_LOGS + "/score-{mode}.log",
    benchmark:
        RUN_LOGS + "/score-{mode}.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        source=of_corpus("source"),
        target=of_corpus("target"),
        recipe=of_corpus("recipe"),
        lowercase=of_corpus("lowercase"),
        code=METRICS,
        judge=lambda wildcards: JUDGE if CORPORA[wildcards.corpus].recipe == "grammar" else None,
    message:
        "Score {wildcards.system} on {wildcards.corpus}, seed {wildcards.seed}: {wildcards.mode}"
    script:
        "../scripts/score.py"


rule compare:
    input:
        system=lambda wildcards: RUN + f"/decode/{mode_of(wildcards.corpus, wildcards.system, wildcards.manner)}.bpe",
        baseline=lambda wildcards: RUN.replace("{system}", "{baseline}")
        + f"/decode/{mode_of(wildcards.corpus, wildcards.baseline, wildcards.manner)}.bpe",
        tok=rules.prepare.output.tok,
    output:
        RUN + "/compare/{manner}-{baseline}.json",
    log:
        RUN_LOGS + "/compare-{manner}-{baseline}.log",
    benchmark:
        RUN_LOGS + "/compare-{manner}-{baseline}.tsv"
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        target=of_corpus("target"),
        code=METRICS,
    message:
        "Compare {wildcards.system} with {wildcards.baseline} on {wildcards.corpus}, seed {wildcards.seed}: {wildcards.manner}"
    script:
        "../scripts/compare.py"
