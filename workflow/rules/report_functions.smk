"""What the rules of report.smk ask: inputs, settings and resources."""

from janus.report.cells import added_columns, added_rows, bleu_cells, files_of, other_texts, repetition_cells
from janus.report.generation_cells import floor_cells, generation_cells
from janus.report.names import generated_text
from janus.report.overview import overview_cells
from janus.report.own_table import own_cells, usual_metrics
from janus.report.paper_tables import PAPER_TABLES
from janus.report.vital_signs import read_signs, summary, vital_files

PUBLISHED = of_project("workflow/published")
GENERATED = generated_text(CORPORA[corpus].recipe for corpus in TIER["corpora"])


def score_files(corpus, system, manner, passes=None):
    """Score files of a system decoded in a manner, by seed; without `passes` as the tier decodes."""
    mode = f"{manner}-{passes}" if passes else mode_of(corpus, system, manner)
    return {seed: f"{run}/score/{mode}.json" for seed, run in runs_by_seed(corpus, system).items()}


def comparison_files(corpus, system, manner, baseline):
    """Significance tests of a system against a baseline, by seed."""
    return {seed: f"{run}/compare/{manner}-{baseline}.json" for seed, run in runs_by_seed(corpus, system).items()}


def task_comparison_files(corpus, system, manner, passes, baseline):
    """Significance tests of a system against a baseline on a task, both decoded in a manner with as many passes."""
    mode = f"{manner}-{passes}" if passes else manner
    return {seed: f"{run}/compare/{mode}-{baseline}.json" for seed, run in runs_by_seed(corpus, system).items()}


def any_comparison_files(corpus, system, manner, passes, baseline):
    """Significance tests of a system against a baseline in one decoding, if both are tested in it."""
    if corpus in TASKS:
        return task_comparison_files(corpus, system, manner, passes, baseline)
    # Translations are tested as the tier decodes them.
    usual = {passes_of(corpus, system), passes_of(corpus, baseline)}
    return comparison_files(corpus, system, manner, baseline) if passes is None or passes in usual else {}


def latency_files(corpus, system):
    """Measurements of speed, by seed; none of outputs that are given."""
    runs = runs_by_seed(corpus, system) if system in DECODED else {}
    return {seed: f"{run}/latency.json" for seed, run in runs.items()}


origin_of = PRODUCTS.origin


def floor_file(corpus, floor):
    return f"{RESULTS}/{corpus}/floors/{floor}.json"


def cells_of(number):
    """The cells of a table that the tier's runs fill; none where the tier does not name the table."""
    table, paper = TABLES.get(f"table{number}"), PAPER_TABLES[number]
    if table is None:
        return []
    files = {"score_files": score_files, "origin_of": origin_of}
    if paper.columns == "passes":
        return repetition_cells(number, table, SYSTEMS, **files)
    if paper.columns == "corpora":
        return bleu_cells(number, table, SYSTEMS, **files, comparison_files=comparison_files, passes=passes_of)
    files |= {"latency_files": latency_files, "comparison_files": task_comparison_files}
    cells = generation_cells(number, table, SYSTEMS, **files)
    return cells + (floor_cells(number, table, floor_file=floor_file) if paper.floors else [])


# Tables that the tier does not name show what was published.
CELLS = {number: cells for number in PAPER_TABLES if (cells := cells_of(number))}
ADDED_COLUMNS = {number: added_columns(number, TABLES[f"table{number}"]) for number in CELLS}
# The text of the paper that each corpus is, and the columns whose corpus is another.
PUBLISHED_TEXTS = {name: corpus.published for name, corpus in CORPORA.items()}
OTHER_TEXTS = {number: other_texts(number, TABLES[f"table{number}"], PUBLISHED_TEXTS) for number in CELLS}
# The tables of the tier's own, by name, their cells and their task.
OWN_TABLES = {
    name: table for name, table in TABLES.items() if name not in {f"table{number}" for number in PAPER_TABLES}
}
OWN_TASKS = {name: CORPORA[next(iter(table["columns"]))].task for name, table in OWN_TABLES.items()}
OWN_CELLS = {
    name: own_cells(
        name,
        table,
        SYSTEMS,
        task=OWN_TASKS[name],
        score_files=score_files,
        test_files=any_comparison_files,
        origin_of=origin_of,
        passes=passes_of,
    )
    for name, table in OWN_TABLES.items()
}
OVERVIEWS = TIER["overviews"]
OVERVIEW_CELLS = {
    name: overview_cells(
        name,
        block,
        SYSTEMS,
        score_files=score_files,
        latency_files=latency_files,
        origin_of=origin_of,
        passes=passes_of,
    )
    for name, block in OVERVIEWS.items()
}
# The vital signs of the rows of all tables and of each overview, by the stem of the file that lists them. The tables do not
# wait for rows that only an overview shows.
VITAL_SIGNS = {
    "vital-signs": vital_files(
        path for cells in (*CELLS.values(), *OWN_CELLS.values()) for path in files_of(cells, "scores")
    ),
    **{f"{name}-vital-signs": vital_files(files_of(cells, "scores")) for name, cells in OVERVIEW_CELLS.items()},
}
# The figures that the tier names; Figure 2 is drawn from the code alone.
DRAWN = [2, *(number for number in (4, 5, 6) if f"figure{number}" in FIGURES)]


