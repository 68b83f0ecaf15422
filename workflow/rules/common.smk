"""The checked config and the few named helpers that rules use."""

import os
import re
import shlex
import signal
import sys
from dataclasses import asdict
from functools import cache

from snakemake.logging import logger

from janus.children import FIXED
from janus.closure import digest_of_code
from janus.recipes.by_recipe import builder_name, judge_name, text_name
from janus.training.foreign_lock import ExplainLock
from janus.training.lock import hold_lock
from janus.training.warm import WarmPython, is_supported
from janus.errors import InputError
from janus.report.products import Products
from janus.config.distilled import raw_of, trained_on
from janus.config.resources import vocabulary_bound
from janus.slurm import WARNING, Demand, require_accounting, require_nodes
from janus.methods.base.registry import module_of
from janus.config.given import decodes, given_of, given_path
from janus.config.run_config import check_config
from janus.config.systems import decoder_modules, decoding_settings, training_arguments
from janus.config.tiers import NAMING, asked_systems, averages, read_yaml, rows_of, settings

logger.addFilter(ExplainLock())
# Jobs inherit them: no script depends on the caller's locale or screen.
os.environ.update(FIXED)
if workflow.remote_exec:
    # A batch system sends it to all processes of a job before its time limit. It is meant for the training; Snakemake
    # and the shell between the two would end at it, and with them the job.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def checked_config():
    """Tier, systems and corpora, defaults filled in; a name or key that nothing knows ends the run with one line."""
    where = ", ".join(str(path) for path in workflow.configfiles) or "config"
    try:
        # Snakemake has read them, and kept the last of a key that stands there twice.
        for path in workflow.configfiles:
            read_yaml(path)
        return check_config(config, where=where, find=of_user)
    except InputError as error:
        # A WorkflowError would add the lines of this file to those that matter, one for each problem.
        sys.exit("\n".join(f"error: {line}" for line in str(error).splitlines()))


RUN_CONFIG = checked_config()
STATEMENTS, TIER, SYSTEMS, MANIFEST = RUN_CONFIG.statements, RUN_CONFIG.tier, RUN_CONFIG.systems, RUN_CONFIG.manifest
CORPORA, TEXTS = MANIFEST.corpora, MANIFEST.texts
VOCABULARIES, MODELS = MANIFEST.vocabularies, MANIFEST.models
TABLES, FIGURES, DISTILLED = TIER["tables"], TIER["figures"], TIER["distilled"]
# Scripts read the tier's defaults too.
config.update(TIER)
RESULTS = f"results/{TIER['tier']}"
LOGS = f"logs/{TIER['tier']}"
PRODUCTS = Products(RESULTS, TIER, SYSTEMS, CORPORA)
# Systems that are trained here, those whose checkpoint is given, and those of which only outputs are given.
TRAINED = [name for name, system in SYSTEMS.items() if not given_of(system) and not system.get("trained_by")]
CHECKPOINTS = [
    name for name, system in SYSTEMS.items() if given_of(system) == "checkpoint" and not system.get("trained_by")
]
DECODED = [name for name, system in SYSTEMS.items() if decodes(system)]
OUTPUTS = [name for name in SYSTEMS if name not in DECODED]
# The folder of one training, by wildcards, below either.
RUN = f"{RESULTS}/{{corpus}}/{{system}}/seed-{{seed}}"
RUN_LOGS = f"{LOGS}/{{corpus}}/{{system}}/seed-{{seed}}"


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


@cache
def code_of(script, *modules):
    """Digest of all code that a rule runs, its script's imports and `modules` that it loads by name.

    As a parameter of the rule it lets an edit to any of them, and to nothing else, run the rule again.
    """
    return digest_of_code(ROOT, f"workflow/scripts/{script}.py", *filter(None, modules))


# What decides the weights of a training: the plugin that --user-dir names, and what it imports. The engine around it
# (janus/training) starts and watches fairseq, and a training that it resumes equals an unbroken one; so an edit of it, of
# its progress bar or of a record trains nothing anew. The plugin loads the method by name.
TRAINER = "janus.plugin"


def modules_of(system):
    """The modules that are loaded by name for a system: its method and its decoders, with which training validates."""
    return [name for name in (module_of(SYSTEMS[system]["method"]), *decoder_modules(SYSTEMS[system])) if name]


@cache
def code_of_training(system):
    """Digest of the code that decides the weights of a system's training."""
    return digest_of_code(ROOT, TRAINER, *modules_of(system))


@cache
def code_of_decoding(script, system):
    """Digest of the code of a script that loads and decodes a system's model, and those of the systems it asks."""
    asked = asked_systems(TIER, "", system)
    return code_of(script, *(module for name in [system, *asked] for module in modules_of(name)))


def corpus_folder(corpus):
    return f"{RESULTS}/{corpus}/corpus"


def data_folder(wildcards):
    """The binarised corpus, with the dictionaries, of what is decoded: of a further test set that of its corpus."""
    return f"{corpus_folder(trained_on(wildcards.corpus))}/bin"


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
    bound = vocabulary_bound(merges_of(wildcards.corpus))
    return settings(TIER, corpus=wildcards.corpus, system=wildcards.system, vocabulary=bound)


