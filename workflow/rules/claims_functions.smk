"""What the rules of claims.smk ask: inputs, settings and resources."""

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
