"""Everything that `janus plan` says, as plain values and as lines."""

from collections.abc import Iterator, Mapping
from typing import Any

from janus.config.run_config import RunConfig
from janus.errors import InputError
from janus.planning.costs import Costs, Training, Work, all_corpora, corpus_bytes
from janus.planning.machine import Machine, measure
from janus.planning.texts import missing_files

_HOUR = 3600
# The most tokens in a batch of the measurement, which should take seconds, not minutes.
_MEASURED_TOKENS = 2048
# Rules whose jobs are counted one by one; every other job counts as its start.
_COUNTED = ("train", "pretrain", "decode", "measure_latency", "distil_part")


def make_plan(
    config: RunConfig, machine: Machine, jobs: Mapping[str, int], left: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """The plan of a config. jobs: by rule; empty where they are not known. left: those that are not done; None: all."""
    costs = Costs(config)
    trainings = costs.trainings()
    device = config.tier["device"]
    parts = {
        "trainings": sum(machine.seconds(one.work, one.gpus or 1) * (one.gpus or 1) for one in trainings),
        "decoding": _seconds(machine, costs.decodings()),
        "speeds": _seconds(machine, costs.latencies()),
        "distillation": _seconds(machine, costs.distillations()),
        "other jobs": machine.seconds(Work(starts=sum(count for rule, count in jobs.items() if rule not in _COUNTED))),
    }
    return {
        "tier": config.tier["tier"],
        "device": device,
        "rate": {"gflops": machine.gflops, "wait": machine.wait, "from": machine.source},
        "jobs": dict(jobs),
        "jobs done": sum(jobs.values()) - sum((jobs if left is None else left).values()),
        "trainings": [_row(one, machine) for one in trainings],
        "seconds": parts,
        "hours": sum(parts.values()) / _HOUR,
        "disk": disk_of(config, costs, trainings),
        "downloads": downloads_of(config),
        "memory": _memory(config, costs, trainings),
        "assumed": list(_assumed(config, costs, trainings)),
    }


def measured(config: RunConfig) -> Machine:
    """The rate of this machine on the tier's training of most arithmetic an update."""
    costs = Costs(config)
    trainings = costs.trainings()
    if not trainings:
        what = "trains nothing whose speed could be measured"
        raise InputError(what, where=f"tier {config.tier['tier']}", fix="state a rate: --gflops N")
    heaviest = max(trainings, key=lambda one: one.work.flop / one.updates / one.seeds)
    own = costs.settings(heaviest.corpus, heaviest.system)["training"]
    tokens = min(own["max_tokens"], _MEASURED_TOKENS)
    return measure(costs.shape(heaviest.corpus, heaviest.system), tokens, own["precision"], config.tier["device"])


def lines_of(plan: Mapping[str, Any]) -> Iterator[str]:
    """The plan for a reader."""
    unit = "GPU hours" if plan["device"] == "cuda" else "processor hours"
    rate = plan["rate"]
    yield f"{plan['tier']}: {number_text(plan['hours'])} {unit} at {rate['gflops']:,.0f} GFLOP/s ({rate['from']})"
    yield ""
    if plan["jobs"]:
        done = f", {plan['jobs done']:,} of them done here" if plan["jobs done"] else ""
        yield f"Jobs: {sum(plan['jobs'].values()):,}{done}"
        yield from _table([[rule, f"{count:,}"] for rule, count in plan["jobs"].items()])
        yield ""
    yield f"Trainings: {sum(row['seeds'] for row in plan['trainings']):,}"
    head = ["corpus", "system", "seeds", "updates", "epochs", "M weights", "PFLOP", "time"]
    if plan["trainings"]:
        yield from _table([head, *(_cells(row) for row in plan["trainings"])])
    yield ""
    yield "Time, of one job after the other"
    yield from _table([[name, time_text(seconds)] for name, seconds in plan["seconds"].items() if seconds])
    yield ""
    yield "Disk"
    yield from _table([[name, size_text(size)] for name, size in plan["disk"].items()])
    yield ""
    yield from download_lines(plan["downloads"])
    if memory := plan["memory"]:
        yield (
            f"Memory: the largest training, {memory['training']}, needs about {size_text(memory['bytes'])} of the "
            f"{memory['of']}; it asks for {size_text(memory['asked'])} of main memory"
        )
    for said in plan["assumed"]:
        yield f"Assumed: {said}"


def size_text(size: float) -> str:
    """Bytes for a reader."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1000:
            return f"{size:.3g} {unit}" if unit != "B" else f"{size:.0f} B"
        size /= 1024
    return f"{size:.3g} TiB"


def time_text(seconds: float) -> str:
    """Seconds for a reader."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{number_text(seconds / _HOUR)} h"


def number_text(value: float) -> str:
    """A number of three digits or more for a reader."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _assumed(config: RunConfig, costs: Costs, trainings: list[Training]) -> Iterator[str]:
    """What the plan guesses, a line each."""
    for name in config.tier["corpora"]:
        for path in missing_files(config.manifest.corpora[name]):
            yield f"{name}: there is no file {path}; the run will not start without it"
        if said := costs.size(name).assumed:
            yield f"{name}: {said}"
    for one in trainings:
        if not one.epochs and costs.settings(one.corpus, one.system)["training"]["max_epoch"]:
            said = "ends by `max_update` alone, since no `sizes.blocks` says how long an epoch is"
            yield f"{one.corpus}: {one.system} {said}"


def _seconds(machine: Machine, works: Mapping[Any, Work]) -> float:
    return sum(machine.seconds(work) for work in works.values())


def _row(one: Training, machine: Machine) -> dict[str, Any]:
    devices = one.gpus or 1
    return {
        "corpus": one.corpus,
        "system": one.system,
        "seeds": one.seeds,
        "updates": one.updates,
        "epochs": round(one.epochs, 2),
        "weights": one.parameters,
        "flop": one.work.flop,
        "gpus": one.gpus,
        "seconds": machine.seconds(one.work, devices) * devices,
    }


def disk_of(config: RunConfig, costs: Costs, trainings: list[Training]) -> dict[str, int]:
    """Bytes that a run from an empty folder needs, by what they are of."""
    known = [item.bytes for item in config.downloads() if item.bytes]
    return {
        "downloads, as far as their sizes are known": sum(known),
        "corpora": sum(corpus_bytes(costs.size(name)) for name in all_corpora(config)),
        "checkpoints": sum(one.disk for one in trainings),
    }


def downloads_of(config: RunConfig) -> dict[str, Any]:
    """Files, bytes, hosts, terms and licences of a tier's downloads."""
    items, accepted, mirror = config.downloads(), config.tier["accept"], config.tier["mirror"]
    terms = {item.accept: item.page for item in items if item.accept}
    return {
        "files": len(items),
        "bytes": sum(item.bytes or 0 for item in items),
        "unknown": [item.name for item in items if not item.bytes],
        "hosts": [mirror] if mirror else sorted({one.split("/")[2] for item in items for one in item.addresses[:1]}),
        "without address": [item.name for item in items if not item.addresses and not mirror],
        "terms": [{"accept": name, "page": page, "accepted": name in accepted} for name, page in terms.items()],
        "licences": {entry.name: entry.licence for entry in config.entries() if entry.downloads},
    }


def download_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The downloads for a reader."""
    if not found["files"]:
        yield "Downloads: none"
        return
    unknown = f", and {len(found['unknown'])} files of unknown size" if found["unknown"] else ""
    hosts = f", from {', '.join(found['hosts'])}" if found["hosts"] else ""
    yield f"Downloads: {found['files']} files, {size_text(found['bytes'])}{unknown}{hosts}"
    yield from _table([[name, licence] for name, licence in found["licences"].items()])
    if found["without address"]:
        first, *more = found["without address"]
        others = f" and {len(more)} more" if more else ""
        yield f"  without a public address: {first}{others}; `janus doctor` says what a mirror must hold"
    for term in found["terms"]:
        state = "accepted" if term["accepted"] else f"not accepted yet: --config accept='[\"{term['accept']}\"]'"
        yield f"  terms of {term['accept']} ({term['page']}): {state}"


def _memory(config: RunConfig, costs: Costs, trainings: list[Training]) -> dict[str, Any]:
    """What the largest training needs; empty where nothing is trained."""
    if not trainings:
        return {}
    largest = max(trainings, key=lambda one: one.memory)
    asked = max(costs.settings(one.corpus, one.system)["training"]["memory"] for one in trainings)
    return {
        "training": f"{largest.system} on {largest.corpus}",
        "bytes": largest.memory,
        "of": "GPU" if largest.gpus else "processor",
        "asked": asked * 2**20,
    }


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        row["corpus"],
        row["system"],
        str(row["seeds"]),
        f"{row['updates']:,}",
        f"{row['epochs']:.1f}" if row["epochs"] else "",
        f"{row['weights'] / 1e6:.3g}",
        number_text(row["flop"] / 1e15),
        time_text(row["seconds"]),
    ]


def _table(rows: list[list[str]]) -> Iterator[str]:
    """Columns, the words left and the numbers right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = (
            cell.rjust(width) if cell[:1].isdigit() or column > 1 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        )
        yield f"  {'  '.join(cells)}".rstrip()
