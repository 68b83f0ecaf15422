"""Consistency checks of a config that matches its schema: unknown names, and runs that could not finish.

All problems are reported together when a run is planned. Problems that depend on the data are found before a training
starts (`janus.plugin.epochs`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from janus.claims.statements import Statement, check_rows
from janus.config.distilled import raw_of, trained_on, with_distilled
from janus.config.given import decodes, given_of
from janus.config.given_checks import given_problems
from janus.config.system_entries import fixed_passes
from janus.config.systems import baselines, decoding_settings, method_of, require_read
from janus.config.tiers import (
    SHOWN,
    asked_systems,
    blocks_of,
    corpora_of,
    entry_of,
    known,
    rows_of,
    settings,
    systems_of,
    systems_on,
    used_systems,
)
from janus.config.training_checks import Problems, training_problems, width_problems
from janus.decoding.decoding import Decoding
from janus.errors import InputError, require_none
from janus.fetching.manifest import Corpus, Text
from janus.methods.base.registry import find_method
from janus.report.paper_tables import PAPER_TABLES
from janus.report.published import Published

# All figures are about translation.
# Of the paper's tables.
_TASK_OF_BLOCK = {f"tables.table{number}": table.task for number, table in PAPER_TABLES.items()}


def check_sense(
    tier: Mapping[str, Any],
    systems: Mapping[str, Any],
    corpora: Mapping[str, Corpus],
    *,
    texts: Mapping[str, Text],
    models: Collection[str],
    published: Published | None = None,
    statements: Sequence[Statement] = (),
    where: object,
) -> None:
    """Raise InputError for an inconsistent tier; InputErrors for several problems.

    A corpus of a table or figure must be among the `corpora` of the tier or be `distilled` from one of them by a system
    that decodes as ar, and the corpora must be in the corpora file, whose `texts` and `models` must contain the names
    in `pretraining`. The corpora of a table must belong to its task; its columns and rows must be `published` ones or
    be declared as new, one for each corpus and label. The paper's claims, the `statements`, are about rows of its
    tables, and a tier may name no other claims. A system may only start from one of stage pretraining, and is used on
    corpora that share the vocabulary of the text. With equal budgets, no system has its own training settings. A
    training needs enough memory, threads and GPUs, but no more than a machine has, and must write the checkpoints that
    are averaged. The heads of a model must divide its width.
    """
    require_none([*_names(tier, systems, corpora, texts, where), *_named_twice(tier, where)])
    corpora = with_distilled(corpora, tier)
    require_none(_pretraining(tier, systems, texts, models, where))
    require_none(
        problem
        for problems in (
            _tasks(tier, systems, corpora, texts, where),
            _budget(tier, where),
            _length_beams(tier, systems, where),
            _baselines(tier, systems),
            _asked(tier, systems),
            _rows(tier, systems),
            _passes(tier, systems, where),
            _published(tier, systems, published, where) if published else (),
            _claims(tier, systems, published, statements, where) if published else (),
            given_problems(tier, systems, where),
            training_problems(tier, systems, where),
            width_problems(tier, systems, where),
        )
        for problem in problems
    )


def _unknown(name: str, names: Collection[str], **place: Any) -> Problems:
    try:
        known(name, names, **place)
    except InputError as error:
        yield error


def _names(
    tier: Mapping[str, Any],
    systems: Mapping[str, Any],
    corpora: Mapping[str, Corpus],
    texts: Mapping[str, Text],
    where: object,
) -> Problems:
    """Every name of a corpus or a system is known."""
    for name in tier["corpora"]:
        yield from _unknown(name, corpora, kind="corpus", where=f"{where}: corpora", file=tier["corpora_file"])
    yield from _distilled(tier, systems, where)
    own = {*tier["corpora"], *tier["distilled"]}
    tests = [name for name in with_distilled(corpora, tier) if name not in own and trained_on(name) in own]
    known_corpora = [*tier["corpora"], *tier["distilled"], *tests, *texts]
    for place, block in blocks_of(tier):
        for name in systems_of(block):
            yield from _unknown(
                name, systems, kind="system", where=f"{where}: {place}.systems", file=tier["systems_file"]
            )
        for name in (other for own in block.get("systems", ()) for other in asked_systems(tier, "", own)):
            yield from _unknown(
                name, systems, kind="system", where=f"{tier['systems_file']}: decoding", file=tier["systems_file"]
            )
        for name in corpora_of(block):
            yield from _unknown(
                name, known_corpora, kind="corpus", where=f"{where}: {place}", file="the list `corpora`"
            )
        for name in block.get("more", {}):
            yield from _unknown(name, block["columns"], kind="column", where=f"{where}: {place}.more", file="`columns`")
        if baseline := block.get("baseline"):
            place = f"{where}: {place}.baseline"
            yield from _unknown(baseline, systems_of(block), kind="system", where=place, file="its `systems`")


def _named_twice(tier: Mapping[str, Any], where: object) -> Problems:
    """No table of the tier's own has the name of an overview: both would be the same files."""
    for name in tier["overviews"]:
        if name in tier["tables"]:
            yield InputError(
                f"there is a table {name} too", where=f"{where}: overviews.{name}", fix="give one of them another name"
            )


