"""The numbers that DisCo's authors' code computes on a tiny model, and that model here."""

from golden_zoo import golden_shape, read_golden

from janus.methods.base.registry import make_method

GOLDEN = read_golden("disco")
SHAPE = golden_shape(25, length_classes=64)


def weights_of(golden):
    """The authors' parameters under this suite's names; their queries, keys and values are one matrix."""
    named = {name.removeprefix("param."): value for name, value in golden.items() if name.startswith("param.")}
    shared = named["encoder.embed_tokens.weight"]
    weights = {"decoder.embed_tokens.weight": shared, "decoder.output_projection.weight": shared}
    for name, value in named.items():
        for theirs, ours in (
            ("encoder.embed_lengths", "decoder.embed_length"),
            ("layer_norms.0", "self_attn_layer_norm"),
            ("layer_norms.1", "final_layer_norm"),
            ("gamma", "weight"),
            ("beta", "bias"),
        ):
            name = name.replace(theirs, ours)
        if "in_proj_" in name:
            weights |= {name.replace("in_proj_", f"{x}_proj."): part for x, part in zip("qkv", value.chunk(3))}
        else:
            weights[name] = value
    return weights


def golden_model():
    """The authors' model."""
    method = make_method("disco", {})
    made = method.network(method.configure(SHAPE))
    made.load_state_dict(weights_of(GOLDEN))
    return made
