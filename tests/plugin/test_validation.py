"""Validation decodes as the tables do: the settings that reach the task are those that reach decode_file."""

from pathlib import Path

import pytest
from fairseq import options, tasks
from fairseq.dataclass.utils import convert_namespace_to_omegaconf

from janus.config.system_entries import load_systems
from janus.config.systems import decoding_settings as options_of
from janus.config.systems import training_arguments
from janus.config.tiers import check, read_yaml, settings
from janus.decoding.decoding import Decoding

ROOT = Path(__file__).parents[2]
SYSTEMS = load_systems(ROOT / "config/systems.yaml", ROOT / "workflow/schemas")
DECODING = {"length_beam": 4, "length_candidates": "top", "length_score": "average_and_length"}
CORPUS = "demo.iwslt14.de-en"


def tier_with(**training):
    tier = read_yaml(ROOT / "config/demo.yaml")
    tier["training"] |= training
    tier["decoding"] |= DECODING
    return check(tier, ROOT / "workflow/schemas/tier.schema.yaml", where="demo.yaml")


def words_of(system, data, **training):
    run = settings(tier_with(**training), corpus=CORPUS, system=system)
    place = {"source": "aa", "target": "bb", "data": data, "checkpoints": Path("c"), "seed": 1, "device": "cpu"}
    return run, training_arguments(SYSTEMS[system], run, **place, user_dir=ROOT / "janus/plugin")


@pytest.mark.parametrize("system", ["cmlm", "cmlm-corr", "janus-paper"])
def test_nar_is_decoded_as_for_the_tables_but_for_the_passes(system, toy_corpus):
    run, words = words_of(system, toy_corpus / "bin", valid_bleu_passes=3)
    config = convert_namespace_to_omegaconf(options.parse_args_and_arch(options.get_training_parser(), words))
    task = tasks.setup_task(config.task)
    wanted = options_of(SYSTEMS[system], run, manner="nar", passes=3)
    decoding = task.bleu.generators["nar"].decoding
    assert decoding == Decoding.of(**wanted)
    chosen = decoding.settings
    assert (chosen.length_beam, chosen.length_candidates, chosen.length_score) == (4, "top", "average_and_length")
    assert chosen.repredict == (system == "cmlm-corr")


@pytest.mark.parametrize("system", ["transformer", "janus-paper"])
def test_a_training_that_decodes_no_nar_does_not_depend_on_how_it_is_decoded(system):
    """Another rule for the lengths is no reason to train again."""
    _, words = words_of(system, Path("bin"), valid_bleu_sentences=100 if system == "transformer" else 0)
    assert not any("length_beam" in word for word in words)