def _distilled(tier: Mapping[str, Any], systems: Mapping[str, Any], where: object) -> Problems:
    """What is distilled is a corpus of the tier, and its teacher a system that translates from left to right."""
    for name, entry in tier["distilled"].items():
        place, teacher = f"{where}: distilled.{name}", entry["teacher"]
        yield from _unknown(raw_of(name), tier["corpora"], kind="corpus", where=place, file="the list `corpora`")
        unknown = list(_unknown(teacher, systems, kind="system", where=f"{place}.teacher", file=tier["systems_file"]))
        yield from unknown
        if not unknown and not _decodes_as_ar(systems[teacher]):
            yield InputError(
                f"{teacher} does not decode as ar", where=f"{place}.teacher", fix="name another system, as transformer"
            )


def _decodes_as_ar(system: Mapping[str, Any]) -> bool:
    return system["stage"] == "task" and "ar" in system["manners"] and decodes(system)


def _pretraining(
    tier: Mapping[str, Any],
    systems: Mapping[str, Any],
    texts: Mapping[str, Text],
    models: Collection[str],
    where: object,
) -> Problems:
    """The text and the base that a system needs exist, and a system starts only from a pre-trained one."""
    pretraining, file = tier["pretraining"], tier["systems_file"]
    pretrained = [name for name, system in systems.items() if system["stage"] == "pretraining"]
    if pretraining:
        place = {"where": f"{where}: pretraining", "file": tier["corpora_file"]}
        yield from _unknown(pretraining["text"], texts, kind="text", **place)
        yield from _unknown(pretraining["base"], [*models, *pretrained], kind="model", **place)
    started = [name for name in used_systems(tier) if systems[name]["start"]]
    if started and not pretraining:
        yield InputError(
            f"{started[0]} starts from a pre-trained model",
            where=f"{where}: pretraining",
            fix="set `text` and `base` there, or leave the system out",
        )
    for name in started:
        if (start := systems[name]["start"]) != "base":
            yield from _unknown(
                start, pretrained, kind="pre-trained system", where=f"{entry_of(tier, name)}.start", file=file
            )
    yield from _circles(tier, systems)


def _circles(tier: Mapping[str, Any], systems: Mapping[str, Any]) -> Problems:
    """No system starts from itself, directly or through others."""
    base = (tier["pretraining"] or {}).get("base")
    for name in used_systems(tier):
        chain = [name]
        while start := systems.get(chain[-1], {}).get("start"):
            chain.append(base if start == "base" else start)
            if chain[-1] in chain[:-1]:
                circle = chain[chain.index(chain[-1]) :]
                yield InputError(
                    f"{circle[0]} starts from {', which starts from '.join(circle[1:])}",
                    where=f"{entry_of(tier, circle[0])}.start",
                    fix="let one of them start from nothing, or name another `pretraining.base`",
                )
                break


