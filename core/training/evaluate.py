"""How good a version is, on the held-out rows that no version learns from."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.serving.scoring import NO_RULES, score_titles
from core.training.compare import macro_f1
from core.training.intervals import rate
from core.training.learning_rows import Rows
from core.training.versions import Evaluation
from models.answers import AnswerRules, Answers
from models.calibration_error import expected_calibration_error
from models.types import CategoryModel

CHUNK = 2_048  # rows answered at a time


@dataclass(frozen=True)
class CategoryMetrics:
    """Counts of one category on held-out rows; rates follow from them."""

    category_id: int
    n: int
    n_predicted: int
    n_correct: int
    n_correct_at_2: int
    n_correct_at_4: int

    def to_row(self) -> dict[str, Any]:
        """The values of a CategoryMetricRow but for the version."""
        precision = self.n_correct / self.n_predicted if self.n_predicted else None
        recall = self.n_correct / self.n if self.n else None
        both = self.n + self.n_predicted
        return {
            "category_id": self.category_id,
            "n": self.n,
            "n_predicted": self.n_predicted,
            "n_correct": self.n_correct,
            "n_correct_at_2": self.n_correct_at_2,
            "n_correct_at_4": self.n_correct_at_4,
            "precision": precision,
            "recall": recall,
            "f1": 2 * self.n_correct / both if both else None,
        }


def answer(
    model: CategoryModel, rows: Rows, on_progress: Callable[[float], None], rules: AnswerRules = NO_RULES
) -> Answers:
    """The model's first answers for all rows, chunk by chunk; without rules its own."""
    texts = rows.labeled.products
    parts = []
    for start in range(0, len(texts), CHUNK):
        parts.append(score_titles(model, texts.slice(start, start + CHUNK), rules=rules))
        on_progress(start / len(texts))
    return Answers.joined(parts)


def right_labels(
    labels: NDArray[np.int64], alternatives: Sequence[Sequence[int]], answers: Answers
) -> NDArray[np.int64]:
    """What each of N rows is judged by, (N,) category ids: the best answered of its label and what people accepted
    beside it (`alternatives`, N lists of category ids), or the label where none was answered."""
    judged = labels.copy()
    for row, accepted in enumerate(alternatives):
        if accepted:
            right = {int(labels[row]), *accepted}
            judged[row] = next((answer for answer in answers.ids[row].tolist() if answer in right), labels[row])
    return judged


def evaluate(labels: NDArray[np.int64], answers: Answers) -> Evaluation:
    """`labels` (N,) category ids, N > 0. A row whose category the model does not know counts as wrong."""
    n = len(labels)
    hits = answers.ids == labels[:, None]
    counts = count_categories(labels, answers)
    return Evaluation(
        p_at_1=rate(int(hits[:, :1].any(axis=1).sum()), n),
        p_at_2=rate(int(hits[:, :2].any(axis=1).sum()), n),
        p_at_4=rate(int(hits[:, :4].any(axis=1).sum()), n),
        macro_f1=macro_f1(
            {c.category_id: (c.n, c.n_correct) for c in counts if c.n},
            {c.category_id: c.n_predicted for c in counts},
        ),
        ece=expected_calibration_error(answers.probs[:, 0], hits[:, 0]),
        n_categories=sum(c.n > 0 for c in counts),
    )


def count_categories(labels: NDArray[np.int64], answers: Answers) -> list[CategoryMetrics]:
    """Every category that is a label or a first answer, by id."""
    hits = answers.ids == labels[:, None]
    n, predicted = Counter(labels.tolist()), Counter(answers.ids[:, 0].tolist())
    correct = {k: Counter(labels[hits[:, :k].any(axis=1)].tolist()) for k in (1, 2, 4)}
    return [
        CategoryMetrics(c, n[c], predicted[c], correct[1][c], correct[2][c], correct[4][c])
        for c in sorted(n.keys() | predicted.keys())
    ]
