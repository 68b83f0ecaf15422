"""The tier of a rehearsal, of rows that stand on the real text."""

import pytest
from checked_tiers import DEMO, MANIFEST, SCHEMAS, SYSTEMS
from rehearsals import PROCESSOR

from janus.config.system_entries import with_entries
from janus.config.tiers import check
from janus.errors import InputError
from janus.rehearsal.narrow import narrow_tier

CORPUS = "demo.iwslt14.de-en"
GIVEN = SYSTEMS | {
    "theirs": SYSTEMS["transformer"] | {"label": "Theirs", "checkpoint": "theirs.pt"},
    "theirs-greedy": SYSTEMS["transformer"] | {"label": "Theirs (greedy)", "trained_by": "theirs"},
}


def narrowed(**changes):
    tier = check(DEMO | {"figures": {}} | changes, SCHEMAS / "tier.schema.yaml", where="demo.yaml")
    return narrow_tier(with_entries(tier, GIVEN), GIVEN, MANIFEST, PROCESSOR)


def test_rows_of_given_files_are_left_out_and_named():
    table = {"systems": ["theirs", "cmlm"], "columns": {CORPUS: "IWSLT14 De→En"}, "more": {CORPUS: ["theirs-greedy"]}}
    overview = {"title": "T", "corpus": CORPUS}
    overviews = {"own": overview | {"systems": ["theirs", "cmlm", "dat-viterbi"], "baseline": "theirs"}}
    overviews["given"] = overview | {"systems": ["theirs"], "baseline": "theirs"}
    tier, notes = narrowed(tables={"table1": table}, overviews=overviews)
    assert tier["tables"]["table1"]["systems"] == ["cmlm"] and tier["tables"]["table1"]["more"] == {}
    assert tier["overviews"] == {"own": overviews["own"] | {"systems": ["cmlm", "dat-viterbi"], "baseline": "cmlm"}}
    assert "rows of given files are left out: theirs, theirs-greedy" in notes
    # What is run is a tier like any other.
    check(tier, SCHEMAS / "tier.schema.yaml", where="narrow")


def test_a_given_teacher_is_refused():
    table = {"table1": {"systems": ["cmlm"], "columns": {f"{CORPUS}+kd": {"new": "Distilled"}}}}
    with pytest.raises(InputError, match=r"distilled\..*\+kd\.teacher: a given teacher cannot be rehearsed"):
        narrowed(tables=table, overviews={}, distilled={f"{CORPUS}+kd": {"teacher": "theirs"}})
