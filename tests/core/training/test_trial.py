"""A try of a model: judged by what versions are judged by, and cancelled wherever it is."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from scipy import sparse

from core.errors import JobCancelled
from core.jobs.context import JobContext
from core.runtime import Runtime
from core.training import trial
from core.training.learning_rows import LearningRows, Rows
from core.training.training_settings import TrainingSettings
from core.training.trial import JUDGED_FOLD, Trial, run_trial, split_for_trials
from models.answers import Answers
from models.types import FitProgress, LabeledProducts, Products


def make_rows() -> LearningRows:
    """Categories 10 and 20; the first two of six rows are in the judged fold, the second has 20 accepted beside 10."""
    accepted = np.zeros((6, 2), np.bool_)
    accepted[1, 1] = True
    texts = [f"바지 {row}" for row in range(6)]
    labeled = LabeledProducts(
        Products(texts, [""] * 6, [""] * 6),
        np.array([0, 0, 0, 0, 1, 1]),
        np.ones(6, np.float32),
        sparse.csr_matrix(accepted),
    )
    train = Rows(list(range(6)), labeled, [False] * 6, [None] * 6, [JUDGED_FOLD] * 2 + [3] * 4)
    nothing = train.take(np.empty(0, np.int64))
    whole = LearningRows([10, 20], train, nothing, nothing, [], [], np.array([[10], [20]]))
    return split_for_trials(whole, 0, seed=1)


def run(runtime: Runtime, folder: Path, on_progress: Any) -> trial.Judged:
    context = cast(JobContext, SimpleNamespace(runtime=runtime, log=lambda line: None))
    rule = {"id": 1, "category_id": 10, "keyword": "여성", "action": "drop_row", "match": "whole_word"}
    return run_trial(context, Trial(make_rows(), [rule], [], 1), TrainingSettings(), folder, on_progress)


def test_what_people_accepted_counts_as_right(
    sqlite_runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Answers(
        np.array([[20, 10], [20, 10]]), np.full((2, 2), 0.5, np.float32), np.zeros(2, np.bool_), np.full(2, -1)
    )
    monkeypatch.setattr(trial, "fit_encoder", lambda *asked: None)
    monkeypatch.setattr(trial, "answer", lambda *asked: answers)
    judged = run(sqlite_runtime, tmp_path, lambda progress: None)
    assert judged.right_within(1).tolist() == [False, True]
    assert judged.right_within(2).tolist() == [True, True]


def test_preparing_can_be_cancelled(sqlite_runtime: Runtime, tmp_path: Path) -> None:
    def cancel(progress: FitProgress) -> None:
        raise JobCancelled()

    with pytest.raises(JobCancelled):
        run(sqlite_runtime, tmp_path / "trial", cancel)
    assert not list((tmp_path / "trial").iterdir())  # no fit was begun
