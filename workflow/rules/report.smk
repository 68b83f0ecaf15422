"""Tables and figures: published and reproduced side by side, in every format."""

TABLES = TIER["tables"]
FIGURES = TIER["figures"]
# The other tables need pre-trained models; until then they show what was published.
PUBLISHED_ONLY = sorted({1, 2, 3, 4, 5, 6, 7, 8} - {int(name.removeprefix("table")) for name in TABLES})
REPORT = source_digest("report")


def bleu_scores(wildcards):
    """Scores of a BLEU table: every system on every corpus, in each of its manners."""
    table = TABLES[f"table{wildcards.number}"]
    return [
        f"{run}/score/{mode_of(corpus, system, manner)}.json"
        for corpus in table["columns"]
        for system in table["systems"]
        for run in runs(corpus, system)
        for manner in SYSTEMS[system]["manners"]
    ]


def bleu_comparisons(wildcards):
    """Significance tests of a BLEU table: each system against the baselines that stand in the table."""
    table = TABLES[f"table{wildcards.number}"]
    return [
        f"{run}/compare/{manner}-{baseline}.json"
        for corpus in table["columns"]
        for system in table["systems"]
        for manner, baseline in SYSTEMS[system]["baselines"].items()
        if baseline in table["systems"]
        for run in runs(corpus, system)
    ]


def repetition_scores(wildcards):
    """Scores of Table 3: every system after each number of passes."""
    table = TABLES["table3"]
    return expand(
        RUN + "/score/nar-{passes}.json",
        corpus=table["corpus"],
        system=table["systems"],
        seed=TIER["seeds"],
        passes=table["passes"],
    )


def iteration_scores(wildcards):
    """Scores of Figure 4: every system in each of its manners, NAR after each number of passes."""
    figure = FIGURES["figure4"]
    return [
        f"{run}/score/{mode}.json"
        for system in figure["systems"]
        for run in runs(figure["corpus"], system)
        for mode in modes_of(system, figure["passes"])
    ]


def of_figure(name, product):
    """A product of every run that a figure shows."""
    figure = FIGURES[name]
    return [f"{run}/{product}" for run in runs(figure["corpus"], figure["systems"])]
