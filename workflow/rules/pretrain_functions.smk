"""What the rules of pretrain.smk ask: inputs, settings and resources."""

TEXT = f"{RESULTS}/{{text}}/text"
TEXT_LOGS = f"{LOGS}/{{text}}"


def parts_folders(text):
    """The parts that a text is made in."""
    return [f"{RESULTS}/{text}/text/parts/{part}" for part in TEXTS[text].parts]


def shards_of(text):
    """The shards of a text, as the names of its training files go."""
    return [f"{shard:03d}" for shard in range(TEXTS[text].shards)]


def part_input(wildcards):
    """What a part is made from: its download, or the prepared corpora whose sides it holds."""
    text = TEXTS[wildcards.text]
    if text.corpora:
        return [f"{corpus_folder(corpus)}/{product}" for corpus in text.corpora for product in ("corpus.json", "tok")]
    return [path for path in downloads_of(text) if Path(path).name == wildcards.part]


def vocabulary_input(wildcards):
    """What a vocabulary is made from: its downloads, or the text it is learnt on and the tasks that share it."""
    vocabulary = VOCABULARIES[wildcards.vocabulary]
    if vocabulary.kind == "gpt2":
        return {"downloads": downloads_of(vocabulary)}
    tasks = [corpus for corpus in TIER["corpora"] if CORPORA[corpus].vocabulary == vocabulary.name]
    return {
        "text": f"{RESULTS}/{vocabulary.text}/text/text.json",
        "parts": parts_folders(vocabulary.text),
        "tasks": [f"{corpus_folder(corpus)}/tok" for corpus in tasks],
    }
