"""Peaks belong to the measured process alone."""

import pytest
import torch

from janus.bench.memory import keep_freed_memory, peak_of

_MIB = 1 << 20


@pytest.mark.slow
def test_the_peak_grows_by_what_is_allocated():
    ballast = torch.ones(300 * _MIB // 4)
    little, much = (peak_of(torch.ones, size * _MIB // 4, device="cpu") for size in (1, 200))
    assert 180 * _MIB < much - little < 260 * _MIB
    del ballast


def test_both_settings_are_accepted():
    keep_freed_memory(False)
    keep_freed_memory(True)
