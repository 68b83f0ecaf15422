"""The numbers of a page that tell where they come from."""

from collections.abc import Iterable
from typing import Any

from janus.report.page.records import Fact, Records


class Numbers:
    """Numbers in the order in which they are added, each with facts and, by seed, the records that it rests on."""

    def __init__(self, records: Records):
        self.records = records
        self.shown: dict[str, dict[str, Any]] = {}

    def add(self, title: str, facts: Iterable[Fact], files: Iterable[str] = ()) -> str:
        """Add a number that rests on `files` (paths as records give them); returns the name it has on the page."""
        runs: dict[str, list[str]] = {}
        for path in files:
            behind = runs.setdefault(self.records.seed_of(path), [])
            behind += [one for one in self.records.behind(path) if one not in behind]
        name = f"n{len(self.shown) + 1}"
        self.shown[name] = {
            "title": title,
            "facts": list(facts),
            "runs": [{"title": seed, "records": names} for seed, names in runs.items()],
        }
        return name
