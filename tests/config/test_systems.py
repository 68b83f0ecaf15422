"""What a system becomes: words that fairseq's own parsers accept and understand as meant."""

import json
from argparse import Namespace
from pathlib import Path

import pytest
from fairseq import options
from fairseq.models.transformer.transformer_legacy import transformer_iwslt_de_en

from janus.config.system_entries import load_systems, with_entries
from janus.config.systems import (
    decoding_settings,
    training_arguments,
)
from janus.config.tiers import check, read_yaml, settings
from janus.decoding.decoding import Decoding

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "workflow/schemas"
SYSTEMS = load_systems(ROOT / "config/systems.yaml", SCHEMAS)
TIERS = {
    path.stem: check(read_yaml(path), SCHEMAS / "tier.schema.yaml", where=path)
    for path in (ROOT / "config").glob("*.yaml")
    if path.stem not in ("systems", "corpora")
}


TRANSLATION = [name for name, system in SYSTEMS.items() if system["stage"] == "task" and not system["start"]]
PRETRAINING = [name for name, system in SYSTEMS.items() if system["stage"] == "pretraining"]
TUNED = [name for name, system in SYSTEMS.items() if system["stage"] == "task" and system["start"]]
TEXT, TASK = "wikipedia-bookcorpus", "xsum.src-tgt"


def words_of(system, tier="paper", corpus="iwslt14.de-en", device="cpu", *, changes=None, training=None):
    """The command line of a system; `changes` are of its entry, `training` is laid over the tier's."""
    entry, tier = SYSTEMS[system] | (changes or {}), TIERS[tier]
    start = {"start": Path("start.pt")} if entry["start"] else {}
    return training_arguments(
        entry,
        settings(tier | {"training": tier["training"] | (training or {})}, corpus=corpus, system=system),
        data=Path("bin"),
        checkpoints=Path("checkpoints"),
        source="de",
        target="en",
        block=510,
        seed=7,
        device=device,
        user_dir=ROOT / "janus/plugin",
        **start,
    )


def method_options(args):
    """The options of the method among fairseq's."""
    return json.loads(args.method_options)


def parsed(*place, **more):
    words = words_of(*place, **more)
    parser = options.get_training_parser()
    return options.parse_args_and_arch(parser, [*words])


@pytest.mark.parametrize("system", TRANSLATION)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_fairseq_understands_every_shipped_system(system, device):
    args = parsed(system, device=device)
    assert (args.source_lang, args.target_lang, args.seed) == ("de", "en", 7)
    assert (args.lr, args.warmup_updates, args.weight_decay, args.dropout) == ([5e-4], 10000, 1e-4, 0.3)
    assert (args.adam_betas, args.label_smoothing) == ("(0.9, 0.98)", 0.1)
    assert args.cpu is (device == "cpu")
    assert (args.keep_last_epochs, args.save_dir) == (5, "checkpoints")
    assert [one["manner"] for one in json.loads(args.valid_decodings)] == SYSTEMS[system]["manners"]


@pytest.mark.parametrize(
    ("system", "arch", "criterion", "task"),
    [
        ("transformer", "transformer", "label_smoothed_cross_entropy", "janus_ar_baseline"),
        ("cmlm", "cmlm_transformer", "nat_loss", "janus_cmlm_baseline"),
        ("aux", "janus_transformer", "janus", "janus"),
    ],
)
def test_a_method_is_an_architecture_a_loss_and_a_task(system, arch, criterion, task):
    args = parsed(system)
    assert (args.arch, args.criterion, args.task) == (arch, criterion, task)


def test_the_size_of_the_iwslt_models_is_fairseqs_transformer_iwslt_de_en():
    theirs = Namespace(share_all_embeddings=True)
    transformer_iwslt_de_en(theirs)
    ours = vars(parsed("transformer"))
    sizes = [name for name in vars(theirs) if name.startswith(("encoder", "decoder", "share", "activation"))]
    assert len(sizes) > 10
    assert {name: ours[name] for name in sizes} == {name: getattr(theirs, name) for name in sizes}