def merges_of(corpus):
    """The BPE operations of a corpus or a text; 0 where its dictionary is published or the user's."""
    text = TEXTS.get(corpus) or CORPORA[corpus]
    if text.vocabulary:
        return VOCABULARIES[text.vocabulary].merges
    return 0 if text.bin else text.merges


def of_training(key):
    """A value of the run's training block, as a params or resources function."""
    return lambda wildcards: run_settings(wildcards)["training"][key]


def minutes_of_training(wildcards, attempt):
    """What a cluster grants a training, and the same again for each attempt that was not enough; it resumes."""
    return max(1, round(60 * of_training("hours")(wildcards) * attempt))


def passes_of(corpus, system):
    """The decoder passes of mask-predict with which the tables decode a system."""
    return settings(TIER, corpus=corpus, system=system)["decoding"]["passes"]


def passes_in_tables(corpus, system):
    """The decoder passes after which a table or overview shows a system on a corpus, each once, fewest first."""
    blocks = [block for block in [*TABLES.values(), *TIER["overviews"].values()] if (corpus, system) in rows_of(block)]
    return sorted({count for block in blocks for count in block.get("passes", [passes_of(corpus, system)])})


def mode_of(corpus, system, manner):
    """How the tables decode a system in a manner: `ar`, or `nar-<passes>`."""
    return manner if manner == "ar" else f"nar-{passes_of(corpus, system)}"


def modes_of(system, passes):
    """Every way in which a figure over `passes` decodes a system."""
    manners = SYSTEMS[system]["manners"]
    return ["ar"] * ("ar" in manners) + [f"nar-{count}" for count in passes if "nar" in manners]


def decoding_of(wildcards, mode):
    """The decoding of a run in a mode, as `Decoding.of` reads it; of other systems that it names, the checkpoints."""
    manner, _, passes = mode.partition("-")
    system = SYSTEMS[wildcards.system]
    found = decoding_settings(system, run_settings(wildcards), manner=manner, passes=int(passes or 0))
    return found | {key: checkpoint_of(wildcards, found[key]) for key in NAMING if found.get(key)}


def checkpoint_of(wildcards, system):
    """What a system's run on the corpus and with the seed of a rule is decoded with."""
    return f"{PRODUCTS.weights(wildcards.corpus, system, int(wildcards.seed))}/averaged.pt"


def own_checkpoint(wildcards):
    """What the run of a rule is decoded with."""
    return checkpoint_of(wildcards, wildcards.system)


def asked_checkpoints(wildcards):
    """The checkpoints of other systems that a run's decoding reads."""
    return [checkpoint_of(wildcards, name) for name in asked_systems(TIER, wildcards.corpus, wildcards.system)]


def file_of_method(wildcards):
    """The file of a method of the user's own, in a list: an edit of it trains and decodes anew."""
    method = SYSTEMS[wildcards.system]["method"]
    return [method] if method.endswith(".py") else []


def lock_results():
    """Keep a second run of this tier out of its results for as long as this Snakemake lives."""
    try:
        hold_lock(Path(RESULTS), what="run of the workflow", wait=5)
    except InputError as error:
        sys.exit(f"error: {error}")


def check_cluster():
    """On Slurm, ask for a signal before time limits, and end the run with one line where it could only wait for ever."""
    if not workflow.executor_plugin.name.endswith("slurm"):
        return
    # Unless the site says otherwise, with `slurm_extra` or in the environment.
    os.environ.setdefault("SBATCH_SIGNAL", WARNING)
    jobs = workflow.dag.needrun_jobs()
    demands = {Demand(job.rule.name, job.threads, job.resources.get("mem_mb", 0)) for job in jobs if not job.is_local}
    try:
        if workflow.executor_settings.status_command == "sacct":
            require_accounting()
        require_nodes(sorted(demands))
    except InputError as error:
        sys.exit(f"error: {error}")


def lift_rate_limit():
    """Take Snakemake's default limit of 100 jobs a second away; another one, that somebody has set, stays.

    To keep it, the scheduler looks at the jobs again a second after it last did, and that once more for every job that
    has ended: late in a long run it looks hundreds of times a second, on a core of the jobs or of a login node.
    """
    limit = workflow.scheduler.job_rate_limiter
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def start_warm_python():
    """Let the jobs of a local run start from a Python that has imported what they import; see janus.training.warm.

    Not for a few jobs, which end sooner than it imports, and not for rules with environments of their own.
    """
    jobs = sum(1 for job in workflow.dag.needrun_jobs())
    local = workflow.executor_plugin.name == "local" and not workflow.deployment_settings.deployment_method
    if not (TIER["warm_jobs"] and local and jobs > 4 and is_supported()):
        return
    try:
        # Snakemake writes it into a command for the shell as it is.
        sys.executable = shlex.quote(str(WarmPython().program))
    except InputError as error:
        sys.exit(f"error: {error}")


def expected_degenerate(wildcards):
    """Why a system's outputs in the manner of a mode are degenerate by its nature; None where they should be alive."""
    return SYSTEMS[wildcards.system]["degenerate"].get(wildcards.mode.partition("-")[0])


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
    run = RUN.format(corpus=text, system=name, seed=TIER["seeds"][0])
    return [f"{run}/averaged.pt"]


runs_by_seed = PRODUCTS.runs
