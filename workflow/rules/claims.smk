"""What the paper claims, tested on what the tables and figures decode: a table and a forest plot."""

from janus.claims.plan import Planner, files_of as files_of_claims

CLAIMS = Planner(TIER, SYSTEMS, CORPORA, RESULTS).comparisons(STATEMENTS)
CLAIM_FILES = files_of_claims(CLAIMS)


def claims_outputs():
    """The files of the table and, where some claim is tested, of the plot."""
    table, plot = f"{RESULTS}/tables/claims", f"{RESULTS}/figures/claims"
    caption = "../report/claims.rst"
    outputs = {
        "html": report(f"{table}.html", caption, category="Tables", labels={"table": "claims"}),
        "facts": f"{table}.json",
        **{kind: f"{table}.{kind}" for kind in ("csv", "md", "tex")},
    }
    if CLAIM_FILES["outputs"]:
        outputs["svg"] = report(f"{plot}.svg", caption, category="Figures", labels={"figure": "claims"})
        outputs |= {"pdf": f"{plot}.pdf", "png": f"{plot}.png", "plot_facts": f"{plot}.json"}
    return outputs


rule judge_claims:
    input:
        **CLAIM_FILES,
        statements=f"{PUBLISHED}/claims.csv",
        published=[f"{PUBLISHED}/table{number}.csv" for number in PAPER_TABLES],
    output:
        **claims_outputs(),
    log:
        LOGS + "/claims.log",
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
