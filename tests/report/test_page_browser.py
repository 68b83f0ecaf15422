"""The page of a run in headless Chromium: no error, no network, no overflow, and every number can be asked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, Page, chromium
from report.shown_run import EVIL, REVISION, SYSTEMS, tier

from janus.files import sha256
from janus.report.page.plan import command_of, planned_rows
from janus.report.page.write import write_page
from janus.report.visibility import attention_matrix

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (Debian: apt-get install chromium)"),
]
FIRST = "#table1 td.reproduced button"
# The least contrast of any text with what lies behind it, and that text.
CONTRAST = """
(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const behind = (one) => {
    for (let place = one; place; place = place.parentElement) {
      const colour = parts(getComputedStyle(place).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  let least = [99, ""];
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || one.closest("svg, script, style, noscript, .hidden") || !one.checkVisibility()) continue;
    const style = getComputedStyle(one);
    const [a, b] = [luminance(parts(style.color)), luminance(behind(one))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < least[0]) least = [contrast, `${one.tagName} ${one.className} ${one.textContent.slice(0, 40)}`];
  }
  return least;
})()
"""


@pytest.fixture(scope="module")
def file(shown_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    named = {"planned": planned_rows(tier(), SYSTEMS), "command": command_of("shown", ["config/shown.yaml"])}
    write_page(shown_run, folder / "shown.html", folder / "shown.zip", **named)
    return folder / "shown.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def page(browser: Page, file: Path) -> Page:
    browser.open(file)
    return browser


@pytest.fixture(autouse=True)
def no_complaint(browser: Page, file: Path) -> Iterator[None]:
    """Whatever a test does: the console stays empty, and nothing but the file itself is asked for."""
    yield
    assert browser.errors == []
    assert {address for address in browser.requests if not address.startswith("data:")} <= {file.as_uri()}


def text_of(page: Page, selector: str) -> str:
    return page.evaluate(f"document.querySelector({selector!r}).innerText")


def is_open(page: Page) -> bool:
    return page.evaluate("document.getElementById('panel').open")


def test_a_complaint_and_a_request_would_be_noticed(tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<script>console.error('oh'); fetch('http://example.org/x').catch(() => 0); nothing();</script>")
    with chromium(tmp_path / "profile") as other:
        other.open(bad)
        other.evaluate("new Promise((done) => setTimeout(done, 100))")
        assert len(other.errors) >= 2 and "http://example.org/x" in other.requests


@pytest.mark.parametrize("width", [320, 400, 1280])
def test_no_width_makes_the_page_wider_than_the_window(browser: Page, file: Path, width: int) -> None:
    browser.open(file, width=width)
    browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_every_link_into_the_page_finds_its_place(page: Page) -> None:
    lost = (
        "[...document.links].map((a) => a.getAttribute('href'))"
        ".filter((to) => to[0] === '#' && !document.getElementById(to.slice(1)))"
    )
    assert page.evaluate(lost) == []
    assert page.evaluate("[...document.links].filter((a) => a.hash && a.protocol === 'file:').length") >= 7


def test_a_pressed_number_shows_where_it_comes_from(page: Page, shown_run: Path) -> None:
    page.click(FIRST)
    assert is_open(page)
    told = text_of(page, "#panel")
    folder = shown_run / "demo.iwslt14.de-en"
    for part in (
        "snakemake --cores all --configfile config/shown.yaml results/shown/demo.iwslt14.de-en/transformer/seed-1/",
        "fairseq-train results/shown/demo.iwslt14.de-en/corpus/bin",
        "Seed 2",
        REVISION,
        "AMD EPYC (2 cores)",
        "13 min",
        f"{'0' * 64} tok/train.de",
    ):
        assert part in told, part
    page.evaluate("document.querySelectorAll('#panel details').forEach((one) => { one.open = true; })")
    assert sha256(folder / "transformer/seed-1/decode/ar.bpe") in text_of(page, "#panel")


def test_every_number_of_the_page_can_be_asked(page: Page) -> None:
    asked = page.evaluate(
        "(() => { const all = [...document.querySelectorAll('[data-number]')]; let told = 0;"
        " for (const one of all) { showNumber(one.dataset.number);"
        " told += panel.innerText.length > 40; panel.close(); }"
        " return [all.length, told]; })()"
    )
    assert asked[0] == asked[1] > 100


def test_the_keyboard_reaches_numbers_and_closes_the_panel(page: Page) -> None:
    page.evaluate(f"document.querySelector({FIRST!r}).closest('table').querySelector('button[tabindex=\"0\"]').focus()")
    assert page.evaluate("document.querySelectorAll('#table1 button[tabindex=\"0\"]').length") == 1
    first = page.evaluate("document.activeElement.dataset.number")
    page.press("ArrowRight")
    second = page.evaluate("document.activeElement.dataset.number")
    assert second != first
    page.press("Enter")
    assert is_open(page)
    page.press("Escape")
    assert not is_open(page) and page.evaluate("document.activeElement.dataset.number") == second


def test_a_mark_of_the_picture_tells_its_row_and_where_it_comes_from(page: Page) -> None:
    page.evaluate("document.querySelector('.scatter .point[tabindex=\"0\"]').focus()")
    page.press("ArrowRight")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert text_of(page, ".scatter .told") == label
    page.press("Enter")
    assert is_open(page) and text_of(page, "#panel-head").split(":")[0] == label.split(":")[0]


def test_the_attention_names_what_a_row_sees(page: Page) -> None:
    matrix = attention_matrix()
    page.evaluate("document.querySelector('#matrix tbody tr').focus()")
    for row in range(3):
        count = int(matrix.sees[row].sum())
        assert f"sees {count} of {len(matrix.column_labels)}" in text_of(page, "#attention-told")
        page.press("ArrowDown")
    page.click("#matrix thead th:nth-child(2)")
    assert f"seen by {int(matrix.sees[:, 0].sum())} of {len(matrix.row_labels)}" in text_of(page, "#attention-told")


def test_refinement_shows_what_each_pass_wrote(page: Page) -> None:
    passes = page.evaluate("[...document.querySelectorAll('#passes .count')].map((one) => one.textContent)")
    assert passes == ["masked 3 of 3, changed 0, least sure 25 %", "masked 1 of 3, changed 1, least sure 75 %"]
    page.evaluate("document.querySelectorAll('#passes li')[1].querySelectorAll('button')[2].focus()")
    assert text_of(page, "#refined-told") == "Place 3: pass 1 dog (25 %), pass 2 runs (75 %)."
    page.evaluate("(() => { const one = document.getElementById('refined-sentence'); one.value = '1';"
                  " one.dispatchEvent(new Event('change')); })()")  # fmt: skip
    assert text_of(page, "#refined-text dd") == f"noch einer {EVIL}"


def test_no_text_of_a_run_acts(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate("document.title") == "JANUS, reproduced: shown"
    assert page.evaluate("document.querySelectorAll('[onerror]').length") == 0


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out_from_its_ground(browser: Page, file: Path, dark: bool) -> None:
    browser.open(file, dark=dark)
    browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    grounds = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert grounds == ("rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)")
    browser.click(FIRST)
    least: list[Any] = browser.evaluate(CONTRAST)
    assert least[0] >= 4.5, least


def test_paper_shows_everything_and_cuts_nothing(browser: Page, file: Path, tmp_path: Path) -> None:
    browser.open(file)
    browser.pdf(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    # A4 across, less its margins, at 96 dots an inch.
    browser.open(file, width=1031, media="print")
    browser.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.evaluate("document.querySelectorAll('main details:not([open])').length") == 0
    assert browser.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    wide = (
        "[...document.querySelectorAll('table')]"
        ".filter((one) => one.getBoundingClientRect().right > 1031).map((one) => one.id)"
    )
    assert browser.evaluate(wide) == []
    browser.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert browser.evaluate("document.querySelectorAll('main details:not([open])').length") > 0
