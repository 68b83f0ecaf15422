"""What one tier needs: a device and its precision, cores, memory, Java, readers, data, accepted terms."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from janus.config.run_config import RunConfig
from janus.config.tiers import runs, settings
from janus.doctor.findings import Finding
from janus.errors import InputError
from janus.fetching.manifest import Download
from janus.fetching.terms import refusals
from janus.files import sha256
from janus.text.documents import require_readers

_DOWNLOADS = Path("resources/downloads")
# Larger files are compared by their size alone, since reading them takes minutes.
_READ = 256 * 2**20


def needs(config: RunConfig) -> Iterator[Finding]:
    """The findings about a checked config."""
    yield from _device(config)
    yield from _resources(config)
    yield _disk(config)
    if any(entry.task == "question" for entry in map(config.manifest.corpora.get, config.tier["corpora"])):
        yield _java()
    yield from _own_files(config)
    yield from _readers(config)
    yield from _data(config)
    yield from _terms(config)


def _trainings(config: RunConfig) -> list[dict]:
    tier = config.tier
    return [settings(tier, corpus=corpus, system=name)["training"] for corpus, name in runs(tier, config.systems)]


def _device(config: RunConfig) -> Iterator[Finding]:
    """torch, and what the tier computes on and with."""
    import torch

    from janus.devices import bfloat16_warning, require_device

    yield Finding("ok", "torch", f"{torch.__version__}, CUDA {torch.version.cuda or 'not built in'}")
    trainings = _trainings(config)
    precisions = sorted({one["precision"] for one in trainings})
    if config.tier["device"] == "cuda":
        count = max((one["gpus"] for one in trainings), default=1)
        try:
            require_device("cuda", count=count)
        except InputError as error:
            yield Finding("missing", "GPU", error.what, error.fix)
            return
        names = {torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())}
        yield Finding("ok", "GPU", f"{torch.cuda.device_count()} x {', '.join(sorted(names))}")
        if "bfloat16" in precisions and not torch.cuda.is_bf16_supported(including_emulation=False):
            yield Finding("warning", "precision", "this GPU only emulates bfloat16", "set `training.precision: fp16`")
        else:
            yield Finding("ok", "precision", ", ".join(precisions))
    elif "bfloat16" in precisions and (said := bfloat16_warning()):
        found, _, fix = said.removeprefix("warning: ").partition("; ")
        yield Finding("warning", "precision", found, fix)
    else:
        yield Finding("ok", "precision", ", ".join(precisions))


def _resources(config: RunConfig) -> Iterator[Finding]:
    trainings = _trainings(config)
    cores, threads = len(os.sched_getaffinity(0)), max((one["threads"] for one in trainings), default=1)
    said = f"{cores}, a training computes with {threads}"
    if cores < threads:
        yield Finding("warning", "processor cores", said, f"set `training.threads: {cores}`")
    else:
        yield Finding("ok", "processor cores", said)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    asked = max((one["memory"] for one in trainings), default=0)
    said = f"{memory:,} MiB, a training asks for {asked:,}"
    if memory < asked:
        yield Finding("warning", "memory", said, "use a larger machine, or see in `janus plan` what it needs")
    else:
        yield Finding("ok", "memory", said)


def _disk(config: RunConfig) -> Finding:
    """Whether the whole run, from an empty folder, has a place here."""
    from janus.planning.costs import Costs
    from janus.planning.plan import disk_of, size_text

    costs = Costs(config)
    needed = sum(disk_of(config, costs, costs.trainings()).values())
    free = shutil.disk_usage(Path.cwd()).free
    said = f"{size_text(free)} free, a run from an empty folder needs about {size_text(needed)}"
    if free < needed:
        return Finding("warning", "disk for the run", said, "run on a larger disk: snakemake --directory FOLDER")
    return Finding("ok", "disk for the run", said)


def _java() -> Finding:
    from janus.metrics.meteor import find_meteor

    try:
        java, _ = find_meteor()
    except InputError as error:
        return Finding("missing", "Java and METEOR", error.what, error.fix)
    return Finding("ok", "Java and METEOR", str(java))


def _own_files(config: RunConfig) -> Iterator[Finding]:
    from janus.planning.texts import missing_files

    for name in config.tier["corpora"]:
        for path in missing_files(config.manifest.corpora[name]):
            yield Finding("missing", f"corpus {name}", f"there is no file {path}", "correct `options.files`")


def _readers(config: RunConfig) -> Iterator[Finding]:
    try:
        require_readers(item.name for item in config.downloads())
    except InputError as error:
        yield Finding("missing", "readers", f"{error.where}: {error.what}", error.fix)


def _data(config: RunConfig) -> Iterator[Finding]:
    items, mirror = config.downloads(), config.tier["mirror"]
    here = [item for item in items if (_DOWNLOADS / item.name).is_file()]
    for item in here:
        if said := _wrong(item):
            path = _DOWNLOADS / item.name
            yield Finding("warning", "data", f"{path} {said}", "it is fetched again, or replace it")
    there = [item for item in items if item not in here]
    lacking: list[Download] = []
    if mirror and "://" not in mirror:
        lacking = [item for item in there if not (Path(mirror) / item.path).is_file()]
        if not Path(mirror).is_dir():
            yield Finding("missing", "mirror", f"there is no folder {mirror}", "correct `mirror`")
        elif lacking:
            yield Finding("missing", "mirror", f"{mirror} lacks {_paths(lacking)}", "put the files there")
    elif not mirror and (lacking := [item for item in there if not item.addresses]):
        said = f"{len(lacking)} files have no public address: {_paths(lacking)}"
        fix = f"set `--config mirror=FOLDER` to one that holds them, or put them into {_DOWNLOADS} as in corpora.yaml"
        yield Finding("missing", "mirror", said, fix)
    said = f"{len(here)} of {len(items)} downloads at hand" if items else "nothing is downloaded"
    pinned = sum(item.sha256 is not None for item in items)
    if items:
        said += f", {len(there) - len(lacking)} to fetch{f' from {mirror}' if mirror else ''}"
        said += f", {len(lacking)} nowhere" if lacking else ""
        said += f"; the checksums of {pinned} are known"
    yield Finding("missing", "data", said, "see the line above") if lacking else Finding("ok", "data", said)


def _paths(items: list[Download]) -> str:
    """The paths of some files on a mirror, shortened: of each folder the first, and how many more."""
    folders: dict[str, list[str]] = {}
    for item in items:
        folders.setdefault(item.path.rpartition("/")[0], []).append(item.path)
    return ", ".join(paths[0] + (f" and {len(paths) - 1} more" if len(paths) > 1 else "") for paths in folders.values())


def _wrong(item: Download) -> str:
    path = _DOWNLOADS / item.name
    size = path.stat().st_size
    if item.bytes is not None and size != item.bytes:
        return f"has {size:,} bytes, the manifest says {item.bytes:,}"
    if item.sha256 and size <= _READ and sha256(path) != item.sha256:
        return "has another checksum than the manifest says"
    return ""


def _terms(config: RunConfig) -> Iterator[Finding]:
    refused = refusals(config.downloads(), _DOWNLOADS, accepted=config.tier["accept"])
    found = {item.accept: item for item in config.downloads() if item.name in refused}
    for name, item in found.items():
        fix = f"read them, then add --config accept='[\"{name}\"]', or `accept: [{name}]` in the tier"
        yield Finding("missing", "terms", f"those of {name} ({item.page}) are not accepted", fix)
