"""The decoder positions of a target and which of them see each other (paper section 3.1, Figure 2).

A target y_0 … y_T (y_0 = bos, y_T = eos) with masked places S gives six kinds of positions, all in one decoder pass:

    A_i  AR content   token y_i   sees A_k, k <= i
    Q_i  AR query     mask        sees A_k, k <= i                              predicts y_{i+1}
    V_j  observed     y_j         sees all V, all K
    K_j  masked       mask        sees all V, all K                             predicts y_j (NAR)
    G_j  gold         y_j, j in S sees all V; K_k, k > j; G_k, k <= j
    X_j  AUX query    mask        sees all V; K_k, k >= j; G_k, k < j           predicts y_j (AUX)

A, V, K and G are content: they provide keys and values. Q and X are queries only. With the content of a sentence in the
order A, V, K, G, each by place, every row sees at most two intervals of it. AR rows see A up to their own place. All
others see V, and a window of the width of S that slides from K into G:

    V_j, K_j   all K
    X_j        from K_j to the last K, then the G before G_j
    G_j        from the place after K_j to the last K, then the G up to G_j

Axes: B sentences, T target places, P decoder rows of the batch, C of them content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from janus.model.rows import DecoderRows, Read

AR_CONTENT, AR_QUERY, OBSERVED, MASKED, GOLD, AUX_QUERY = range(6)
_CONTENT = (AR_CONTENT, OBSERVED, MASKED, GOLD)


def visible(query_kind: Tensor, query_place: Tensor, key_kind: Tensor, key_place: Tensor) -> Tensor:
    """Whether a query position sees a key position of its own sentence: the closed form of the table above.

    All arguments broadcast against each other; the result is boolean in their common shape.
    """
    causal = (query_kind <= AR_QUERY) & (key_kind == AR_CONTENT) & (key_place <= query_place)
    sees_observed = key_kind == OBSERVED
    later_mask = (key_place > query_place) | ((query_kind == AUX_QUERY) & (key_place == query_place))
    sees_mask = (key_kind == MASKED) & ((query_kind <= MASKED) | later_mask)
    earlier_gold = (key_place < query_place) | ((query_kind == GOLD) & (key_place == query_place))
    sees_gold = (key_kind == GOLD) & (query_kind >= GOLD) & earlier_gold
    bidirectional = (query_kind >= OBSERVED) & (sees_observed | sees_mask | sees_gold)
    return causal | bidirectional


def pack_streams(
    target: Tensor,
    masked: Tensor,
    *,
    pad: int,
    mask: int,
    ar: bool = True,
    nar: bool = True,
    aux: bool = True,
    query_position: str = "own",
    ar_readout: str = "query",
    corrupted: Tensor | None = None,
) -> DecoderRows:
    """Lay out the decoder rows of a batch, without a loop over sentences.

    `kind` and `place` of a row are those of the table above. `read` has an entry for each requested stream: `ar`, whose
    `masked` are its entries at masked tokens, so that entry m of rows[masked] there, of `nar` and of `aux` refers to
    the same token; `nar`; `aux`; and `corrected` if `corrupted` is given.

    target: [B, T] bos … eos, right-padded. masked: [B, T] boolean, never at bos, eos or padding.
    ar, nar, aux: the streams a loss reads; AUX needs the masked rows as context, so it includes V and K.
    query_position: the position of the AR query that predicts y_{i+1}: `own` is i+1 (paper, section 3.1: a fully
    masked sentence), `previous` is i (the authors' release).
    ar_readout: the rows that predict y_{i+1}: `query`, the Q_i of the table; `content`, the A_i themselves, as in a
    plain Transformer, which then has no Q.
    corrupted: [B, T] boolean, observed places whose token a correction loss replaces and reads.
    """
    present = target.ne(pad)
    last = present & ~torch.cat([present[:, 1:], present.new_zeros(present.size(0), 1)], 1)
    none = torch.zeros_like(present)
    grids = {
        AR_CONTENT: present & ~last if ar else none,
        OBSERVED: present & ~masked if nar or aux else none,
        MASKED: masked if nar or aux else none,
        GOLD: masked if aux else none,
        AR_QUERY: present & ~last if ar and ar_readout == "query" else none,
        AUX_QUERY: masked if aux else none,
    }
    content = _rows({k: grids[k] for k in _CONTENT})
    queries = _rows({k: grids[k] for k in (AR_QUERY, AUX_QUERY)})
    sentence, place, kind = (torch.cat(pair) for pair in zip(content, queries))

    shows_mask = (kind == MASKED) | (kind == AR_QUERY) | (kind == AUX_QUERY)
    token = torch.where(shows_mask, mask, target[sentence, place])
    position = place + (kind == AR_QUERY) if query_position == "own" else place
    reads_next = kind == (AR_QUERY if ar_readout == "query" else AR_CONTENT)
    label = target[sentence, torch.where(reads_next, place + 1, place)]

    read = {}
    if ar:
        rows = _where(reads_next)
        predicts_masked = masked[sentence[rows], place[rows] + 1]
        read["ar"] = Read(rows, label[rows], _where(predicts_masked))
    if nar:
        read["nar"] = _read(kind == MASKED, label)
    if aux:
        read["aux"] = _read(kind == AUX_QUERY, label)
    if corrupted is not None:
        read["corrected"] = _read((kind == OBSERVED) & corrupted[sentence, place], label)
    return DecoderRows(
        token=token,
        position=position,
        kind=kind,
        place=place,
        sentence=sentence,
        source=sentence,
        content=content[0].numel(),
        sentences=target.size(0),
        spans=_spans(kind, place, sentence, content[0].numel(), target.size(0)),
        second_encoding=kind > AR_QUERY,
        read=read,
    )


def pack_left_to_right(
    target: Tensor, *, pad: int, mask: int, query_position: str = "own", ar_readout: str = "content"
) -> DecoderRows:
    """The AR stream alone, as `pack_streams` lays it out for targets [B, T]."""
    none = torch.zeros_like(target, dtype=torch.bool)
    return pack_streams(
        target, none, pad=pad, mask=mask, nar=False, aux=False, query_position=query_position, ar_readout=ar_readout
    )


def pack_canvas(canvas: Tensor, source: Tensor, *, pad: int, mask: int, read_all: bool = False) -> DecoderRows:
    """The rows of mask-predict canvases: only observed and masked positions, as at inference (section 3.1, NAR).

    canvas: [B, T] tokens, `mask` where a token is still to be predicted, right-padded.
    source: [B] the source sentence of each canvas, so that the candidates of a length beam share one encoder pass.
    read_all: read the prediction at every cell between bos and eos, not only at the masked ones; the rows are then
    in `corrected` (observed) and `nar` (masked).
    """
    inner = torch.zeros_like(canvas, dtype=torch.bool)
    inner[:, 1:-1] = canvas[:, 2:].ne(pad)
    streams = pack_streams(
        canvas,
        canvas.eq(mask) & inner,
        pad=pad,
        mask=mask,
        ar=False,
        aux=False,
        corrupted=inner & canvas.ne(mask) if read_all else None,
    )
    return replace(streams, source=source[streams.sentence])


def blank_cells(lengths: Tensor, *, bos: int, pad: int, eos: int, mask: int) -> Tensor:
    """Fully masked canvases [N, T] of the given lengths [N], each at least 2: bos, masks, eos, padding."""
    place = torch.arange(int(lengths.max()), device=lengths.device)
    canvas = torch.where(place < lengths[:, None], mask, pad)
    canvas[:, 0] = bos
    return canvas.scatter(1, lengths[:, None] - 1, eos)


def pack_cells(
    token: Tensor, source: Tensor, *, pad: int, mask: int, read: Mapping[str, tuple[Tensor, Tensor]]
) -> DecoderRows:
    """The rows of canvases in the order of their places, each of which sees all of its own canvas.

    Unlike in `pack_canvas`, the order does not depend on what is masked, so that two passes over a canvas draw the same
    dropout. token: [B, T] the canvas, right-padded. source: [B] the source sentence of each canvas. read: by name the
    cells [B, T] that a loss or a decoder reads, boolean, and their gold tokens [B, T].
    """
    present = token.ne(pad)
    sentence, place = present.nonzero(as_tuple=True)
    # row: [B, T] the row of a cell; first, last: [B] the rows of each canvas
    row = (present.flatten().cumsum(0) - 1).view_as(token)
    last = present.sum(1).cumsum(0)
    first = last - present.sum(1)
    spans = torch.stack([first[sentence], last[sentence], torch.zeros_like(place), torch.zeros_like(place)], 1)
    tokens = token[present]
    return DecoderRows(
        token=tokens,
        position=place,
        kind=torch.where(tokens == mask, MASKED, OBSERVED),
        place=place,
        sentence=sentence,
        source=source[sentence],
        content=tokens.numel(),
        sentences=token.size(0),
        spans=spans.int(),
        second_encoding=torch.ones_like(tokens, dtype=torch.bool),
        read={name: Read(row[cells], labels[cells]) for name, (cells, labels) in read.items()},
    )


def _spans(kind: Tensor, place: Tensor, sentence: Tensor, content: int, sentences: int) -> Tensor:
    """The intervals [P, 4] of the table above, as content rows of the batch."""
    # number: {kind: [B] rows of that kind}; first_*: [B] the first row of each part of a sentence
    per_kind = torch.bincount(sentence * 6 + kind, minlength=sentences * 6).view(-1, 6)
    number = {k: per_kind[:, k] for k in range(6)}
    in_content, in_queries = (per_kind[:, list(kinds)].sum(1) for kinds in (_CONTENT, (AR_QUERY, AUX_QUERY)))
    first_ar = in_content.cumsum(0) - in_content
    first_observed = first_ar + number[AR_CONTENT]
    first_masked = first_observed + number[OBSERVED]
    first_gold = first_masked + number[MASKED]
    first_aux = content + in_queries.cumsum(0) - in_queries + number[AR_QUERY]

    # row, slide, causal, window: [P]; slide is how far the window of a row has moved from K into G
    row = torch.arange(kind.numel(), device=kind.device)
    slide = torch.where(kind == GOLD, row - first_gold[sentence] + 1, 0)
    slide = torch.where(kind == AUX_QUERY, row - first_aux[sentence], slide)
    causal = kind <= AR_QUERY
    window = torch.where(causal, 0, first_masked[sentence] + slide)
    spans = [
        torch.where(causal, first_ar[sentence], first_observed[sentence]),
        torch.where(causal, first_ar[sentence] + place + 1, first_masked[sentence]),
        window,
        torch.where(causal, 0, window + number[MASKED][sentence]),
    ]
    return torch.stack(spans, 1).int()


def _rows(grids: dict[int, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Sentence, place and kind of every set cell of the grids [B, T], by sentence, then as given, then by place."""
    cells = [grid.nonzero(as_tuple=True) for grid in grids.values()]
    sentence = torch.cat([c[0] for c in cells])
    place = torch.cat([c[1] for c in cells])
    kind = torch.cat([torch.full_like(c[0], k) for c, k in zip(cells, grids)])
    order = torch.argsort(sentence, stable=True)
    return sentence[order], place[order], kind[order]


def _read(condition: Tensor, label: Tensor) -> Read:
    rows = _where(condition)
    return Read(rows, label[rows])


def _where(condition: Tensor) -> Tensor:
    return condition.nonzero(as_tuple=True)[0]
