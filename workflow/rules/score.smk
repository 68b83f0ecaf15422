"""Scores of a decoded test set, and whether they differ from the baseline's by more than chance."""


rule score:
    input:
        hypotheses=rules.decode.output.hypotheses,
        tok=rules.prepare.output.tok,
        raw=rules.prepare.output.raw,
        fewer=fewest_passes,
        plain=plain_outputs,
    output:
        f"{RUN}/score/{{mode}}.json",
        vital=f"{RUN}/decode/{{mode}}.vital.json",
    log:
        f"{RUN_LOGS}/score-{{mode}}.log",
    wildcard_constraints:
        corpus=any_of(TRANSLATIONS),
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
        expected=expected_degenerate,
        code=lambda wildcards: code_of("score", judge_name(CORPORA[wildcards.corpus].recipe)),
    message:
        "Score {wildcards.system} on {wildcards.corpus}, seed {wildcards.seed}: {wildcards.mode}"
    script:
        "../scripts/score.py"


rule score_task:
    input:
        hypotheses=rules.decode.output.hypotheses,
        tok=rules.prepare.output.tok,
        vocabulary=vocabulary_of,
        fewer=fewest_passes,
    output:
        f"{RUN}/score/{{mode}}.json",
        vital=f"{RUN}/decode/{{mode}}.vital.json",
    log:
        f"{RUN_LOGS}/score-{{mode}}.log",
    wildcard_constraints:
        corpus=any_of(TASKS),
    conda:
        "../../envs/train.yaml"
    resources:
        # METEOR's Java takes two gigabytes.
        mem_mb=4000,
        runtime="1h",
    params:
        source=of_corpus("source"),
        target=of_corpus("target"),
        task=of_corpus("task"),
        recipe=of_corpus("recipe"),
        expected=expected_degenerate,
        code=lambda wildcards: code_of("score_task", judge_name(CORPORA[wildcards.corpus].recipe)),
    message:
        "Score {wildcards.system} on {wildcards.corpus}, seed {wildcards.seed}: {wildcards.mode}"
    script:
        "../scripts/score_task.py"


rule score_floors:
    input:
        tok=rules.prepare.output.tok,
    output:
        [f"{RESULTS}/{{corpus}}/floors/{floor}.json" for floor in ("unrelated", "dull", "copy")],
    log:
        f"{LOGS}/{{corpus}}/floors.log",
    wildcard_constraints:
        corpus=any_of(name for name in TASKS if CORPORA[name].task == "reply"),
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        source=of_corpus("source"),
        target=of_corpus("target"),
        recipe=of_corpus("recipe"),
        code=lambda wildcards: code_of("score_floors", judge_name(CORPORA[wildcards.corpus].recipe)),
    message:
        "Score replies that answer nothing: {wildcards.corpus}"
    script:
        "../scripts/score_floors.py"


rule compare:
    input:
        system=lambda wildcards: f"{RUN}/decode/{mode_of(wildcards.corpus, wildcards.system, wildcards.manner)}.bpe",
        baseline=lambda wildcards: f"{run_of_baseline(wildcards)}/decode/"
        f"{mode_of(wildcards.corpus, wildcards.baseline, wildcards.manner)}.bpe",
        tok=rules.prepare.output.tok,
    output:
        f"{RUN}/compare/{{manner}}-{{baseline}}.json",
    log:
        f"{RUN_LOGS}/compare-{{manner}}-{{baseline}}.log",
    wildcard_constraints:
        corpus=any_of(TRANSLATIONS),
    conda:
        "../../envs/report.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        target=of_corpus("target"),
        code=code_of("compare"),
    message:
        "Compare {wildcards.system} with {wildcards.baseline} on {wildcards.corpus}, seed {wildcards.seed}: {wildcards.manner}"
    script:
        "../scripts/compare.py"


rule compare_task:
    input:
        system=rules.decode.output.hypotheses,
        baseline=lambda wildcards: f"{run_of_baseline(wildcards)}/decode/{wildcards.mode}.bpe",
        tok=rules.prepare.output.tok,
        vocabulary=vocabulary_of,
    output:
        f"{RUN}/compare/{{mode}}-{{baseline}}.json",
    log:
        f"{RUN_LOGS}/compare-{{mode}}-{{baseline}}.log",
    wildcard_constraints:
        corpus=any_of(TASKS),
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        source=of_corpus("source"),
        target=of_corpus("target"),
        task=of_corpus("task"),
        code=code_of("compare_task"),
    message:
        "Compare {wildcards.system} with {wildcards.baseline} on {wildcards.corpus}, seed {wildcards.seed}: {wildcards.mode}"
    script:
        "../scripts/compare_task.py"
