"""What the rules of page.smk ask: inputs, settings and resources."""

from janus.report.page.plan import command_of, planned_rows

# How many sentences the page shows the refinement of, and the most words of one.
REFINED = {"count": 3, "longest": 18}


def refined_rows():
    """The outputs whose refinement the page shows: of the NAR rows of Figure 4, with the tier's passes, the first seed."""
    figure = FIGURES.get("figure4")
    if not figure:
        return []
    systems = [name for name in figure["systems"] if "nar" in SYSTEMS[name]["manners"] and name in DECODED]
    seed = TIER["seeds"][0]
    return [
        f"{runs_by_seed(figure['corpus'], name)[seed]}/decode/{mode_of(figure['corpus'], name, 'nar')}.steps.jsonl"
        for name in systems
    ]
