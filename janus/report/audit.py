"""The published numbers checked against each other: averages, speed-ups, tables against tables, text against tables."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from pathlib import Path

from janus.errors import InputError
from janus.files import atomic_writer
from janus.report.csvfile import to_csv, to_markdown
from janus.report.published import Published, place_of
from janus.report.text_claims import AGREES, CONTRADICTS, LOOSE, UNCHECKED, check_claim

VERDICTS = {
    CONTRADICTS: "the paper's numbers contradict this one",
    LOOSE: "right in direction, but not the number that the others give",
    AGREES: "confirmed by the paper's other numbers",
    UNCHECKED: "stated, with nothing in the tables to check it against",
}


@dataclass(frozen=True)
class Finding:
    """One check: the place, the paper's statement, what its other numbers give, the verdict (a key of VERDICTS)."""

    place: str
    claim: str
    computed: str
    verdict: str

    def __str__(self) -> str:
        return f"{self.verdict}: {self.place}: {self.claim} | {self.computed}"


def audit(published: Published) -> list[Finding]:
    """All checks of the published numbers: tables first, then the text in its order."""
    return [
        *(finding for table in published.tables() for finding in _overall(published, table)),
        *(finding for table in published.tables() for finding in _speed_ups(published, table)),
        *_same_cells(published),
        *_text(published),
    ]


def write_findings(findings: Sequence[Finding], stem: Path) -> None:
    """Write the findings as `<stem>.csv` and `<stem>.md`."""
    columns = [field.name for field in fields(Finding)]
    rows = [asdict(finding) for finding in findings]
    legend = "".join(f"- **{verdict}**: {meaning}\n" for verdict, meaning in VERDICTS.items())
    head = f"# The published numbers against each other\n\n{summary(findings)}\n\n{legend}\n"
    for suffix, text in ((".csv", to_csv(columns, rows)), (".md", head + to_markdown(columns, rows))):
        with atomic_writer(stem.with_name(stem.name + suffix)) as stream:
            stream.write(text)


def summary(findings: Sequence[Finding]) -> str:
    """One line that counts the verdicts."""
    counts = {verdict: sum(finding.verdict == verdict for finding in findings) for verdict in VERDICTS}
    return f"{len(findings)} checks: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items())


def _overall(published: Published, table: int) -> list[Finding]:
    """OVERALL is the plain mean of the other score columns (GLGE's definition)."""
    findings = []
    if "OVERALL" not in published.columns(table):
        return []
    columns = [column for column in published.score_columns(table) if column != "OVERALL"]
    for row in published.rows(table):
        printed = published.find(table, row, "OVERALL")
        values = [published.find(table, row, column).value for column in columns]
        if printed.value is None or None in values:
            continue
        mean = sum(values, Decimal(0)) / len(values)
        verdict, how = _compare(printed.value, mean)
        findings.append(Finding(printed.place, f"OVERALL {printed.value}", f"mean {mean:.4f}{how}", verdict))
    return findings


def _speed_ups(published: Published, table: int) -> list[Finding]:
    """A speed-up is the latency of the row printed as 1.0 over the row's own."""
    if "Speed-up" not in published.columns(table):
        return []
    cells = {row: published.find(table, row, "Speed-up") for row in published.rows(table)}
    latencies = {row: published.find(table, row, "Latency (ms/sample)").value for row in cells}
    printed = {row: cell for row, cell in cells.items() if cell.value is not None}
    base = next((row for row, cell in printed.items() if cell.value == 1), None)
    if base is None or any(not latencies[row] for row in printed):
        raise InputError(
            "a speed-up without its latency, or no row printed as 1.0",
            where=f"table{table}.csv",
            fix="give each row with a speed-up its latency, and the base its 1.0",
        )
    findings = []
    for row, cell in printed.items():
        ratio = latencies[base] / latencies[row]
        verdict, how = _compare(cell.value, ratio)
        computed = f"{latencies[base]} / {latencies[row]} = {ratio:.3f}{how}"
        findings.append(Finding(cell.place, f"{cell.value} times", computed, verdict))
    return findings


def _compare(printed: Decimal, exact: Decimal) -> tuple[str, str]:
    """Whether `printed` is `exact` rounded to its digits, truncated, or neither."""
    if exact.quantize(printed, ROUND_HALF_UP) == printed:
        return AGREES, ""
    if exact.quantize(printed, ROUND_DOWN) == printed:
        return LOOSE, ", printed truncated"
    return CONTRADICTS, ""


def _same_cells(published: Published) -> list[Finding]:
    """Numbers that two tables print for the same run."""
    findings = []
    for pair in published.same:
        left, right = (published.find(*place_of(reference, "same.csv")) for reference in pair)
        verdict = AGREES if left.value == right.value else CONTRADICTS
        findings.append(Finding(left.place, str(left.value), f"{right.value} in {right.place}", verdict))
    return findings


def _text(published: Published) -> list[Finding]:
    findings = []
    for claim in published.claims.values():
        verdict, computed = check_claim(claim, published)
        section = claim.section if claim.section == "Abstract" else f"section {claim.section}"
        value = f" [{claim.value}]" if claim.value else ""
        note = f" ({claim.note})" if claim.note else ""
        findings.append(Finding(f"{section}, {claim.id}", f"“{claim.claim}”{value}", computed + note, verdict))
    return findings
