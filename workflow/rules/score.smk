"""Scores of a decoded test set, and whether they differ from the baseline's by more than chance."""

METRICS = source_digest("metrics")


rule score:
    input:
        hypotheses=rules.decode.output.hypotheses,
        tok=rules.prepare.output.tok,
        raw=rules.prepare.output.raw,
        corpus=rules.prepare.output.corpus,
    output:
        RUN + "/score/{mode}.json",
    log:
        "logs/{corpus}/{system}/seed-{seed}/score-{mode}.log",
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        corpus=lambda wildcards: recipe_of(wildcards.corpus),
        code=METRICS,
    message:
        "Score {wildcards.system} on {wildcards.corpus}, seed {wildcards.seed}: {wildcards.mode}"
    script:
        "../scripts/score.py"


rule compare:
    input:
        system=lambda wildcards: RUN
        + f"/decode/{mode_of(wildcards.corpus, wildcards.system, wildcards.manner)}.bpe",
        baseline=lambda wildcards: RUN.replace("{system}", "{baseline}")
        + f"/decode/{mode_of(wildcards.corpus, wildcards.baseline, wildcards.manner)}.bpe",
        tok=rules.prepare.output.tok,
    output:
        RUN + "/compare/{manner}-{baseline}.json",
    log:
        "logs/{corpus}/{system}/seed-{seed}/compare-{manner}-{baseline}.log",
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
