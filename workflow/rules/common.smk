"""The checked config and the few named helpers that rules use."""

import hashlib
import re
import sys
from dataclasses import asdict
from pathlib import Path

from janus.corpora.manifest import load_corpora, load_models, load_texts, load_vocabularies
from janus.corpora.monolingual import part_names
from janus.errors import InputError
from janus.systems import decoding_settings, training_arguments
from janus.tiers import check, check_sense, read_yaml, settings

ROOT = Path(workflow.current_basedir).parents[1]
SCHEMAS = ROOT / "workflow" / "schemas"


def checked_config():
    """Tier, systems and corpora, defaults filled in; a name or key that nothing knows ends the run with one line."""
    where = ", ".join(str(path) for path in workflow.configfiles) or "config"
    try:
        tier = check(dict(config), SCHEMAS / "tier.schema.yaml", where=where)
        systems_file = tier["systems_file"]
        systems = check(read_yaml(systems_file), SCHEMAS / "systems.schema.yaml", where=systems_file)
        manifest = [load(tier["corpora_file"]) for load in (load_corpora, load_texts, load_vocabularies, load_models)]
        corpora, texts, _, models = manifest
        check_sense(tier, systems, corpora, texts=texts, models=models, where=where)
    except InputError as error:
        # A WorkflowError would add the lines of this file to the one line that matters.
        sys.exit(f"error: {error}")
    return tier, systems, *manifest


TIER, SYSTEMS, CORPORA, TEXTS, VOCABULARIES, MODELS = checked_config()
TABLES, FIGURES = TIER["tables"], TIER["figures"]
# Scripts read the tier's defaults too.
config.update(TIER)
RESULTS = f"results/{TIER['tier']}"
LOGS = f"logs/{TIER['tier']}"
# The folder of one training, by wildcards, below either.
RUN = RESULTS + "/{corpus}/{system}/seed-{seed}"
RUN_LOGS = LOGS + "/{corpus}/{system}/seed-{seed}"


def any_of(names):
    """The pattern of a wildcard that is one of `names`; one that nothing matches where there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    corpus=any_of(CORPORA),
    text=any_of(TEXTS),
    vocabulary=any_of(VOCABULARIES),
    model=any_of(MODELS),
    system=any_of(SYSTEMS),
    baseline=any_of(SYSTEMS),
    seed=r"\d+",
    manner="ar|nar",
    # ar, or nar-<decoder passes>
    mode=r"ar|nar-\d+",


def source_digest(*parts):
    """Digest of the modules that a rule runs, under janus/ or `/kernels`: edits to imported code re-run the rules that carry it."""
    digest = hashlib.sha256()
    for part in sorted(parts):
        path = ROOT / part[1:] if part.startswith("/") else ROOT / "janus" / part
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        for file in files:
            digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


# What a training runs.
TRAINER = ("ragged", "streams", "masking", "model", "objective", "plugin", "/kernels")


def corpus_folder(corpus):
    return f"{RESULTS}/{corpus}/corpus"


def of_corpus(attribute):
    """An attribute of the corpus of a rule's wildcards, as a params function."""
    return lambda wildcards: getattr(CORPORA[wildcards.corpus], attribute)


def recipe_of(corpus):
    """What the prepared text of a corpus depends on: no note, licence or address prepares it anew."""
    entry = asdict(CORPORA[corpus])
    downloads = [{"name": item["name"], "sha256": item["sha256"]} for item in entry["downloads"]]
    return {key: entry[key] for key in ("source", "target", "recipe", "lowercase", "lines", "blobs", "options")} | {
        "downloads": downloads
    }


def digests_of(entry):
    """A text, vocabulary or model as what makes it depends on it: no note, licence or address, nor how a text is cut."""
    unread = ("notes", "licence", "downloads", "block", "vocabulary")
    plain = {key: value for key, value in asdict(entry).items() if key not in unread}
    return plain | {"downloads": [(item.name, item.sha256) for item in entry.downloads]}


def run_settings(wildcards):
    """The blocks model, training and decoding of the run that the wildcards name."""
    return settings(TIER, corpus=wildcards.corpus, system=wildcards.system)


def of_training(key):
    """A value of the run's training block, as a params or resources function."""
    return lambda wildcards: run_settings(wildcards)["training"][key]


def passes_of(corpus, system):
    """The decoder passes of mask-predict with which the tables decode a system."""
    return settings(TIER, corpus=corpus, system=system)["decoding"]["passes"]


def mode_of(corpus, system, manner):
    """How the tables decode a system in a manner: `ar`, or `nar-<passes>`."""
    return manner if manner == "ar" else f"nar-{passes_of(corpus, system)}"


def modes_of(system, passes):
    """Every way in which a figure over `passes` decodes a system."""
    manners = SYSTEMS[system]["manners"]
    return ["ar"] * ("ar" in manners) + [f"nar-{count}" for count in passes if "nar" in manners]


def decoding_of(wildcards, mode):
    """The decoding settings of a run in a mode."""
    manner, _, passes = mode.partition("-")
    return decoding_settings(SYSTEMS[wildcards.system], run_settings(wildcards), manner=manner, passes=int(passes or 0))


def gpus(count):
    """`count` GPUs where the tier uses them."""
    return count if TIER["device"] == "cuda" else 0


def start_of(system):
    """The checkpoint that a system starts from, in a list; an empty one where its weights are drawn.

    Pre-training is done once, with the first seed; the seeds of a tier are those of the tasks.
    """
    name = SYSTEMS[system]["start"]
    if not name:
        return []
    text, base = TIER["pretraining"]["text"], TIER["pretraining"]["base"]
    name = base if name == "base" else name
    if name in MODELS:
        return [f"{RESULTS}/{text}/{name}/model.pt"]
    return [RUN.format(corpus=text, system=name, seed=TIER["seeds"][0]) + "/averaged.pt"]


def runs_by_seed(corpus, system):
    """The folders of the runs of one system on one corpus, by seed."""
    return {seed: RUN.format(corpus=corpus, system=system, seed=seed) for seed in TIER["seeds"]}
