"""The page of a run without a browser: what it says comes from the records, and its markup holds together."""

import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import lxml.html
import pytest
from report.shown_run import EVIL, REVISION, SYSTEMS, tier

from janus.__main__ import main
from janus.data import PUBLISHED
from janus.errors import InputError
from janus.files import read_json, write_json
from janus.report.audit import audit
from janus.report.csvfile import markdown_grid, read_rows
from janus.report.page.gather import gather
from janus.report.page.plan import command_of, planned_rows
from janus.report.page.render import render
from janus.report.page.scatter import HEIGHT, WIDTH, scatters
from janus.report.page.steps import refinements
from janus.report.page.table_file import read_table, split_head
from janus.report.page.write import write_page
from janus.report.published import load_published
from janus.report.visibility import attention_matrix

REFERENCE = Path(__file__).resolve().parents[2] / "results/reference"
RENDERED = sorted(REFERENCE.glob("*/tables/*.md"))


@pytest.fixture(scope="module")
def run(shown_run: Path) -> Path:
    return shown_run


@pytest.fixture(scope="module")
def data(run: Path) -> dict[str, Any]:
    return gather(run, planned=planned_rows(tier(), SYSTEMS), command=command_of("shown", ["config/shown.yaml"]))


@pytest.fixture(scope="module")
def page(data: dict[str, Any]) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(render(data))