def _tasks(
    tier: Mapping[str, Any],
    systems: Mapping[str, Any],
    corpora: Mapping[str, Corpus],
    texts: Mapping[str, Text],
    where: object,
) -> Problems:
    """Each corpus of a table or figure has the right task, and the vocabulary of its pre-trained systems."""
    for place, block in blocks_of(tier, SHOWN):
        for name in systems_of(block):
            if systems[name]["stage"] == "pretraining":
                yield InputError(
                    f"{name} is pre-trained on running text and decodes nothing",
                    where=f"{where}: {place}.systems",
                    fix="name a system of stage task that starts from it",
                )
        text = tier["pretraining"]["text"] if tier["pretraining"] else None
        for name in corpora_of(block):
            started = [system for system in systems_on(block, name) if systems[system]["start"]]
            vocabulary = texts[text].vocabulary if started and text else None
            task = _task_of(place, block, corpora)
            if name not in corpora:
                yield InputError(
                    f"{name} is running text, which is not decoded",
                    where=f"{where}: {place}",
                    fix="name a corpus",
                )
            elif corpora[name].task != task:
                others = "the paper's is" if place in _TASK_OF_BLOCK or place.startswith("figures") else "the first is"
                yield InputError(
                    f"{name} is a corpus of {corpora[name].task}, {others} of {task}",
                    where=f"{where}: {place}",
                    fix="name another corpus",
                )
            elif started and corpora[name].vocabulary != vocabulary:
                yield InputError(
                    f"{started[0]} uses the vocabulary {vocabulary!r}, {name} uses another",
                    where=f"{where}: {place}",
                    fix=f"give the corpus `vocabulary: {vocabulary}` in {tier['corpora_file']}",
                )


def _task_of(place: str, block: Mapping[str, Any], corpora: Mapping[str, Corpus]) -> str:
    """The task that the corpora of a block have: that of the paper's table, otherwise that of the first corpus."""
    if place in _TASK_OF_BLOCK or place.startswith("figures"):
        return _TASK_OF_BLOCK.get(place, "translation")
    first = corpora.get(corpora_of(block)[0])
    return first.task if first else "translation"


def _budget(tier: Mapping[str, Any], where: object) -> Problems:
    """With equal budgets, all rows of a corpus have the same training settings."""
    if tier["budget"] != "equal":
        return
    used = used_systems(tier)
    found = {f"{where}: {place}": block for place, block in blocks_of(tier, ("overrides",))}
    found |= {f"{tier['systems_file']}: {block['systems'][0]}": block for block in tier.get("entries", ())}
    for place, block in found.items():
        own = [name for name in block.get("systems", ()) if name in used]
        if own and "training" in block:
            yield InputError(
                f"different training settings for {', '.join(own)} only",
                where=f"{place}.training",
                fix="give them to all systems, or leave out `budget: equal`",
            )


def _length_beams(tier: Mapping[str, Any], systems: Mapping[str, Any], where: object) -> Problems:
    """No NAR system tries more lengths than it can predict; systems with the same numbers give one problem."""
    alike: dict[tuple[int, int], list[tuple[str, str]]] = {}
    for place, block in blocks_of(tier, SHOWN):
        for corpus, name in rows_of(block):
            if given_of(systems[name]):
                # Of a given model the weights say it.
                continue
            run = settings(tier, corpus=corpus, system=name)
            beam = run["decoding"]["length_beam"]
            classes = find_method(systems[name]["method"]).length_classes(run["model"])
            if "nar" in systems[name]["manners"] and beam > classes:
                alike.setdefault((beam, classes), []).append(
                    (place, f"{name} can predict {classes} lengths on {corpus}")
                )
    for (beam, _), found in alike.items():
        place, fact = found[0]
        yield InputError(
            f"length_beam is {beam}, and {fact}" + (f" ({len(found) - 1} more such rows)" if len(found) > 1 else ""),
            where=f"{where}: {place}",
            fix="lower `decoding.length_beam` or raise `model.length_classes`",
        )


def _baselines(tier: Mapping[str, Any], systems: Mapping[str, Any]) -> Problems:
    """The system that a system is compared with exists and decodes in the same manner."""
    file = tier["systems_file"]
    for system in used_systems(tier):
        for name in systems[system]["adds_to"]:
            yield from _unknown(name, systems, kind="system", where=f"{entry_of(tier, system)}.adds_to", file=file)
        entry, place = systems[system], f"{entry_of(tier, system)}.baselines"
        for manner, baseline in ((m, name) for m in entry["baselines"] for name in baselines(entry, m)):
            if baseline not in systems:
                yield from _unknown(baseline, systems, kind="system", where=place, file=file)
            elif manner not in systems[baseline]["manners"]:
                yield InputError(f"{baseline} does not decode as {manner}", where=place, fix="name another system")


