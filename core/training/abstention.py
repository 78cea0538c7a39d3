"""When a version says 'hard to predict': its thresholds from validation rows, and what they do on held-out rows."""

from collections import Counter
from collections.abc import Mapping
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.catalogue.taxonomy import Category
from core.runtime import Runtime
from core.serving.answer_rules import left_out_ids
from core.training.intervals import rate
from core.training.learning_rows import LearningRows
from core.training.training_settings import TrainingSettings
from core.training.versions import Abstention
from models.answers import NOWHERE, AnswerRules, Answers
from models.thresholds import Thresholds
from models.types import CategoryModel

CHANCE = 0.05  # a category misses the target when so few sure answers right are less likely than this


def too_few_rows(rows: LearningRows, settings: TrainingSettings) -> list[int]:
    """Ids of the categories that have fewer training rows than may be suggested."""
    counts = np.bincount(rows.train.labeled.labels, minlength=len(rows.class_ids))
    return [id_ for id_, n in zip(rows.class_ids, counts, strict=True) if n < settings.min_recommended_rows]


def choose_rules(
    runtime: Runtime, model: CategoryModel, rows: LearningRows, settings: TrainingSettings, config: Mapping[str, Any]
) -> AnswerRules:
    """What `config` (the version's) leaves out, and thresholds chosen on the validation rows with that left out.

    The same rows chose the temperature before, and a few more numbers (docs/decisions, 10). All of them count here,
    suspected labels too: leaving out what the model contradicts would make the promise too easy. Near-duplicates, which
    lie in one fold, count once.
    """
    from core.training.near_duplicates import group_titles
    from models.answering import answer_sums
    from models.thresholds import choose_thresholds

    left_out, validation = left_out_ids(runtime, config), rows.validation.labeled
    if not settings.target_precision or not len(validation):
        return AnswerRules(None, left_out)
    answers, sums = answer_sums(model, validation.products, rows.class_paths, left_out)
    groups = group_titles(validation.products.titles)
    thresholds = choose_thresholds(
        answers, sums, validation.labels, rows.class_paths, settings.target_precision, groups
    )
    return AnswerRules(thresholds, left_out)


def measure_abstention(
    labels: NDArray[np.int64], answers: Answers, thresholds: Thresholds, categories: Mapping[int, Category]
) -> Abstention:
    """On held-out rows: `labels` (N,) category ids, `answers` as they are served."""
    sure, right = ~answers.abstained, answers.ids[:, 0] == labels
    backed = np.flatnonzero(answers.abstained & (answers.back_off_ids != NOWHERE))
    n_within = sum(
        int(answers.back_off_ids[row]) in _with_ancestors(int(labels[row]), categories) for row in backed.tolist()
    )
    said, wrong = Counter(answers.ids[sure, 0].tolist()), Counter(answers.ids[sure & ~right, 0].tolist())
    n = len(labels)
    return Abstention(
        target=thresholds.target,
        n_calibration=thresholds.n,
        coverage=rate(int(sure.sum()), n),
        precision=rate(int((sure & right).sum()), int(sure.sum())),
        backed_off=rate(len(backed), n),
        back_off_precision=rate(n_within, len(backed)),
        n_categories=len(said),
        n_missed=sum(_misses(n_said, wrong[id_], thresholds.target) for id_, n_said in said.items()),
    )


def _with_ancestors(category_id: int, categories: Mapping[int, Category]) -> set[int]:
    found, node = {category_id}, categories.get(category_id)
    while node is not None and node.parent_id is not None:
        found.add(node.parent_id)
        node = categories.get(node.parent_id)
    return found


def _misses(n: int, n_wrong: int, target: float) -> bool:
    """Whether so many wrong of n are too many for chance: one-sided binomial test."""
    fewer = sum(comb(n, k) * (1 - target) ** k * target ** (n - k) for k in range(n_wrong))
    return 1 - fewer < CHANCE