@pytest.mark.parametrize("path", RENDERED, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_rendered_table_is_read_as_it_was_written(path: Path) -> None:
    table = read_table(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    grid = [line for line in lines if line.startswith("| ")]
    rules = grid[1].removeprefix("| ").removesuffix(" |").split(" | ")
    assert markdown_grid(table.heads, rules, table.lines) == "\n".join(grid) + "\n"
    assert table.caption and len(table.notes) == sum(bool(line) for line in lines) - len(grid) - 1


def test_fields_with_every_character_that_markdown_reads_come_back(tmp_path: Path) -> None:
    fields = ["a|b", "\\", "\\|", "_x_ a_b", "*b*", "`c`", "$m$ ~~d~~", "[l](u)", "<i>", "&amp; &", "", "x\\_y"]
    grid = markdown_grid(["Head", *fields[1:]], [":---"] * len(fields), [fields])
    (tmp_path / "t.md").write_text(f"**A \\*caption**\n\n{grid}\nA note.\n", encoding="utf-8")
    table = read_table(tmp_path / "t.md")
    assert table.caption == "A *caption" and table.lines == (tuple(fields),) and table.notes == ("A note.",)


@pytest.mark.parametrize("text", ["", "no caption\n", "**caption**\n", "**c**\n\n| a |\n| --- |\n| b | c |\n"])
def test_a_file_that_is_no_table_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.md").write_text(text)
    with pytest.raises(InputError, match=r"t\.md"):
        read_table(tmp_path / "t.md")


def test_a_head_is_split_only_at_a_part() -> None:
    assert split_head("A B published", {"A B"}) == ("A B", "published")
    assert split_head("Latency reproduced", {"A"}) == ("Latency reproduced", "")
    assert split_head("Iter", {"Iter"}) == ("Iter", "")


def numbers_in(table: dict[str, Any], part: str) -> list[tuple[str, str]]:
    cells = [cell for line in table["lines"] for cell in line["cells"] if cell["number"] and cell["part"] == part]
    return [(cell["text"], cell["number"]) for cell in cells]


@pytest.mark.parametrize("run_of", ["multi30k-cpu", "small-cpu"])
def test_every_reproduced_number_of_a_real_run_leads_to_its_records(run_of: str) -> None:
    data = gather(REFERENCE / run_of)
    shown = 0
    for table in data["tables"]:
        number = int(table["name"].removeprefix("table"))
        for text, name in numbers_in(table, "reproduced"):
            told = data["numbers"][name]
            records = [record for one in told["runs"] for record in one["records"]]
            assert records and all((REFERENCE / run_of / record).is_file() for record in records), told
            assert any(record.endswith("corpus/corpus.json") for record in records)
            value = float(dict(told["facts"])["Value"].split(" ")[0])
            assert abs(value - float(re.match(r"[\d.]+", text)[0])) <= 0.05
            shown += 1
        csv = read_rows(REFERENCE / run_of / f"tables/table{number}.csv")
        reproduced = sum(bool(row["reproduced"] and row["column"] != "Iter") for row in csv)
        assert len(numbers_in(table, "reproduced")) == reproduced
    assert shown > 20


def test_a_number_tells_what_its_score_files_say(data: dict[str, Any], run: Path) -> None:
    records = read_rows(run / "tables/table1.csv")
    [janus] = [
        record
        for record in records
        if (record["system"], record["row"], record["column"]) == ("JANUS (paper)", "JANUS-NAR", "IWSLT14 De→En")
    ]
    table = data["tables"][0]
    title = "Table 1, JANUS-NAR (JANUS (paper)), IWSLT14 De→En: reproduced"
    [name] = [one for _, one in numbers_in(table, "reproduced") if data["numbers"][one]["title"] == title]
    assert dict(data["numbers"][name]["facts"])["Value"].startswith(f"{janus['reproduced']} ± ")
    told = data["numbers"][name]
    assert [one["title"] for one in told["runs"]] == ["Seed 1", "Seed 2"]
    folder = "demo.iwslt14.de-en/janus-paper/seed-2"
    assert told["runs"][1]["records"] == [
        f"{folder}/train.json",
        "demo.iwslt14.de-en/corpus/corpus.json",
        f"{folder}/averaged.json",
        f"{folder}/decode/nar-11.bpe.json",
        f"{folder}/score/nar-11.json",
    ]
    training = data["records"][f"{folder}/train.json"]
    assert training["command"].startswith("fairseq-train results/shown/demo.iwslt14.de-en/corpus/bin ")
    assert {("Seed", "2"), ("Revision", REVISION), ("Device", "AMD EPYC (2 cores)"), ("Wall time", "13 min")} <= set(
        training["facts"]
    )
    assert ("Training data, SHA-256", f"{'d' * 64}  train.de-en.de.bin") in training["facts"]
    score = read_json(run / f"{folder}/score/nar-11.json")["scores"]["bleu_tok"]
    metrics = [value for _, value in data["records"][f"{folder}/score/nar-11.json"]["facts"]]
    assert f"bleu_tok {score['value']:.4f}  [{score['signature']}]" in metrics


def test_a_published_number_tells_where_the_paper_prints_it(data: dict[str, Any]) -> None:
    text, name = numbers_in(data["tables"][0], "published")[0]
    facts = dict(data["numbers"][name]["facts"])
    assert (facts["Value"], facts["Source"]) == (text, "Table 1 of the paper")
    assert facts["Section"] and data["numbers"][name]["runs"] == []


def test_tests_claims_and_overviews_lead_to_their_records(data: dict[str, Any]) -> None:
    [_, tests] = data["tables"][0]["companions"]
    name = tests["lines"][0]["cells"][0]["number"]
    assert data["numbers"][name]["runs"][0]["records"][-1].endswith(".json")
    assert "/compare/" in data["numbers"][name]["runs"][0]["records"][-1]
    effects = [line for line in data["claims"]["table"]["lines"] if line["labels"][0]["text"] == "ar-gain"]
    assert [line["labels"][4]["text"] for line in effects][1:] == ["demo.iwslt14.de-en", "demo.wmt16.ro-en"]
    for line in effects[1:]:
        [name] = {cell["number"] for cell in line["cells"]} - {None}
        folders = {one.split("/")[0] for run in data["numbers"][name]["runs"] for one in run["records"]}
        assert folders == {line["labels"][4]["text"]}
    [overview] = data["overviews"]
    for line in overview["table"]["lines"]:
        [name] = {cell["number"] for cell in line["cells"]}
        ends = {Path(one).name for run in data["numbers"][name]["runs"] for one in run["records"]}
        assert {"latency.json", "train.json"} <= ends


def test_the_picture_has_every_row_of_the_overview_where_its_values_are(run: Path) -> None:
    rows = read_rows(run / "figures/zoo.csv")
    for one in scatters(run / "figures/zoo.csv", {}):
        own = [row for row in rows if row["batch_size"] == one["batch"]]
        points = {point["label"]: point for point in one["points"]}
        assert points.keys() == {row["label"] for row in own}
        for row, key, sign in ((row, key, sign) for row in own for key, sign in (("speed", 1), ("quality", -1))):
            place = "x" if key == "speed" else "y"
            for other in own:
                apart = float(row[key]) - float(other[key])
                drawn = points[row["label"]][place] - points[other["label"]][place]
                assert apart * drawn * sign >= 0
        assert {label for label, point in points.items() if point["front"]} == {
            row["label"] for row in own if row["on_front"] == "True"
        }
        places = [(point["x"], point["y"]) for point in points.values()]
        assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in places)
        assert all(0 < tick["at"] < WIDTH for tick in one["across"]) and one["up"]


def test_the_status_says_what_is_missing_and_what_made_the_rest(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "shown")
    folder = copy / "demo.wmt16.ro-en"
    (folder / "cmlm/seed-2/train.json").unlink()
    (folder / "transformer/seed-1/score/ar.json").unlink()
    dirty = copy / "demo.iwslt14.de-en/cmlm/seed-1/train.json"
    write_json(dirty, read_json(dirty) | {"revision": f"{REVISION}-dirty"})
    state = gather(copy, planned=planned_rows(tier(), SYSTEMS))["status"]
    rows = {(row["corpus"], row["system"]): row for row in state["rows"]}
    assert len(rows) == 6 and state["done"] == 4
    cmlm, transformer = (rows["demo.wmt16.ro-en", system] for system in ("cmlm", "transformer"))
    assert (cmlm["state"], cmlm["seeds"], cmlm["missing"]) == ("under way", "1 of 2", "")
    assert (transformer["seeds"], transformer["missing"]) == ("2 of 2", "ar")
    assert {"revision": REVISION, "dirty": True, "records": 1} in state["revisions"]


def test_the_status_has_rows_without_a_training_of_their_own(run: Path, tmp_path: Path) -> None:
    given = {"label": "Theirs", "manners": ["nar"]}
    rows = {
        "outputs": given | {"hypotheses": {"files": "theirs.txt", "tokenised": True, "passes": 10}},
        "checkpoint": given | {"checkpoint": "{seed}.pt", "method": "cmlm"},
        "second": {**SYSTEMS["cmlm"], "label": "Second", "trained_by": "cmlm"},
    }
    systems = SYSTEMS | {name: {"trained_by": "", "start": "", "stage": "task", **row} for name, row in rows.items()}
    changed, iwslt = tier(), "demo.iwslt14.de-en"
    changed["tables"]["table1"] = {
        "systems": ["cmlm", *rows],
        "columns": {iwslt: "De→En", f"{iwslt}@news": "News"},
    }
    changed["overviews"], changed["figures"] = {}, {}
    planned = planned_rows(changed, systems)
    said = {(row["corpus"], row["system"]): (row["from"], row["seeds"]) for row in planned}
    trained = (f"trained as cmlm on {iwslt}", [1, 2])
    assert said == {
        (iwslt, "cmlm"): ("", [1, 2]),
        (iwslt, "outputs"): ("outputs given", [1]),
        (iwslt, "checkpoint"): ("checkpoint given", [1, 2]),
        (iwslt, "second"): trained,
        (f"{iwslt}@news", "cmlm"): trained,
        (f"{iwslt}@news", "outputs"): ("outputs given", [1]),
        (f"{iwslt}@news", "checkpoint"): ("checkpoint given", [1, 2]),
        (f"{iwslt}@news", "second"): trained,
    }
    copy = shutil.copytree(run, tmp_path / "shown")
    [(mode, *_)] = {tuple(row["modes"]) for row in planned if row["system"] == "outputs"}
    for name, seeds in (("outputs", [1]), ("checkpoint", [1])):
        for seed in seeds:
            write_json(copy / iwslt / name / f"seed-{seed}/score/{mode}.json", {"scores": {}})
    data = gather(copy, planned=planned)
    state = {(row["corpus"], row["system"]): row for row in data["status"]["rows"]}
    outputs, checkpoint = state[iwslt, "outputs"], state[iwslt, "checkpoint"]
    assert (outputs["state"], outputs["seeds"], outputs["modes"]) == ("finished", "1 of 1", mode)
    assert (checkpoint["state"], checkpoint["seeds"], checkpoint["missing"]) == ("under way", "1 of 2", mode)
    assert state[f"{iwslt}@news", "second"]["state"] == "not begun"
    page = lxml.html.fromstring(render(data))
    shown = [row.text_content() for row in page.xpath("//section[@id='status']//tbody/tr")]
    assert ["finished" in row for row in shown if "Theirs outputs given" in row] == [True, False]
    unplanned = {row["system"] for row in gather(copy)["status"]["rows"]}
    assert {"outputs", "checkpoint", "cmlm"} <= unplanned and "second" not in unplanned


def test_refined_sentences_are_those_of_the_file(data: dict[str, Any], run: Path) -> None:
    assert [one["title"] for one in data["refinements"]][:2] == [
        "cmlm, nar-11, seed 1, demo.iwslt14.de-en",
        "cmlm, nar-11, seed 2, demo.iwslt14.de-en",
    ]
    sentence = data["refinements"][0]["sentences"][1]
    assert sentence["source"].startswith("noch einer") and len(sentence["passes"]) == 2
    assert sentence["passes"][1]["probabilities"] == [0.9, 0.5123, 0.75]


UNEQUAL = {"subwords": ["b"], "probabilities": [], "masked": [], "changed": []}


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", json.dumps({"source": "a", "outputs": [{"text": "b", "passes": [UNEQUAL]}]})]
)
def test_a_file_that_holds_no_refined_sentences_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "run/c/s/seed-1/decode/nar-2.steps.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(line + "\n")
    with pytest.raises(InputError, match=r"nar-2\.steps\.jsonl:1: not a refined sentence"):
        refinements(tmp_path / "run")


