"""The paper's `Iter`: the release's loop runs from 0 to k, so Iter k is k + 1 decoder passes."""


def iteration_of(passes: float) -> float:
    """The Iter of a number of decoder passes."""
    return passes - 1


def passes_of(iteration: float) -> float:
    """The decoder passes of an Iter."""
    return iteration + 1


def column_of(passes: int) -> str:
    """The head of the column of a number of decoder passes in a table of passes."""
    return f"Iter={iteration_of(passes)}"
