"""What the paper claims, tested on what the tables and figures decode: a table and a forest plot."""


rule judge_claims:
    input:
        **CLAIM_FILES,
        statements=TIER["claims_file"],
        published=[f"{PUBLISHED}/table{number}.csv" for number in PAPER_TABLES],
    output:
        **claims_outputs(),
    log:
        f"{LOGS}/claims.log",
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=4000,
        runtime="2h",
    params:
        comparisons=CLAIMS,
        resamples=TIER["claims"]["resamples"],
        tier=TIER["tier"],
        generated=GENERATED,
        code=code_of("judge_claims"),
    message:
        "Test the paper's claims"
    script:
        "../scripts/judge_claims.py"


rule claims:
    input:
        rules.judge_claims.output,
    localrule: True
    message:
        f"The paper's claims are in {RESULTS}/tables/claims.md"