@pytest.mark.parametrize(
    ("system", "layers"),
    [
        ("transformer-12-1", (12, 1)),
        ("transformer-6-1", (6, 1)),
        ("transformer-core-12-1", (12, 1)),
        ("transformer-core-6-1", (6, 1)),
        ("transformer", (6, 6)),
    ],
)
def test_encoder_and_decoder_of_a_row_may_differ_in_depth(monkeypatch, system, layers):
    """Whatever the tier says of the depth of all rows; the dropout is that of the rows' own recipe."""
    monkeypatch.setitem(TIERS, "paper", with_entries(TIERS["paper"], SYSTEMS))
    args = parsed(system)
    assert (args.encoder_layers, args.decoder_layers) == layers
    assert (args.dropout, args.weight_decay) == ((0.3, 1e-4) if layers == (6, 6) else (0.2, 0.0))
    assert args.encoder_embed_dim == args.decoder_embed_dim == 512


def test_fairseqs_cmlm_hides_as_its_own_recipe_does():
    args = parsed("cmlm")
    assert (args.noise, args.pred_length_offset, args.length_loss_factor) == ("random_mask", True, 0.1)
    assert args.apply_bert_init and args.encoder_learned_pos and args.decoder_learned_pos and args.share_all_embeddings


@pytest.mark.parametrize("system", [*PRETRAINING, *TUNED])
def test_bart_has_the_shape_and_the_dropout_of_section_4_2(system):
    args = parsed(system, corpus=TEXT if system in PRETRAINING else TASK)
    assert (args.encoder_layers, args.decoder_embed_dim, args.encoder_ffn_embed_dim) == (6, 768, 3072)
    assert (args.dropout, args.attention_dropout, args.activation_fn) == (0.1, 0.1, "gelu")
    assert args.layernorm_embedding and args.no_scale_embedding and args.share_all_embeddings


@pytest.mark.parametrize("system", TUNED)
def test_tuning_starts_from_weights_and_has_the_budget_of_section_4_2(system):
    args = parsed(system, corpus=TASK)
    ar = "ar" in SYSTEMS[system]["manners"]
    assert (args.lr, args.warmup_updates, args.max_epoch) == (([3e-5], 200, 10) if ar else ([1e-4], 1000, 50))
    assert (args.label_smoothing, args.save_interval) == (0.1, 1 if ar else 10)
    if SYSTEMS[system]["method"] == "bart":
        assert (args.arch, args.task, args.finetune_from_model) == ("bart_base", "janus_ar_baseline", "start.pt")
    else:
        assert (args.arch, args.task, args.init_from) == ("janus_bart_base", "janus", "start.pt")
        weights = method_options(args)["losses"]
        assert (weights["ar"], weights["nar"], weights["length"]) == ((1, 0, 0) if ar else (0, 1, 0.1))
        assert args.length_classes == 65
    assert parsed("bart-base-nar", corpus="personachat.src-tgt").length_classes == 33


@pytest.mark.parametrize("system", PRETRAINING)
def test_pretraining_reads_blocks_of_text(system):
    args = parsed(system, corpus=TEXT, device="cuda")
    assert (args.tokens_per_sample, args.lr, args.max_epoch) == (512, [1e-4], 128)
    assert args.distributed_world_size * args.max_tokens * args.update_freq[0] == 1024 * 512
    assert args.task == ("janus_bart_baseline" if system == "bart" else "janus")


def test_a_narrow_bart_is_fairseqs_transformer_with_barts_habits():
    narrow, wide = parsed("bart", tier="demo", corpus="demo"), parsed("bart", corpus=TEXT)
    assert (narrow.arch, wide.arch) == ("transformer", "bart_base")
    habits = (
        "encoder_learned_pos",
        "decoder_learned_pos",
        "layernorm_embedding",
        "no_scale_embedding",
        "activation_fn",
    )
    assert [getattr(narrow, name) for name in habits] == [getattr(wide, name) for name in habits]


def test_the_noise_and_the_losses_of_pretraining_are_the_recipes():
    paper, release = (parsed(f"bart-janus-{recipe}", corpus=TEXT) for recipe in ("paper", "release"))
    ours, theirs = method_options(paper), method_options(release)
    assert ours["noise"] == {"budget": 0.5, "poisson": 3, "shared": 0.6, "rotated": 0}
    assert theirs["noise"] == {"budget": 0.3, "poisson": 3, "shared": 0.5, "rotated": 0.5}
    assert [ours["losses"][name] for name in WEIGHTS] == [1, 1, 1, 2, 2, 0, 0]
    assert [theirs["losses"][name] for name in WEIGHTS] == [0.5, 0.5, 0.5, 0.5, 0.5, 0, 0]
    assert (paper.label_smoothing, ours["reduction"]) == (0.1, "sum")
    assert (release.label_smoothing, theirs["reduction"]) == (0, "sum")
    cmlm = method_options(parsed("bart-cmlm", corpus=TEXT))
    assert [cmlm["losses"][name] for name in WEIGHTS] == [0, 1, 0, 0, 0, 0, 0]
    assert cmlm["noise"] == ours["noise"]


