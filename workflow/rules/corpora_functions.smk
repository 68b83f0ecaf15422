"""What the rules of corpora.smk ask: inputs, settings and resources."""

from snakemake.settings.types import DeploymentMethod
from janus.text.documents import require_readers
from janus.fetching.terms import refusals

DOWNLOADS = MANIFEST.downloads
# Further test sets of corpora, and corpora that are prepared, among them those that are encoded with a vocabulary they share with a pre-training text, those
# that are given binarised, and those with a BPE of their own.
TESTS = [name for name in CORPORA if trained_on(name) != name]
RAW = [name for name in CORPORA if name not in (*DISTILLED, *TESTS)]
SHARED = [name for name in RAW if CORPORA[name].vocabulary]
BINARISED = [name for name in RAW if CORPORA[name].bin]
OWN = [name for name in RAW if name not in (*SHARED, *BINARISED)]


def downloads_of(entry):
    """The fetched files of a corpus, text, vocabulary or model."""
    return [f"resources/downloads/{item.name}" for item in entry.downloads]


def vocabulary_folder(name):
    return f"{RESULTS}/vocabularies/{name}"


def vocabulary_of(wildcards):
    """The shared vocabulary of a rule's corpus, in a list; an empty one where the corpus has its own BPE."""
    name = CORPORA[wildcards.corpus].vocabulary
    return [vocabulary_folder(name)] if name else []


def dictionary_folder(wildcards):
    """What holds the dictionary of a corpus, in a list; an empty one where it is learnt on the corpus.

    A distilled corpus has the dictionary of the raw one, one that is given binarised its own.
    """
    raw = raw_of(wildcards.corpus)
    if wildcards.corpus in BINARISED:
        return [str(CORPORA[raw].home / CORPORA[raw].bin)]
    return vocabulary_of(wildcards) or ([f"{corpus_folder(raw)}/bin"] if wildcards.corpus in DISTILLED else [])


def dictionary_name(wildcards):
    """The name of the dictionary in that folder."""
    entry = CORPORA[wildcards.corpus]
    return "dict.txt" if entry.vocabulary else f"dict.{entry.source}.txt"


def pairs_memory(fixed, per_million):
    """MiB as a function of a corpus' training pairs: `fixed` a process, `per_million` besides; docs/preparation.md."""

    def memory(wildcards, threads):
        millions = CORPORA[wildcards.corpus].lines.get("train", 1_000_000) / 1e6
        return round(fixed * (threads + 1) + per_million * millions)

    return memory


def unread_downloads(text):
    """The names of a text's downloads of which no part was made yet."""
    parts = {Path(folder).name for folder in parts_folders(text) if not Path(folder).exists()}
    return [item.name for item in TEXTS[text].downloads if item.name in parts]


def missing_readers(texts):
    """The error, in a list, where this Python lacks what reads the texts; an empty list where all can be read.

    A rule's own environment (envs/corpora.yaml) holds it.
    """
    if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method:
        return []
    try:
        require_readers(name for text in texts for name in unread_downloads(text))
    except InputError as error:
        return [error]
    return []


def require_fetchable(wildcards):
    """No input; ends the planning where this download must not be fetched, or could not be read when it is there.

    Then every such problem of the tier is said, a line each: terms that nobody accepted, a package that is missing.
    """
    planned = [DOWNLOADS[wildcards.download], *RUN_CONFIG.downloads()]
    refused = refusals(planned, Path("resources/downloads"), accepted=TIER["accept"])
    unread = missing_readers(text for text in TEXTS if wildcards.download in unread_downloads(text))
    if wildcards.download in refused or unread:
        unread = missing_readers(entry.name for entry in RUN_CONFIG.pretraining_entries()[:1]) or unread
        sys.exit("\n".join(f"error: {error}" for error in [*refused.values(), *unread]))
    return []


def own_files(wildcards):
    """The user's own files of a corpus or test set; ends the planning where one is missing."""
    files = CORPORA[wildcards.corpus].own_files
    if missing := [path for path in files if not path.is_file()]:
        name, _, test = wildcards.corpus.partition("@")
        where = f"{TIER['corpora_file']}: corpora.{raw_of(name)}.{f'tests.{test}' if test else 'bin' if CORPORA[name].bin else 'options.files'}"
        sys.exit(f"error: {where}: there is no file {missing[0]}; correct the path, or put the text there")
    return [str(path) for path in files]


def own_corpus_folder(wildcards):
    """The folder of the corpus of the corpora file that a test set is of."""
    return corpus_folder(raw_of(wildcards.corpus))
