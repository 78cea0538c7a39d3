"""From a snapshot's rows to the rows that a version learns from, step by step.

Only TRAINING rows are changed: validation and test rows stay as they are in the snapshot, with every word, month and
label, because they stand for the products that the version will meet. Otherwise a rule or cap would make a version
look better by making its test easier. Two exceptions: validation rows of a category that lost its last training
row are left out, for nothing could answer with it; its test rows stay and count as wrong. And validation rows whose
label is suspected to be wrong have weight 0: they do not help to choose the temperature.

What was done is in `PreparedRows.facts`, kept with the version. With the same snapshot, settings and rules the same
rows come out, so a killed training goes on from its checkpoint.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.curation.applying import apply_rules
from core.curation.caps import kept_rows, summarise_cap
from core.curation.noise_treatment import treat_noise
from core.curation.seasons import month_weights, summarise_months
from core.errors import N_
from core.runtime import Runtime
from core.training.encoder_settings import encoder_config
from core.training.learning_rows import LearningRows, Rows
from core.training.reading_pace import ReadingPace
from core.training.suspected_labels import set_suspects_aside
from core.training.training_settings import TrainingSettings
from models.types import LabeledProducts

Facts = dict[str, Any]


@dataclass(frozen=True)
class Preparation:
    """What the steps are given beside the rows."""

    runtime: Runtime
    settings: TrainingSettings
    rules: Sequence[Mapping[str, Any]]  # exclusion rules as `ExclusionRule.to_dict`, kept from the first attempt on
    folder: Path  # for what a step would not do twice; survives a kill
    device: str  # auto, cpu, cuda
    report: Callable[..., None]  # how far the step is (0..1), its name, live numbers by name; raises to cancel
    log: Callable[[str], None]
    snapshot_id: int | None = None  # which rows these are; none: nobody knows
    suspects: Sequence[int] = ()  # `list_suspects` of the first attempt


@dataclass(frozen=True)
class PreparedRows:
    """Rows ready to fit on, and what was done to them: plain values by the step's name."""

    rows: LearningRows
    facts: Facts


@dataclass(frozen=True)
class Step:
    """One thing done to the rows: `run` returns them with facts to keep."""

    name: str  # in the version's facts
    stage: str  # what people read meanwhile
    is_wanted: Callable[[Preparation], bool]
    run: Callable[[Preparation, LearningRows], tuple[LearningRows, Facts]]


def prepare_rows(work: Preparation, rows: LearningRows) -> PreparedRows:
    """Do the wanted steps in their order; each sees what the one before left."""
    facts: Facts = {}
    wanted = [step for step in STEPS if step.is_wanted(work)]
    for place, step in enumerate(wanted):
        work.report(place / len(wanted), step.stage)
        rows, facts[step.name] = step.run(replace(work, report=_share(work.report, place, len(wanted))), rows)
        work.log(f"{step.stage}: {_in_short(facts[step.name])}")
    return PreparedRows(_without_unlearned(rows), facts)


def _in_short(facts: Facts) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items() if not isinstance(value, list))


def _share(report: Callable[..., None], place: int, n: int) -> Callable[..., None]:
    return lambda fraction, stage, **detail: report((place + fraction) / n, stage, **detail)


def exclude(work: Preparation, rows: LearningRows) -> tuple[LearningRows, Facts]:
    """Apply the exclusion rules to the titles."""
    train = rows.train
    paths = [[node for node in path if node >= 0] for path in rows.class_paths.tolist()]
    applied = apply_rules(work.rules, train.labeled.products.titles, paths, train.labeled.labels)
    kept = train.take(applied.kept)
    products = replace(kept.labeled.products, titles=applied.titles)
    facts: Facts = {
        "rules": [dict(rule) | {"rows": applied.rows_of_rule[rule["id"]]} for rule in work.rules],
        "rows_dropped": applied.n_dropped,
        "rows_emptied": applied.n_emptied,
        "rows_changed": applied.n_changed,
    }
    return replace(rows, train=replace(kept, labeled=replace(kept.labeled, products=products))), facts


