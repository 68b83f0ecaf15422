"""The operators in C++: against the same in PyTorch and float64, and how they are compiled."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from kernels import native
from kernels.attention import native_spans
from kernels.joint_loss import native_rows, rows

ROOT = Path(__file__).resolve().parents[2]
PAIRS = [(2, 1, 3.0), (0, 1, 1.0), (2, 0, 1.0)]


def scored(function, logits, labels, weights, pairs, gradient):
    """Losses, divergences and the logits or what took their place."""
    streams, tokens, _ = logits.shape
    exact = torch.float64 if logits.dtype == torch.float64 else torch.float32
    smoothed, nll = (torch.full((streams, tokens), torch.nan, dtype=exact) for _ in range(2))
    divergence = torch.full((len(pairs), tokens), torch.nan, dtype=exact)
    logits = logits.clone()
    function(logits, labels, weights.to(exact), pairs, 0.1, smoothed, nll, divergence, gradient)
    return smoothed, nll, divergence, logits


def draw(streams, tokens, words):
    generator = torch.Generator().manual_seed(words)
    logits = 5 * torch.randn(streams, tokens, words, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, words, (streams, tokens), generator=generator)
    return logits, labels, torch.rand(streams, tokens, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("words", [1, 2, 15, 16, 17, 53, 1000])
@pytest.mark.parametrize(("streams", "pairs"), [(1, []), (3, PAIRS), (2, [(1, 0, 0.5)])])
@pytest.mark.parametrize("gradient", [False, True])
def test_scores_equal_those_of_pytorch_in_float64(words, streams, pairs, gradient):
    logits, labels, weights = draw(streams, 5, words)
    theirs = scored(rows.score_rows, logits, labels, weights, pairs, gradient)
    ours = scored(native_rows.score_rows, logits.float(), labels, weights, pairs, gradient)
    for one, other in zip(ours, theirs):
        torch.testing.assert_close(one.double(), other, rtol=2e-5, atol=2e-5)


def test_bfloat16_is_read_exactly_and_rounded_once():
    logits, labels, weights = draw(3, 5, 53)
    half = logits.bfloat16()
    theirs = scored(rows.score_rows, half.double(), labels, weights, PAIRS, True)
    ours = scored(native_rows.score_rows, half, labels, weights, PAIRS, True)
    for one, other in zip(ours[:3], theirs[:3]):
        torch.testing.assert_close(one.double(), other, rtol=2e-5, atol=2e-5)
    torch.testing.assert_close(ours[3].double(), theirs[3], rtol=2**-8, atol=1e-6)


@pytest.mark.parametrize("place", [0, 20, 52])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_logit_that_is_no_number_is_not_hidden(place, dtype):
    logits, labels, weights = draw(2, 3, 53)
    logits[1, 1, place] = torch.nan
    smoothed, nll, divergence, gradients = scored(
        native_rows.score_rows, logits.to(dtype), labels, weights, [(0, 1, 1.0)], True
    )
    for result in (smoothed[1, 1], nll[1, 1], divergence[0, 1]):
        assert result.isnan()
    assert gradients[:, 1].isnan().all()
    assert all(x[0, 0].isfinite().all() for x in (smoothed, nll, divergence, gradients))


def test_a_query_that_is_no_number_is_not_hidden():
    q, k, v = torch.randn(3, 1, 16), torch.randn(20, 1, 16), torch.randn(20, 1, 16)
    q[1, 0, 3] = torch.nan
    spans = torch.tensor([[0, 20, 0, 0]] * 3, dtype=torch.int32)
    out, _ = native_spans.forward(q, k, v, spans, 0.0, torch.zeros(1, dtype=torch.int64))
    assert out[1].isnan().all() and out[[0, 2]].isfinite().all()


def test_threads_change_no_result(monkeypatch):
    q, k, v = (torch.randn(40, 3, 24) for _ in range(3))
    spans = torch.randint(0, 41, (40, 4)).sort(1)[0].int()
    logits, labels, weights = draw(3, 33, 53)
    results = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        results.append(
            [
                *native_spans.forward(q, k, v, spans, 0.2, torch.ones(1, dtype=torch.int64)),
                *scored(native_rows.score_rows, logits.float(), labels, weights, PAIRS, True),
            ]
        )
    assert all(torch.equal(one, other) for other in results[1:] for one, other in zip(results[0], other))


def test_heads_that_are_too_wide_are_refused():
    q = torch.zeros(2, 1, 136)
    assert not native_spans.supports(q)
    with pytest.raises(ValueError, match="heads of 136 units are not supported; at most 128"):
        native_spans.forward(q, q, q, torch.zeros(2, 4, dtype=torch.int32), 0.0, torch.zeros(1, dtype=torch.int64))


def in_a_process(program, **environment):
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
    )


LOAD = "from kernels.joint_loss import native_rows; native_rows._function()"


@pytest.mark.slow
def test_a_library_is_compiled_once(tmp_path):
    first = in_a_process(LOAD, JANUS_CACHE=str(tmp_path))
    assert first.returncode == 0 and not first.stdout
    told = f"compiling C++ operators for this processor, up to a minute; they are kept in {tmp_path}\n"
    assert first.stderr == told
    [made] = tmp_path.iterdir()
    assert made.name.startswith("rows-") and made.suffix == ".so"
    again = in_a_process(LOAD, JANUS_CACHE=str(tmp_path), CXX="")
    assert again.returncode == 0 and again.stderr == "", again.stderr


@pytest.mark.slow
def test_without_a_folder_to_write_a_process_compiles_for_itself(tmp_path):
    (tmp_path / "file").write_text("")
    nowhere = {"HOME": f"{tmp_path}/file/home", "XDG_CACHE_HOME": "", "TMPDIR": str(tmp_path)}
    done = in_a_process(LOAD, **nowhere)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("compiler", "message"), [("no-such-compiler", "install a C++ compiler"), ("false", "ended with status 1")]
)
def test_a_compiler_that_is_missing_or_fails_is_named(tmp_path, compiler, message):
    done = in_a_process(LOAD, JANUS_CACHE=str(tmp_path), CXX=compiler)
    assert done.returncode and message in done.stderr and compiler in done.stderr


@pytest.mark.slow
def test_the_sources_compile_without_a_warning(tmp_path):
    for source in sorted((ROOT / "kernels").rglob("*.cpp")):
        command = ["c++", *native._FLAGS, "-Wall", "-Wextra", "-Werror", f"-I{ROOT}/kernels", str(source)]
        done = subprocess.run([*command, "-o", str(tmp_path / "out.so")], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
