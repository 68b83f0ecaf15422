"""Decoding settings, shared by the workflow, validation and fairseq-generate, and the function that applies them."""

from __future__ import annotations

import math

from janus.decoding.beam import BeamSettings, beam_search
from janus.decoding.hypothesis import Hypothesis
from janus.decoding.mask_predict import MaskPredictSettings, mask_predict
from janus.errors import InputError
from janus.model.transformer import JanusTransformer
from janus.ragged import Source

Settings = BeamSettings | MaskPredictSettings


def decoding_settings(
    *,
    manner: str,
    beam: int = 5,
    lenpen: float = 1.0,
    max_len_a: float = 0.0,
    max_len_b: int = 200,
    passes: int = 11,
    length_beam: int = 3,
    length_candidates: str = "around",
    length_score: str = "default",
    repredict: bool = False,
    shortest: int = 1,
) -> Settings:
    """The settings of a manner: `ar` reads beam, lenpen, max_len_*; `nar` reads passes, length_* and repredict.

    `shortest`, read by both, is the least number of tokens of an output: no target of a corpus is empty. Raises
    InputError for an unknown manner and for values that `MaskPredictSettings` rejects.
    """
    if manner == "ar":
        return BeamSettings(beam=beam, length_penalty=lenpen, length_a=max_len_a, length_b=max_len_b, shortest=shortest)
    if manner == "nar":
        return MaskPredictSettings(
            passes=passes,
            length_beam=length_beam,
            repredict=repredict,
            candidates=length_candidates,
            score=length_score,
            shortest=shortest,
        )
    raise InputError(f"unknown manner {manner}", where="decoding settings", fix="use ar or nar")


def decode(
    model: JanusTransformer, source: Source, settings: Settings, *, where: object = "the model"
) -> list[list[Hypothesis]]:
    """The hypotheses of each sentence of a batch, best first: several of a beam search, one of mask-predict.

    `where` names the model in errors. Raises InputError if its probabilities are not numbers.
    """
    if isinstance(settings, BeamSettings):
        outputs = beam_search(model, source, settings)
    else:
        outputs = [[hypothesis] for hypothesis in mask_predict(model, source, settings)]
    # If probabilities are NaN, beam search finds no hypothesis, and mask-predict one with a score of NaN.
    if not all(hypotheses and math.isfinite(hypotheses[0].score) for hypotheses in outputs):
        raise InputError(
            "its probabilities are not numbers (NaN or infinite)",
            where=where,
            fix="train again, in float32 or with a lower learning rate",
        )
    return outputs