def cap(work: Preparation, rows: LearningRows) -> tuple[LearningRows, Facts]:
    """Leave at most so many rows in a category; the tokenizer reads only these too."""
    settings, train = work.settings, rows.train
    labels = train.labeled.labels
    product_ids, is_human = np.asarray(train.product_ids, np.int64), np.asarray(train.is_human, bool)
    kept = kept_rows(labels, product_ids, is_human, settings.cap, settings.cap_constant, settings.seed)
    before, after = (np.bincount(found, minlength=len(rows.class_ids)) for found in (labels, labels[kept]))
    return replace(rows, train=train.take(kept)), summarise_cap(before, after)


def even_out_months(work: Preparation, rows: LearningRows) -> tuple[LearningRows, Facts]:
    """Let every month of the year count about the same."""
    train = rows.train
    weights = month_weights(train.registered_at)
    labeled = replace(train.labeled, weights=train.labeled.weights * weights)
    return replace(rows, train=replace(train, labeled=labeled)), summarise_months(train.registered_at, weights)


def look_at_images(work: Preparation, rows: LearningRows) -> tuple[LearningRows, Facts]:
    """Attach what the image network sees of each product, of validation and test rows too.

    Training rows get their groups of near-duplicates: the fusion's folds must not part them.
    """
    from core.training.near_duplicates import group_titles
    from core.training.product_images import attach_images

    pace = ReadingPace(len(rows.train) + len(rows.validation) + len(rows.test))
    told = lambda fraction: work.report(fraction, N_("reading images"), **pace(fraction))  # noqa: E731
    labeled = replace(rows.train.labeled, groups=group_titles(rows.train.labeled.products.titles))
    rows = replace(rows, train=replace(rows.train, labeled=labeled))
    return attach_images(work.runtime, rows, work.device, told, work.log)


def treat_suspects(work: Preparation, rows: LearningRows) -> tuple[LearningRows, Facts]:
    """Leave rows out, or mend their labels, where out-of-fold answers contradict them."""
    settings = work.settings
    treated = treat_noise(
        work.runtime,
        rows,
        settings.noise,
        snapshot_id=work.snapshot_id,
        encoder=settings.encoder,
        config=encoder_config(settings),
        device=work.device,
        folder=work.folder / "noise",
        seed=settings.seed,
        on_share=work.report,
    )
    return treated.rows, treated.facts


STEPS = (
    Step(
        "suspected_labels",
        N_("setting suspected labels aside"),
        lambda work: bool(work.suspects),
        lambda work, rows: set_suspects_aside(work.suspects, rows),
    ),
    Step(
        "noise",
        N_("looking for wrong labels"),
        lambda work: work.settings.noise in ("filter", "refurbish"),
        treat_suspects,
    ),
    Step("exclusions", N_("applying exclusion rules"), lambda work: bool(work.rules), exclude),
    Step("cap", N_("capping crowded categories"), lambda work: work.settings.cap != "none", cap),
    Step("months", N_("evening out the months"), lambda work: work.settings.even_months, even_out_months),
    Step("images", N_("reading images"), lambda work: work.settings.use_images, look_at_images),
)


def _without_unlearned(rows: LearningRows) -> LearningRows:
    """Take categories that lost their last training row out of `class_ids`, and renumber the labels."""
    n_rows = np.bincount(rows.train.labeled.labels, minlength=len(rows.class_ids))
    if n_rows.all():
        return rows
    learned = np.flatnonzero(n_rows)
    places = np.full(len(rows.class_ids) + 1, -1, np.int64)  # the last is for -1 itself
    places[learned] = np.arange(len(learned))

    def renumbered(part: Rows) -> Rows:
        labeled: LabeledProducts = part.labeled
        alternatives = None if labeled.alternatives is None else labeled.alternatives[:, learned]
        return replace(part, labeled=replace(labeled, labels=places[labeled.labels], alternatives=alternatives))

    validation = renumbered(rows.validation)
    known = np.flatnonzero(validation.labeled.labels >= 0)
    return replace(
        rows,
        class_ids=[rows.class_ids[place] for place in learned.tolist()],
        train=renumbered(rows.train),
        validation=validation.take(known),
        test=renumbered(rows.test),
        class_paths=rows.class_paths[learned],
    )