def test_the_attention_of_the_page_is_that_of_figure_2(page: lxml.html.HtmlElement) -> None:
    rows = page.xpath("//table[@id='matrix']/tbody/tr")
    drawn = [[bool(cell.get("class")) for cell in row.xpath("td")] for row in rows]
    assert drawn == attention_matrix().sees.tolist()


def test_the_audit_is_whole(page: lxml.html.HtmlElement) -> None:
    places = page.xpath("//section[@id='audit']//tbody/tr/th/text()")
    assert sorted(places) == sorted(finding.place for finding in audit(load_published(PUBLISHED)))


def test_the_markup_holds_together(page: lxml.html.HtmlElement) -> None:
    names = page.xpath("//@id")
    assert len(names) == len(set(names))
    targets = [link.removeprefix("#") for link in page.xpath("//a/@href") if link.startswith("#")]
    assert targets and set(targets) <= set(names)
    assert set(page.xpath("//@aria-labelledby")) <= set(names)
    levels = [int(head.tag[1]) for head in page.xpath("//*[self::h1 or self::h2 or self::h3 or self::h4]")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:]))
    assert not page.xpath("//th[not(@scope)]") and not page.xpath("//img[not(@alt)]")
    assert page.xpath("//html/@lang") == ["en"] and page.xpath("//table[not(caption)]") == []
    for table in page.xpath("//table"):
        widths = {sum(int(cell.get("colspan", 1)) for cell in row) for row in table.xpath("tbody/tr")}
        head = sum(int(cell.get("colspan", 1)) for cell in table.xpath("thead/tr[1]/th"))
        assert widths <= {head}


