"""Tables and figures: published and reproduced side by side, in every format."""

for number in PAPER_TABLES:

    rule:
        name:
            f"render_table{number}"
        input:
            **{kind: files_of(CELLS.get(number, []), kind) for kind in ("scores", "tests", "latencies", "origins")},
            published=f"{PUBLISHED}/table{number}.csv",
            what=f"{PUBLISHED}/rows.csv",
            vital=vital_files(files_of(CELLS.get(number, []), "scores")),
        output:
            **table_outputs(number),
        log:
            f"{LOGS}/table{number}.log",
        conda:
            "../../envs/report.yaml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            number=number,
            cells=CELLS.get(number, []),
            added_rows=added_rows(number, CELLS.get(number, []), SYSTEMS),
            added_columns=ADDED_COLUMNS.get(number, []),
            other_texts=OTHER_TEXTS.get(number, {}),
            tier=TIER["tier"],
            generated=GENERATED,
            code=code_of("render_table"),
        message:
            f"Render Table {number}" + ("" if number in CELLS else ", published side only")
        script:
            "../scripts/render_table.py"

    rule:
        name:
            f"table{number}"
        input:
            getattr(rules, f"render_table{number}").output,
        localrule: True
        message:
            f"Table {number} is in {RESULTS}/tables"


for name in VITAL_SIGNS:

    rule:
        name:
            name.replace("-", "_")
        input:
            VITAL_SIGNS[name],
        output:
            md=f"{RESULTS}/tables/{name}.md",
            csv=f"{RESULTS}/tables/{name}.csv",
        log:
            f"{LOGS}/{name}.log",
        conda:
            "../../envs/report.yaml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            code=code_of("gather_vital_signs"),
        message:
            f"Gather the vital signs of all rows: {name}"
        script:
            "../scripts/gather_vital_signs.py"


rule paper_tables:
    input:
        [getattr(rules, f"table{number}").input for number in PAPER_TABLES],
        rules.vital_signs.output,
    localrule: True
    message:
        f"The tables are in {RESULTS}/tables"


for name in OWN_TABLES:

    rule:
        name:
            f"render_{name}"
        input:
            **{kind: files_of(OWN_CELLS[name], kind) for kind in ("scores", "tests", "origins")},
            vital=vital_files(files_of(OWN_CELLS[name], "scores")),
        output:
            **own_table_outputs(name),
        log:
            f"{LOGS}/{name}.log",
        conda:
            "../../envs/report.yaml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            name=name,
            title=OWN_TABLES[name]["title"],
            metrics=OWN_TABLES[name].get("metrics", usual_metrics(OWN_TASKS[name])),
            cells=OWN_CELLS[name],
            tier=TIER["tier"],
            generated=GENERATED,
            code=code_of("render_own_table"),
        message:
            f"Render the table {name}"
        script:
            "../scripts/render_own_table.py"


rule tables:
    input:
        [getattr(rules, f"table{number}").input for number in CELLS],
        [getattr(rules, f"render_{name}").output for name in OWN_TABLES],
        rules.vital_signs.output,
    localrule: True
    message:
        f"The tables that the tier names are in {RESULTS}/tables"


for name in OVERVIEWS:

    rule:
        name:
            f"render_{name}"
        input:
            **{kind: files_of(OVERVIEW_CELLS[name], kind) for kind in ("scores", "origins")},
            latencies=[path for cell in OVERVIEW_CELLS[name] for path in cell["latency_files"].values()],
            vital=vital_files(files_of(OVERVIEW_CELLS[name], "scores")),
        output:
            **overview_outputs(name),
        log:
            f"{LOGS}/{name}.log",
        conda:
            "../../envs/report.yaml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            name=name,
            title=OVERVIEWS[name]["title"],
            task=CORPORA[OVERVIEWS[name]["corpus"]].task,
            baseline=OVERVIEWS[name]["baseline"],
            cells=OVERVIEW_CELLS[name],
            tier=TIER["tier"],
            generated=GENERATED,
            code=code_of("render_overview"),
        message:
            f"Render the overview {name}"
        script:
            "../scripts/render_overview.py"


rule overviews:
    input:
        [getattr(rules, f"render_{name}").output for name in OVERVIEWS],
        [f"{RESULTS}/tables/{name}.{kind}" for name in list(VITAL_SIGNS)[1:] for kind in ("md", "csv")],
    localrule: True
    message:
        f"The overviews are in {RESULTS}/tables and {RESULTS}/figures"


if 4 in DRAWN:

    rule draw_figure4:
        input:
            scores=[path for modes in FIGURE4_SCORES.values() for paths in modes.values() for path in paths],
            latencies=[path for name in FIGURE4_SCORES for path in figure_files("figure4", name, "latency.json")],
        output:
            **figure_outputs(4),
        log:
            f"{LOGS}/figure4.log",
        conda:
            "../../envs/report.yaml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            scores=FIGURE4_SCORES,
            latencies={name: figure_files("figure4", name, "latency.json") for name in FIGURE4_SCORES},
            labels={name: SYSTEMS[name]["label"] for name in FIGURE4_SCORES},
            tier=TIER["tier"],
            generated=GENERATED,
            code=code_of("draw_figure4"),
        message:
            "Draw Figure 4"
        script:
            "../scripts/draw_figure4.py"


for number in (n for n in DRAWN if n in (5, 6)):

    rule:
        name:
            f"draw_figure{number}"
        input:
            curves=[
                path
                for name in FIGURES[f"figure{number}"]["systems"]
                for path in figure_files(f"figure{number}", name, "curves.csv")
            ],
        output:
            **figure_outputs(number),
        log:
            f"{LOGS}/figure{number}.log",
        conda:
            "../../envs/report.yaml"
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            number=number,
            curves={
                name: dict(zip(TIER["seeds"], figure_files(f"figure{number}", name, "curves.csv")))
                for name in FIGURES[f"figure{number}"]["systems"]
            },
            labels={name: SYSTEMS[name]["label"] for name in FIGURES[f"figure{number}"]["systems"]},
            tier=TIER["tier"],
            generated=GENERATED,
            code=code_of("draw_curves"),
        message:
            f"Draw Figure {number}"
        script:
            "../scripts/draw_curves.py"


rule draw_figure2:
    output:
        **{kind: f"{RESULTS}/figures/figure2.{kind}" for kind in ("pdf", "png")},
        svg=report(
            f"{RESULTS}/figures/figure2.svg", "../report/figure2.rst", category="Figures", labels={"figure": "2"}
        ),
    log:
        f"{LOGS}/figure2.log",
    conda:
        "../../envs/train.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code_of("draw_figure2"),
    message:
        "Draw Figure 2"
    script:
        "../scripts/draw_figure2.py"


for number in DRAWN:

    rule:
        name:
            f"figure{number}"
        input:
            getattr(rules, f"draw_figure{number}").output,
        localrule: True
        message:
            f"Figure {number} is in {RESULTS}/figures"


rule paper_figures:
    input:
        [getattr(rules, f"figure{number}").input for number in DRAWN],
    localrule: True
    message:
        f"The figures are in {RESULTS}/figures"
