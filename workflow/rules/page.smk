"""The page that one sends: everything that a run shows, in one file, and where each number comes from."""


rule show_steps:
    input:
        checkpoint=own_checkpoint,
        asked=asked_checkpoints,
        tok=f"{RESULTS}/{{corpus}}/corpus/tok",
        bpe=f"{RESULTS}/{{corpus}}/corpus/bpe",
        data=data_folder,
        method=file_of_method,
    output:
        steps=f"{RUN}/decode/{{mode}}.steps.jsonl",
        facts=f"{RUN}/decode/{{mode}}.steps.json",
    log:
        f"{RUN_LOGS}/steps-{{mode}}.log",
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        gpu=gpus(1),
        mem_mb=8000,
        runtime=30,
    params:
        source=of_corpus("source"),
        chosen=REFINED,
        decoding=lambda wildcards: decoding_of(wildcards, wildcards.mode),
        code=lambda wildcards: code_of_decoding("show_steps", wildcards.system),
    message:
        "Show how {wildcards.system} refines sentences of {wildcards.corpus}"
    script:
        "../scripts/show_steps.py"


rule write_page:
    input:
        rules.paper_tables.input,
        rules.paper_figures.input,
        rules.claims.input,
        rules.complexity.input,
        rules.overviews.input,
        refined_rows(),
    output:
        page=report(
            f"{RESULTS}/report/{TIER['tier']}.html", "../report/page.rst", category="Page", labels={"page": "all"}
        ),
        archive=f"{RESULTS}/report/{TIER['tier']}.zip",
    log:
        f"{LOGS}/page.log",
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        planned=planned_rows(TIER, SYSTEMS),
        command=command_of(TIER["tier"], workflow.configfiles),
        code=code_of("write_page"),
    message:
        "Write the page of the run"
    script:
        "../scripts/write_page.py"


rule report_page:
    input:
        rules.write_page.output,
    localrule: True
    message:
        f"The page is {RESULTS}/report/{TIER['tier']}.html; the .zip beside it holds its data too"
