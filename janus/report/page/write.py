"""Write the page of a run, and one archive of it with its data."""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from janus.files import atomic_path, atomic_writer
from janus.records.evidence import without_absolute_paths
from janus.report.page.gather import gather
from janus.report.page.render import render

# The same run gives the same bytes.
_TIME = (1980, 1, 1, 0, 0, 0)
_PRODUCTS = ("tables/*", "figures/*")
# Text that holds paths.
_RECORDS = {".json", ".csv"}


def write_page(
    run: Path,
    page: Path,
    archive: Path,
    *,
    planned: Sequence[Mapping[str, Any]] | None = None,
    command: str = "",
) -> dict[str, Any]:
    """Write `page`, one HTML file, and `archive`, a ZIP of it, its data, tables, figures and the records behind them.

    The arguments and errors are those of `gather`, whose data is returned.
    """
    run = Path(run)
    data = gather(run, planned=planned, command=command)
    text = render(data)
    with atomic_writer(page) as stream:
        stream.write(text)
    with atomic_path(archive) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in _members(run, page.name, text, data):
            packed.writestr(zipfile.ZipInfo(f"{archive.stem}/{name}", _TIME), content, zipfile.ZIP_DEFLATED)
    return data


def _members(run: Path, page: str, text: str, data: Mapping[str, Any]) -> Iterator[tuple[str, str | bytes]]:
    yield page, text
    yield "data.json", json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    products = [path for pattern in _PRODUCTS for path in sorted(run.glob(pattern)) if path.is_file()]
    records = [run / name for name in sorted(data["records"]) if (run / name).is_file()]
    for path in [*products, *records]:
        name = str(path.relative_to(run))
        if path.suffix in _RECORDS:
            yield name, without_absolute_paths(path.read_text(encoding="utf-8"), run)
        else:
            yield name, path.read_bytes()
