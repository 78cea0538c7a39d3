"""A version judged on held-out rows: its own answers, those that are served, and how far it can be believed."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.catalogue.taxonomy import load_categories
from core.curation.seasons import count_by_month
from core.runtime import Runtime
from core.training.abstention import measure_abstention
from core.training.cleaned_error import measure_cleaned_error
from core.training.evaluate import Answers, answer, count_categories, evaluate, right_labels
from core.training.learning_rows import LearningRows
from core.training.versions import Abstention, CleanedError, Evaluation
from models.answers import AnswerRules
from models.calibration_error import ReliabilityBin, reliability_bins
from models.types import CategoryModel


@dataclass(frozen=True)
class HeldOut:
    """What is known of a version from its held-out rows.

    `test` and `human` are about the model's own answers on all rows, also where the right category is one that is left
    out of recommendation; `as_served` (none when nothing is left out) is about what people get to see.
    """

    test: Evaluation
    human: Evaluation | None  # on the rows that a person labeled
    as_served: Evaluation | None
    reliability: list[ReliabilityBin]
    ece_cleaned: CleanedError | None  # without suspected labels; none when no search has looked at these rows
    abstention: Abstention | None  # none without thresholds
    category_rows: list[dict[str, Any]]
    months: dict[str, list[int]]  # month of the year -> [rows answered right, rows]; rows without a date are left out
    served: Answers  # of all rows, as the predictions table keeps them

    def to_metrics(self) -> dict[str, Any]:
        """What is kept with the version."""
        return {
            "test": self.test.to_dict(),
            "human": self.human.to_dict() if self.human else None,
            "as_served": self.as_served.to_dict() if self.as_served else None,
            "reliability": [asdict(part) for part in self.reliability],
            "ece_cleaned": asdict(self.ece_cleaned) if self.ece_cleaned else None,
            "abstention": self.abstention.to_dict() if self.abstention else None,
            "months": self.months,
        }


def judge(
    runtime: Runtime,
    model: CategoryModel,
    rows: LearningRows,
    rules: AnswerRules,
    on_progress: Callable[[float], None],
) -> HeldOut:
    """Judge the model on all test rows; `on_progress` (0..1) may raise to end it."""
    labels = np.asarray(rows.test_labels, dtype=np.int64)
    served = answer(model, rows.test, on_progress, rules)
    own = answer(model, rows.test, on_progress) if rules.left_out else served
    own_labels = right_labels(labels, rows.test_alternatives, own)
    served_labels = right_labels(labels, rows.test_alternatives, served)
    thresholds = rules.thresholds
    confidences, is_right = own.probs[:, 0], own.ids[:, 0] == own_labels
    return HeldOut(
        test=evaluate(own_labels, own),
        human=_on_human_labels(own_labels, own, rows.test.is_human),
        as_served=evaluate(served_labels, served) if rules.left_out else None,
        reliability=reliability_bins(confidences, is_right),
        ece_cleaned=measure_cleaned_error(runtime, rows.test.product_ids, confidences, is_right),
        abstention=measure_abstention(served_labels, served, thresholds, load_categories(runtime))
        if thresholds
        else None,
        category_rows=_category_rows(own_labels, own, rules),
        months=count_by_month(rows.test.registered_at, is_right),
        served=served,
    )


def _category_rows(labels: NDArray[np.int64], answers: Answers, rules: AnswerRules) -> list[dict[str, Any]]:
    """A row of metrics a category; without thresholds nothing is said of them."""
    chosen = rules.thresholds.by_category if rules.thresholds else {}
    found = []
    for counts in count_categories(labels, answers):
        threshold = chosen.get(counts.category_id)
        facts = {"threshold": threshold and threshold.value, "n_calibration": threshold and threshold.n}
        found.append(counts.to_row() | facts)
    return found


def _on_human_labels(labels: NDArray[np.int64], answers: Answers, is_human: list[bool]) -> Evaluation | None:
    chosen = np.asarray(is_human, dtype=bool)
    return evaluate(labels[chosen], answers.take(chosen)) if chosen.any() else None