# The recipes of the paper (equations 4 and 5; J is the mean of both directions) and of the authors' code.
WEIGHTS = ("ar", "nar", "aux", "kl_ar_aux", "kl_nar_aux", "kl_ar_nar", "length")
RECIPES = {
    "janus-paper": ((1, 1, 1, 2, 2, 0, 0.1, 0), "own", 1, "sum"),
    "janus-release": ((1, 0.5, 0.5, 3, 1, 1, 0.1, 0), "previous", 2, "mean"),
    "ar-nar-kl": ((1, 1, 0, 0, 0, 2, 0.1, 0), "own", 1, "sum"),
    "ar-nar": ((1, 1, 0, 0, 0, 0, 0.1, 0), "own", 1, "sum"),
    "aux": ((0, 0, 1, 0, 0, 0, 0.1, 0), "own", 1, "sum"),
    "cmlm-corr": ((0, 1, 0, 0, 0, 0, 0.1, 1), "own", 1, "mean"),
}


@pytest.mark.parametrize("system", RECIPES)
def test_the_recipes_reach_the_criterion(system):
    weights, position, passes, reduction = RECIPES[system]
    args = parsed(system)
    chosen = method_options(args)
    assert (*(chosen["losses"][name] for name in WEIGHTS), chosen["losses"].get("correction", 0)) == weights
    assert (chosen["query_position"], chosen["encoder_passes"], chosen["reduction"]) == (position, passes, reduction)
    uniform = system == "cmlm-corr"
    assert args.method == ("correction" if uniform else "joint")
    assert chosen["masking"] == {"kind": "uniform" if uniform else "span", "poisson": 2, "budget": 0.7}


def test_the_budgets_of_the_paper_differ_by_corpus():
    wmt = parsed("janus-paper", corpus="wmt14.en-de", device="cuda")
    assert (wmt.encoder_ffn_embed_dim, wmt.decoder_attention_heads, wmt.encoder_embed_dim) == (2048, 8, 512)
    assert (wmt.dropout, wmt.weight_decay, wmt.max_update, wmt.update_freq) == (0.2, 0.01, 200000, [4])
    assert parsed("janus-paper", corpus="wmt16.ro-en").dropout == 0.3
    assert parsed("cmlm").max_update == 100000
    assert wmt.distributed_world_size * wmt.max_tokens * wmt.update_freq[0] == 4 * 8192 * 4


def test_precision_is_one_of_three():
    for precision, (half, autocast) in {
        "float32": (False, "none"),
        "bfloat16": (False, "bfloat16"),
        "fp16": (True, "none"),
    }.items():
        args = parsed("cmlm", device="cuda", training={"precision": precision})
        assert (args.fp16, str(args.autocast)) == (half, autocast)


def test_options_of_a_system_come_last_and_win():
    assert parsed("cmlm", "demo", "x", changes={"options": ["--dropout", "0.77"]}).dropout == 0.77


def test_decoding_is_the_tiers_but_for_what_the_system_says():
    tier = settings(TIERS["paper"], corpus="iwslt14.de-en", system="cmlm-corr")
    wanted = {"passes": 4, "length_beam": 3, "length_candidates": "around", "length_score": "default"}
    for system, repredict in (("cmlm-corr", True), ("janus-paper", False)):
        method = SYSTEMS[system]["method"]
        plain = decoding_settings(SYSTEMS[system], tier, manner="nar", passes=4)
        assert plain == {"manner": "nar", "method": method, **wanted}
        assert Decoding.of(**plain).settings.repredict is repredict
    plain = decoding_settings(SYSTEMS["janus-paper"], tier, manner="ar")
    beam = {"beam": 5, "lenpen": 1.0, "max_len_a": 0, "max_len_b": 200}
    assert plain == {"manner": "ar", "method": "joint", **beam}
