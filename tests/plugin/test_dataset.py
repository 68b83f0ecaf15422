"""Packed batches: masks depend on seed, epoch and batch alone; drafts find their places."""

import torch
from fairseq.data import Dictionary, LanguagePairDataset

from janus.plugin.dataset import JointDataset, Packing, as_streams

WORDS = Dictionary()
for _i in range(20):
    WORDS.add_symbol(f"w{_i}")


def dataset(fixed: bool = False, **changes) -> JointDataset:
    generator = torch.Generator().manual_seed(1)
    sentences = [
        torch.cat([torch.tensor([0]), torch.randint(4, 24, (n,), generator=generator), torch.tensor([2])])
        for n in (3, 9, 5, 7, 1, 12)
    ]
    sizes = [len(s) for s in sentences]
    pairs = LanguagePairDataset(sentences, sizes, WORDS, sentences, sizes, WORDS)
    settings = dict(
        seed=1,
        pad=1,
        mask=3,
        ar=True,
        nar=True,
        aux=True,
        query_position="own",
        ar_readout="query",
        masking="span",
        budget=0.7,
        poisson=2.0,
        corruption=0.0,
    )
    return JointDataset(pairs, Packing(**{**settings, **changes}), fixed=fixed)


def masked_places(data: JointDataset, indices: list[int]) -> list:
    batch = data.collater([data[i] for i in indices])
    streams = as_streams(batch["packed"]["streams"])
    return list(zip(streams.sentence[streams.nar_rows].tolist(), streams.place[streams.nar_rows].tolist()))


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
    data = dataset(ar=False, aux=False, masking="uniform", corruption=0.5)
    batch = data.collater([data[i] for i in (1, 3, 5)])
    streams, draft = as_streams(batch["packed"]["streams"]), batch["packed"]["draft"]
    canvas = as_streams(draft["streams"])
    assert streams.corrected_rows.numel() == draft["predictions"].numel() > 0
    rows = canvas.nar_rows[draft["predictions"]]
    assert torch.equal(canvas.sentence[rows], streams.sentence[streams.corrected_rows])
    assert torch.equal(canvas.place[rows], streams.place[streams.corrected_rows])
    assert torch.equal(streams.corrected_labels, streams.token[streams.corrected_rows])
