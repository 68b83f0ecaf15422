"""The typed tables against the paper's structure and, where the paper lies beside the checkout, its own lines."""

import re
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from janus.errors import InputError
from janus.report.layout import build_table
from janus.report.published import Claim, load_published

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "workflow" / "published"
PAPER = ROOT.parent / "shared" / "paper" / "janus-emnlp2022.txt"
reads_the_paper = pytest.mark.skipif(not PAPER.is_file(), reason="the paper's text lies beside a checkout, not in it")


@pytest.mark.parametrize(
    ("table", "rows", "columns", "numbers"),
    [
        (1, 11, 6, 51),
        (2, 12, 7, 66),
        (3, 2, 3, 6),
        (4, 12, 7, 66),
        (5, 12, 8, 78),
        (6, 6, 4, 18),
        (7, 3, 4, 12),
        (8, 3, 4, 12),
    ],
)
def test_every_table_is_whole(table: int, rows: int, columns: int, numbers: int) -> None:
    published = load_published(PUBLISHED)
    assert len(published.rows(table)) == rows and len(published.columns(table)) == columns
    cells = [published.find(table, row, column) for row in published.rows(table) for column in published.columns(table)]
    assert sum(cell.value is not None for cell in cells) == numbers
    assert all(cell.value is not None or cell.note for cell in cells)


@pytest.mark.parametrize(
    ("table", "row", "column", "value"),
    [
        (1, "JANUS-AR", "IWSLT14 De→En", "37.24"),
        (1, "CMLMC", "Iter", "10"),
        (2, "BART-JANUS NAR iter 10", "Speed-up", "2.5"),
        (3, "JANUS", "Iter=1", "6.8"),
        (4, "BART-JANUS NAR iter 4", "Latency (ms/sample)", "68.7"),
        (6, "AUX", "IWSLT14 De→En AR", "0.91"),
    ],
)
def test_cells_keep_the_printed_digits(table: int, row: str, column: str, value: str) -> None:
    assert str(load_published(PUBLISHED).find(table, row, column).value) == value


def paper_numbers(text: str, table: int) -> list[Decimal]:
    """The numbers with decimals on the lines of a table, which in the text stand above its caption."""
    caption = re.search(rf"^Table {table}: ", text, re.MULTILINE).start()
    begin = max(text.rfind(head, 0, caption) for head in (" Method", "Method ", "Pattern Method", "Loss IWSLT"))
    return sorted(Decimal(found) for found in re.findall(r"(?<![\d’'])\d+\.\d+", text[begin:caption]))


@reads_the_paper
@pytest.mark.parametrize("table", range(1, 9))
def test_the_numbers_are_those_of_the_paper(table: int) -> None:
    published = load_published(PUBLISHED)
    ours = [cell.value for cell in published.cells.values() if cell.table == table and cell.value is not None]
    assert sorted(value for value in ours if "." in str(value)) == paper_numbers(PAPER.read_text(), table)


@reads_the_paper
@pytest.mark.parametrize("claim", load_published(PUBLISHED).claims.values(), ids=lambda c: c.id)
def test_the_claims_are_quotes(claim: Claim) -> None:
    """In one piece, or in two where a table or a page's end cuts the paper's sentence."""

    def letters(text: str) -> str:
        return re.sub(r"[\s-]", "", text)

    quote, paper = letters(claim.claim), letters(PAPER.read_text())
    assert any(quote[:cut] in paper and quote[cut:] in paper for cut in range(20, len(quote) + 1)) or quote in paper


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PUBLISHED, tmp_path / "published"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("6.8,", "six,", "'six' is not a number"),
        ("6.8,", "nan,", "'nan' is not a number"),
        ("3,JANUS,Iter=1", "4,JANUS,Iter=1", "a record of table '4'"),
        ("3,JANUS,Iter=4", "3,JANUS,Iter=1", "given twice"),
        ("table,row", "tabel,row", "columns tabel, row"),
        (",5.1,%\n3,JANUS,Iter=4", "\n3,JANUS,Iter=4", "table3.csv:5: 4 fields for 6 columns"),
    ],
)
def test_a_broken_table_is_refused_with_its_place(folder: Path, old: str, new: str, message: str) -> None:
    path = folder / "table3.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=re.escape(message)):
        load_published(folder)


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no table<n>.csv here"):
        load_published(tmp_path)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ((9, "CMLM", "Iter"), "no such table"),
        ((1, "CMLN", "Iter"), "no such row in the paper; choose from: Transformer"),
        ((1, "CMLM", "IWSLT14 De-En"), "no such column"),
    ],
)
def test_an_unknown_place_is_named(place: tuple[int, str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_published(PUBLISHED).find(*place)


def test_a_table_says_what_its_published_rows_really_are() -> None:
    [note] = [
        note for note in build_table(1, load_published(PUBLISHED), tier="t", generated=False).notes if "GLAT" in note
    ]
    assert "GLAT, numbers of its own paper, which are for distilled data" in note
    assert "Flowseq, the large model; 30 candidates re-scored by an autoregressive model" in note
    assert not any(
        "Published rows" in note for note in build_table(6, load_published(PUBLISHED), tier="t", generated=False).notes
    )


def test_a_description_of_no_row_is_refused(folder: Path) -> None:
    with (folder / "rows.csv").open("a", encoding="utf-8") as stream:
        stream.write("1,GLATT,distilled data\n")
    with pytest.raises(InputError, match="Table 1: 'GLATT': no such row; correct its name in rows.csv"):
        load_published(folder)
