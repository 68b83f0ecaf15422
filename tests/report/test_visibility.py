"""Figure 2 shows the matrix that training uses, for the paper's example."""

import pytest

from janus.model.streams import AR_QUERY, AUX_QUERY
from janus.report.visibility import attention_matrix, figure2


def test_the_matrix_of_the_papers_example():
    matrix = attention_matrix()
    assert matrix.sees.shape == (28, 18)

    def seen(kind: int, label: str) -> list[str]:
        rows = zip(matrix.row_kinds, matrix.row_labels, matrix.sees.tolist())
        [row] = [sees for row_kind, row_label, sees in rows if (row_kind, row_label) == (kind, label)]
        return [name for name, sees in zip(matrix.column_labels, row) if sees]

    y = {i: "y" + "₀₁₂₃₄₅₆"[i] for i in range(1, 7)}
    # Section 3.1: "m2 generates y2 according to {b, y1}"; "m5 based on context {y1, y4, y6, y2, y3, m5}".
    assert seen(AR_QUERY, f"m → {y[2]}") == ["b", y[1]]
    assert seen(AUX_QUERY, f"m → {y[5]}") == ["b", y[1], y[4], y[6], "e", "m₅", y[2], y[3]]


@pytest.mark.slow
def test_the_figure_is_written_the_same_twice(tmp_path):
    for name in ("one", "two"):
        figure2(tmp_path / name)
    for kind in ("svg", "pdf", "png"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()
