"""Consistency checks of a config that matches its schema: unknown names, and runs that could not finish.

All problems are reported together when a run is planned. Problems that depend on the data are found before a training
starts (`janus.plugin.epochs`).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from janus.claims.statements import Statement
from janus.config.checks.decoding import length_beam_problems, pass_problems
from janus.config.checks.given import given_problems
from janus.config.checks.names import name_problems
from janus.config.checks.paper import claim_problems, published_problems
from janus.config.checks.pretraining import pretraining_problems
from janus.config.checks.systems import asked_problems, baseline_problems, entry_problems
from janus.config.checks.tables import curve_problems, metric_problems, table_name_problems
from janus.config.checks.tasks import task_problems
from janus.config.checks.training import budget_problems, training_problems, width_problems
from janus.config.distilled import with_distilled
from janus.errors import require_none
from janus.fetching.manifest import Corpus, Text
from janus.report.published import Published


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
    require_none([*name_problems(tier, systems, corpora, texts, where), *table_name_problems(tier, where)])
    corpora = with_distilled(corpora, tier)
    require_none(pretraining_problems(tier, systems, texts, models, where))
    require_none(
        problem
        for problems in (
            task_problems(tier, systems, corpora, texts, where),
            budget_problems(tier, where),
            length_beam_problems(tier, systems, where),
            baseline_problems(tier, systems),
            asked_problems(tier, systems),
            entry_problems(tier, systems),
            pass_problems(tier, systems, where),
            published_problems(tier, systems, published, where) if published else (),
            claim_problems(tier, systems, published, statements, where) if published else (),
            given_problems(tier, systems, where),
            training_problems(tier, systems, where),
            width_problems(tier, systems, where),
            curve_problems(tier, where),
            metric_problems(tier, corpora, where),
        )
        for problem in problems
    )
