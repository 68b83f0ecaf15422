"""What the rules of distil.smk ask: inputs, settings and resources."""


def raw_folder(wildcards):
    """The folder of the corpus that a distilled one is made of."""
    return corpus_folder(raw_of(wildcards.corpus))


def teacher_of(wildcards):
    """The wildcards of the run that translates the training set of a distilled corpus."""
    return {
        "corpus": raw_of(wildcards.corpus),
        "system": DISTILLED[wildcards.corpus]["teacher"],
        "seed": TIER["seeds"][0],
    }


def teacher_checkpoint(wildcards):
    """What the teacher translates with: the checkpoint that the tables decode."""
    run = teacher_of(wildcards)
    return f"{PRODUCTS.weights(run['corpus'], run['system'], run['seed'])}/averaged.pt"


def teacher_settings(wildcards):
    """The blocks of the teacher's run, with the beam of the distillation."""
    run = teacher_of(wildcards)
    found = settings(TIER, corpus=run["corpus"], system=run["system"])
    return found | {"decoding": found["decoding"] | {"beam": DISTILLED[wildcards.corpus]["beam"]}}


def teacher_decoding(wildcards):
    """How the teacher translates, as `Decoding.of` reads it."""
    return decoding_settings(SYSTEMS[teacher_of(wildcards)["system"]], teacher_settings(wildcards), manner="ar")


def file_of_teacher(wildcards):
    """The file of the teacher's method where that is the user's own, in a list."""
    method = SYSTEMS[teacher_of(wildcards)["system"]]["method"]
    return [method] if method.endswith(".py") else []


def parts_of(wildcards):
    """The translations of all parts of the training set, in order."""
    folder = f"{corpus_folder(wildcards.corpus)}/parts"
    return [f"{folder}/{part}.bpe" for part in range(DISTILLED[wildcards.corpus]["shards"])]
