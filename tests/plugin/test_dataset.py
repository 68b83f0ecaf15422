"""Packed batches: masks depend on seed, epoch and batch alone; drafts find their places."""

import torch
from fairseq.data import Dictionary, LanguagePairDataset

from janus.methods.base.batch import Symbols, rows_of
from janus.methods.base.registry import make_method
from janus.plugin.dataset import PackedDataset

WORDS = Dictionary()
SYMBOLS = Symbols(bos=0, pad=1, eos=2, unk=3)
for _i in range(20):
    WORDS.add_symbol(f"w{_i}")


def dataset(fixed: bool = False, seed: int = 1, method: str = "joint", **changes) -> PackedDataset:
    generator = torch.Generator().manual_seed(1)
    sentences = [
        torch.cat([torch.tensor([0]), torch.randint(4, 24, (n,), generator=generator), torch.tensor([2])])
        for n in (3, 9, 5, 7, 1, 12)
    ]
    sizes = [len(s) for s in sentences]
    pairs = LanguagePairDataset(sentences, sizes, WORDS, sentences, sizes, WORDS)
    made = make_method(method, {"losses": {"ar": 1, "nar": 1, "aux": 1}} | changes)

    def pack(source, target, generator):
        return made.pack(source, target, SYMBOLS, generator)

    return PackedDataset(pairs, pack, seed=seed, fixed=fixed)


def masked_places(data: PackedDataset, indices: list[int]) -> list:
    batch = data.collater([data[i] for i in indices])
    streams = rows_of(batch["packed"]["streams"])
    return list(
        zip(streams.sentence[streams.read["nar"].rows].tolist(), streams.place[streams.read["nar"].rows].tolist())
    )


def test_masks_depend_on_seed_epoch_and_batch_alone():
    one, two = dataset(), dataset()
    masked_places(two, [0, 2])
    assert masked_places(one, [1, 3, 5]) == masked_places(two, [1, 3, 5])
    before = masked_places(one, [1, 3, 5])
    one.set_epoch(2)
    assert masked_places(one, [1, 3, 5]) != before
    one.set_epoch(1)
    assert masked_places(one, [1, 3, 5]) == before
    assert masked_places(dataset(seed=2), [1, 3, 5]) != before


def test_validation_masks_stay():
    data = dataset(fixed=True)
    before = masked_places(data, [1, 3, 5])
    data.set_epoch(9)
    assert masked_places(data, [1, 3, 5]) == before


def test_unknown_words_count_as_masked():
    data = dataset()
    data.dataset.tgt[1][4] = 3
    assert (0, 4) in masked_places(data, [1])


def test_drafts_find_their_places():
    data = dataset(method="correction", losses={"nar": 1, "correction": 1}, masking={"kind": "uniform"}, corruption=0.5)
    batch = data.collater([data[i] for i in (1, 3, 5)])
    streams, draft = rows_of(batch["packed"]["streams"]), batch["packed"]["draft"]
    canvas = rows_of(draft["streams"])
    assert streams.read["corrected"].rows.numel() == draft["predictions"].numel() > 0
    rows = canvas.read["nar"].rows[draft["predictions"]]
    assert torch.equal(canvas.sentence[rows], streams.sentence[streams.read["corrected"].rows])
    assert torch.equal(canvas.place[rows], streams.place[streams.read["corrected"].rows])
    assert torch.equal(streams.read["corrected"].labels, streams.token[streams.read["corrected"].rows])