def test_nothing_of_the_page_lies_outside_it(page: lxml.html.HtmlElement) -> None:
    loaded = page.xpath("//@src") + page.xpath("//link/@href") + page.xpath("//@data-src")
    assert all(address.startswith("data:") for address in loaded)
    assert "@import" not in page.xpath("string(//style)") and "url(" not in page.xpath("string(//style)")


def test_no_text_of_a_run_is_markup(data: dict[str, Any], page: lxml.html.HtmlElement) -> None:
    assert EVIL in page.text_content()
    assert len(page.xpath("//script")) == 2 and not page.xpath("//img[@onerror]")
    assert json.loads(page.xpath("string(//script[@id='data'])"))["numbers"] == json.loads(json.dumps(data["numbers"]))


def test_the_files_are_the_same_twice_and_name_no_folder_of_the_machine(run: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_page(run, tmp_path / name / "shown.html", tmp_path / name / "shown.zip")
    for name in ("shown.html", "shown.zip"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    with zipfile.ZipFile(tmp_path / "a/shown.zip") as packed:
        texts = {name: packed.read(name).decode("utf-8", "replace") for name in packed.namelist()}
    assert texts["shown/shown.html"] == (tmp_path / "a/shown.html").read_text(encoding="utf-8")
    told = json.loads(texts["shown/data.json"])
    assert {f"shown/{name}" for name in told["records"]} | {
        "shown/tables/table1.csv",
        "shown/figures/zoo.svg",
    } <= texts.keys()
    hidden = [name for name, text in texts.items() if "/home/somebody" in text or f"{run.parents[1]}/" in text]
    assert hidden == []


def test_the_command_writes_the_page_and_says_where(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(run), "--write", str(tmp_path / "page")]) == 0
    assert "6 of 6 rows finished" in capsys.readouterr().out
    assert (tmp_path / "page.html").is_file() and (tmp_path / "page.zip").is_file()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nowhere"], "nowhere: no tables; give the folder of a run"),
        (["nowhere", "--configfile", "no.yaml"], "no.yaml: cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    words: list[str],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", *words]) == 1
    error = capsys.readouterr().err
    assert error.startswith(complaint) and error.count("\n") == 1