def table_outputs(number):
    """The files of a table; its pages go into Snakemake's report, which would give a CSV away as a download."""
    stem = f"{RESULTS}/tables/table{number}"
    caption = f"../report/table{number}.rst" if number in CELLS else "../report/published_only.rst"
    outputs = {
        "html": report(f"{stem}.html", caption, category="Tables", labels={"table": str(number)}),
        "csv": f"{stem}.csv",
        "md": f"{stem}.md",
        "tex": f"{stem}.tex",
        "facts": f"{stem}.json",
    }
    if number in CELLS:
        outputs["cells"] = f"{stem}-cells.csv"
        for companion, what in (("metrics", "every metric"), ("tests", "tests of significance")):
            path, labels = f"{stem}-{companion}", {"table": f"{number}, {what}"}
            outputs |= {f"{companion}_{kind}": f"{path}.{kind}" for kind in ("csv", "md", "tex")}
            outputs[f"{companion}_html"] = report(f"{path}.html", caption, category="Tables", labels=labels)
    return outputs


def own_table_outputs(name):
    """The files of a table of the tier's own, and of those beside it."""
    stem, outputs = f"{RESULTS}/tables/{name}", {"facts": f"{RESULTS}/tables/{name}.json"}
    for key, path, what in (
        ("", stem, ""),
        ("metrics_", f"{stem}-metrics", ", every metric"),
        ("tests_", f"{stem}-tests", ", tests of significance"),
    ):
        outputs |= {f"{key}{kind}": f"{path}.{kind}" for kind in ("csv", "md", "tex")}
        labels = {"table": f"{name}{what}"}
        outputs[f"{key}html"] = report(f"{path}.html", "../report/own_table.rst", category="Tables", labels=labels)
    return outputs


def figure_outputs(number):
    """The files of a figure; the SVG goes into Snakemake's report."""
    stem = f"{RESULTS}/figures/figure{number}"
    caption = f"../report/figure{number}.rst"
    return {
        "svg": report(f"{stem}.svg", caption, category="Figures", labels={"figure": str(number)}),
        "pdf": f"{stem}.pdf",
        "png": f"{stem}.png",
        "csv": f"{stem}.csv",
        "md": f"{stem}.md",
        "facts": f"{stem}.json",
    }


def overview_outputs(name):
    """The files of an overview: a table, and a figure."""
    stem, caption, labels = f"{RESULTS}/tables/{name}", "../report/overview.rst", {"overview": name}
    table = {"html": report(f"{stem}.html", caption, category="Overviews", labels=labels)}
    table |= {kind: f"{stem}.{kind}" for kind in ("csv", "md", "tex")}
    figure = f"{RESULTS}/figures/{name}"
    drawn = {"svg": report(f"{figure}.svg", caption, category="Overviews", labels=labels)}
    drawn |= {f"figure_{kind}": f"{figure}.{kind}" for kind in ("pdf", "png", "csv", "md")}
    return table | drawn | {"facts": f"{stem}.json"}


def figure_files(name, system, product):
    """A product of every run of a system that a figure shows."""
    return [f"{run}/{product}" for run in runs_by_seed(FIGURES[name]["corpus"], system).values()]


# By system, then by (manner, passes); 0 passes stand for AR.
FIGURE4_SCORES = {
    name: {
        (mode.partition("-")[0], int(mode.partition("-")[2] or 0)): figure_files("figure4", name, f"score/{mode}.json")
        for mode in modes_of(name, FIGURES["figure4"]["passes"])
    }
    for name in FIGURES.get("figure4", {}).get("systems", ())
}


def say_what_is_degenerate():
    """One line at the end of a run, if a row of its tables that was decoded is degenerate."""
    shown = dict.fromkeys(path for paths in VITAL_SIGNS.values() for path in paths)
    try:
        decoded = read_signs(path for path in shown if Path(path).exists())
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
    else:
        if line := summary(decoded, f"`janus vital-signs {RESULTS}`"):
            print(line, file=sys.stderr)
