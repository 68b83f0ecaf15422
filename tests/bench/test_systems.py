"""Every row of the training benchmark trains, and rows that should compute the same loss do."""

import pytest
import torch

from janus.bench.systems import SYSTEMS, ladder, multiply_adds, prepare_update
from janus.bench.workshop import IWSLT, TINY, Workshop

ROWS = {system.name: system for system in (*SYSTEMS, *ladder("cpu"))}


@pytest.fixture(scope="module")
def shop() -> Workshop:
    return Workshop(TINY, "cpu", batches=2)


@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")
@pytest.mark.parametrize("name", ROWS)
def test_an_update_moves_the_parameters(shop, name):
    system = ROWS[name]
    before = [p.detach().clone() for p in shop.model(system.model).parameters()]
    update = prepare_update(system, shop)
    for i in range(2):
        update(i)
    after = list(shop.model(system.model).parameters())
    assert all(p.isfinite().all() for p in after)
    assert any(not torch.equal(old, new) for old, new in zip(before, after))


def test_in_bfloat16(shop):
    update = prepare_update(ROWS["janus-paper"].in_bfloat16(), shop)
    update(0)
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in shop.model("janus").parameters())


def test_the_ladder_keeps_the_loss(shop):
    """Up to one encoder pass every step computes the release's loss; with dropout off, to the digit."""
    model = shop.model("janus-release").eval()
    steps = [system for system in ladder("cpu") if system.model == "janus-release"]
    assert len(steps) == 8
    losses = [system.losses(shop)(1).item() for system in steps]
    model.train()
    assert losses == pytest.approx([losses[0]] * len(losses), rel=1e-4)


def test_both_optimisers_make_the_same_step():
    """fairseq's Adam and torch's fused AdamW differ in nothing but where epsilon is added."""
    moved = {}
    for name in ("janus-paper", "janus-paper-fused"):
        shop = Workshop(TINY, "cpu", batches=1)
        shop.model("janus").eval()
        start = [p.detach().clone() for p in shop.model("janus").parameters()]
        prepare_update(ROWS[name], shop)(0)
        moved[name] = [new.detach() - old for new, old in zip(shop.model("janus").parameters(), start)]
    for name, one, other in zip(dict(shop.model("janus").named_parameters()), *moved.values()):
        # A key bias has no gradient but rounding, of epsilon's own size.
        if not name.endswith("k_proj.bias"):
            assert ((one - other).abs() <= 1e-2 * other.abs() + 1e-7).float().mean() > 0.95, name


def test_our_transformer_reads_what_fairseq_reads(shop):
    """Same weights, same batch: the plain rows of this engine give fairseq's cross entropy."""
    theirs = shop.model("transformer_iwslt_de_en")
    losses = [ROWS[name].losses(shop) for name in ("transformer-fairseq", "transformer")]
    ours = shop.model("transformer")
    # Their positions are sinusoidal and no parameters; ours are learned.
    state = {**ours.state_dict(), **{k: v for k, v in theirs.state_dict().items() if k in ours.state_dict()}}
    for side in ("encoder", "decoder"):
        table = getattr(theirs, side).embed_positions
        state[f"{side}.embed_positions.weight"] = table.get_embedding(1026, TINY.dimension, 1)
    ours.load_state_dict(state)
    theirs.eval(), ours.eval()
    theirs_loss, ours_loss = (loss(0).item() for loss in losses)
    theirs.train(), ours.train()
    # fairseq spreads the smoothing over V - 1 words, we over V.
    assert ours_loss == pytest.approx(theirs_loss, rel=1e-3)


def test_the_necessary_work_is_ordered():
    shop = Workshop(IWSLT, "cpu", batches=4)
    work = {name: multiply_adds(system, shop) for name, system in ROWS.items()}
    assert work["cmlm"] < work["transformer"] < work["janus-paper"] == work["ladder-step"]
    assert work["janus-paper"] / work["cmlm"] == pytest.approx(2.45, abs=0.05)
