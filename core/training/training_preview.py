"""What a training would learn from now, what it would leave out and why, and whether it is possible at all."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from core.curation.caps import row_limits
from core.errors import N_, AppError, TooFewLabels
from core.runtime import Runtime
from core.training.snapshot import map_unusable_categories
from core.training.usable_rows import MIN_TRAIN_ROWS
from db import labels_for_training, snapshots

LEAST_LABELED = 2 * MIN_TRAIN_ROWS  # some are held out


@dataclass(frozen=True)
class TrainingPreview:
    """Counts of labeled products. `left_out` says why and how many: cannot_tell, bad_listing, retired_category,
    not_a_leaf, too_few_rows, between_folds."""

    by_source: dict[str, int]  # to be learned from, test and validation rows included
    n_categories: int
    left_out: dict[str, int]
    since_version: str | None  # the newest version; none: nothing was trained yet
    n_new_decisions: int  # that stand, since that version's snapshot
    obstacle: AppError | None  # why training is not possible
    category_rows: tuple[int, ...] = ()  # of each learned category, the most first

    @property
    def n_rows(self) -> int:
        return sum(self.by_source.values())

    def rows_kept(self, cap: str, constant: int | None) -> int:
        """About how many of the rows a cap leaves, were all of them for training."""
        return int(row_limits(np.asarray(self.category_rows, np.int64), cap, constant).sum())


def preview_training(runtime: Runtime, min_rows: int) -> TrainingPreview:
    """Counted from the products' current labels in one pass of the database; no file is written."""
    unusable = map_unusable_categories(runtime)
    with runtime.sessions.read() as session:
        rows = labels_for_training.count_usable(session)
        left_out = Counter(labels_for_training.count_undecidable(session))
        left_out["between_folds"] = labels_for_training.count_between_folds(session)
        latest = snapshots.find_latest_learned(session)
        n_new_decisions = snapshots.count_decisions_after(session, latest[1] if latest else 0)
    per_category: Counter[int] = Counter()
    for category_id, _, n in rows:
        per_category[category_id] += n
    by_source: Counter[str] = Counter()
    for category_id, source, n in rows:
        if category_id in unusable:
            left_out[unusable[category_id]] += n
        elif per_category[category_id] < min_rows:
            left_out["too_few_rows"] += n
        else:
            by_source[source.value] += n
    learned = [n for category_id, n in per_category.items() if n >= min_rows and category_id not in unusable]
    n_categories = len(learned)
    return TrainingPreview(
        by_source=dict(by_source),
        n_categories=n_categories,
        left_out={reason: n for reason, n in left_out.items() if n},
        since_version=latest[0] if latest else None,
        n_new_decisions=n_new_decisions,
        obstacle=_obstacle(by_source.total(), n_categories),
        category_rows=tuple(sorted(learned, reverse=True)),
    )


def _obstacle(n_rows: int, n_categories: int) -> AppError | None:
    if n_rows >= LEAST_LABELED and n_categories >= 2:
        return None
    return TooFewLabels(
        N_("{n} usable labels in {n_categories} categories: training needs at least {least} in two categories."),
        n=n_rows,
        n_categories=n_categories,
        least=LEAST_LABELED,
    )