def test_a_broken_record_is_named(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "shown")
    (copy / "demo.iwslt14.de-en/cmlm/seed-1/averaged.json").write_text("{")
    with pytest.raises(InputError, match=r"cmlm/seed-1/averaged\.json"):
        gather(copy)


def test_a_table_of_ones_own_is_shown_with_its_numbers_and_companions(run: Path, tmp_path: Path) -> None:
    own = tmp_path / "shown"
    shutil.copytree(run, own)
    score = str(next(own.glob("*/*/seed-1/score/*.json")))
    cell = {"row": "theirs", "variant": "Theirs, AR", "score_files": {"1": score}}
    cells = [cell | {"column": column} for column in ("News", "News of the day")]
    write_json(own / "tables/domains.json", {"table": "domains", "cells": cells, "tier": "shown"})
    heads = ["Row", "System", "News BLEU", "News of the day BLEU"]
    line = ["theirs", "Theirs, AR¶", "1.00 (p = 0.002)¶", "2.00¶"]
    for name in ("domains", "domains-metrics"):
        grid = markdown_grid(heads, [":---", ":---", "---:", "---:"], [line])
        (own / f"tables/{name}.md").write_text(f"**German to English**\n\n{grid}\n", encoding="utf-8")
    table = gather(own)["tables"][-1]
    assert (table["name"], table["caption"]) == ("domains", "German to English")
    assert [one["name"] for one in table["companions"]] == ["domains-metrics"]
    [shown] = table["lines"]
    assert [(one["text"], one["more"]) for one in shown["cells"]] == [("1.00", " (p = 0.002)¶"), ("2.00¶", "")]
    assert len({one["number"] for one in shown["cells"]} - {None}) == 2
