"""Figure 2 as data: who sees whom in one decoder pass, row by row."""

from typing import Any

from janus.report.visibility import KINDS, READ_AS, attention_matrix


def attention() -> dict[str, Any]:
    """The matrix of Figure 2: the kinds of positions, the columns, and of each row its kind, name and what it sees."""
    matrix = attention_matrix()
    colours = {kind: place for place, kind in enumerate(sorted(set(matrix.column_kinds)))}
    return {
        "kinds": {str(kind): name for kind, name in KINDS.items()},
        "read": {str(kind): name for kind, name in READ_AS.items()},
        "columns": [
            {"kind": str(kind), "colour": colours[kind], "label": label}
            for kind, label in zip(matrix.column_kinds, matrix.column_labels, strict=True)
        ],
        "rows": [
            {"kind": str(kind), "label": label, "sees": sees}
            for kind, label, sees in zip(matrix.row_kinds, matrix.row_labels, matrix.sees.tolist(), strict=True)
        ],
    }
