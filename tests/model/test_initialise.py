"""Fresh weights are drawn as fairseq draws those of its own models."""

import pytest
import torch

from janus.bench.workshop import Scale
from janus.model.transformer import JanusTransformer

SCALE = Scale(words=2000, dimension=128, ffn=256, layers=2, heads=4)


def theirs(bert: bool) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    model, _ = SCALE.fairseq("cmlm_transformer")
    if bert:
        from fairseq.modules.transformer_sentence_encoder import init_bert_params

        model.apply(init_bert_params)
    # An embedding without a padding index is zeroed by accident there: weight[None] is all of it.
    return {name: weight for name, weight in model.named_parameters() if name != "decoder.embed_length.weight"}


@pytest.mark.parametrize("bert", [False, True])
def test_every_parameter_has_the_spread_of_fairseqs(bert):
    torch.manual_seed(2)
    ours = JanusTransformer(SCALE.config())
    ours.initialise(bert=bert)
    own = dict(ours.named_parameters())
    for name, parameter in theirs(bert).items():
        assert own[name].shape == parameter.shape
        # Of n draws the spread is known to about 1 / sqrt(2n); biases have 128 and more.
        assert own[name].std().item() == pytest.approx(
            parameter.std().item(), rel=0.3 if parameter.dim() == 1 else 0.03
        ), name
        assert abs(own[name].mean() - parameter.mean()) <= 0.5 * parameter.std(), name