def _asked(tier: Mapping[str, Any], systems: Mapping[str, Any]) -> Problems:
    """A system that decoding another one asks decodes as ar."""
    for system in used_systems(tier):
        place = f"{entry_of(tier, system)}.decoding"
        for name in asked_systems(tier, "", system):
            if not _decodes_as_ar(systems[name]):
                yield InputError(f"{name} does not decode as ar", where=place, fix="name another system")


def _rows(tier: Mapping[str, Any], systems: Mapping[str, Any]) -> Problems:
    """Labels are unique, and each row's method accepts its options and can decode as it is asked to."""
    names = used_systems(tier)
    for name, label, other in _shared({name: systems[name]["label"] for name in names}):
        yield InputError(
            f"the label {label!r} is also used by {other}",
            where=f"{entry_of(tier, name)}.label",
            fix="give each row its own label",
        )
    for name in names:
        if not decodes(systems[name]):
            continue
        try:
            method = method_of(systems[name])
            method.check_stage(systems[name]["stage"])
            run = settings(tier, corpus="", system=name)
            require_read(systems[name], run["decoding"])
            for manner in systems[name]["manners"]:
                Decoding.of(**decoding_settings(systems[name], run, manner=manner))
        except InputError as error:
            yield InputError(error.what, where=f"{entry_of(tier, name)}.{error.where}", fix=error.fix)


def _passes(tier: Mapping[str, Any], systems: Mapping[str, Any], where: object) -> Problems:
    """No table or figure asks a decoder with a fixed number of passes for another."""
    for place, block in blocks_of(tier, SHOWN):
        for name in systems_of(block):
            fixed = fixed_passes(systems[name])
            others = [count for count in block.get("passes", ()) if fixed and count != fixed]
            if others:
                yield InputError(
                    f"{name} decodes in {fixed} pass{'es' * (fixed > 1)}, not in {others[0]}",
                    where=f"{where}: {place}.systems",
                    fix="leave it out there",
                )


def _published(tier: Mapping[str, Any], systems: Mapping[str, Any], published: Published, where: object) -> Problems:
    """Columns and rows that a table shares with the paper exist in the paper.

    Otherwise rendering the table would fail after everything was computed.
    """
    for place, table in blocks_of(tier, ("tables",)):
        yield from _shared_columns(table, place, where)
        if place not in _TASK_OF_BLOCK:
            continue
        number = int(place.removeprefix("tables.table"))
        heads = [head.removesuffix(" AR") for head in published.score_columns(number) if not head.endswith(" NAR")]
        for corpus, column in table.get("columns", {}).items():
            if isinstance(column, str) and column not in heads:
                yield InputError(
                    f"the paper's Table {number} has no column {column!r}",
                    where=f"{where}: {place}.columns.{corpus}",
                    fix=f"choose from: {', '.join(heads)}; or write {{new: {column}}}",
                )
        rows = published.rows(number)
        for name in systems_of(table):
            for entry in systems[name]["published"]:
                if entry["table"] == number and entry["row"] not in rows:
                    yield InputError(
                        f"the paper's Table {number} has no row {entry['row']!r}",
                        where=f"{entry_of(tier, name)}.published",
                        fix=f"choose from: {', '.join(rows)}; or leave the entry out",
                    )


def _claims(
    tier: Mapping[str, Any],
    systems: Mapping[str, Any],
    published: Published,
    statements: Sequence[Statement],
    where: object,
) -> Problems:
    """The paper's claims are about rows of its tables, and a tier names only existing claims."""
    for statement in statements:
        try:
            check_rows(statement, published, systems)
        except InputError as error:
            yield error
    for name in tier["claims"].get("ids", ()):
        yield from _unknown(
            name,
            [one.id for one in statements],
            kind="claim",
            where=f"{where}: claims.ids",
            file=tier["claims_file"],
        )


def _shared_columns(table: Mapping[str, Any], place: str, where: object) -> Problems:
    """No two corpora fill the same column of a table."""
    columns = table.get("columns", {}).items()
    heads = {corpus: column if isinstance(column, str) else column["new"] for corpus, column in columns}
    for corpus, head, other in _shared(heads):
        yield InputError(
            f"the column {head!r} is also used by {other}",
            where=f"{where}: {place}.columns.{corpus}",
            fix="give each corpus its own column",
        )


def _shared(values: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """(key, value, first key) of every key whose value already occurred under an earlier key."""
    first: dict[str, str] = {}
    for key, value in values.items():
        if first.setdefault(value, key) != key:
            yield key, value, first[value]
