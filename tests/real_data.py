"""Real data of the tests: small pieces under tests/golden, and whole sets that lie beside a checkout or nowhere."""

from pathlib import Path

import pytest

PIECES = Path(__file__).resolve().parent / "golden"
# ../shared of the checkout: too large, or under terms that keep it out of a repository.
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def needs(name: str, why: str) -> pytest.MarkDecorator:
    """Skip a test where the whole set `name` does not lie beside the checkout; `why` it is not in the repository."""
    return pytest.mark.skipif(
        not (BESIDE / name).exists(), reason=f"shared/data/{name} is not beside the checkout: {why}"
    )
