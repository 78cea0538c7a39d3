"""Wrong labels found out of fold: what is found, what is trusted, what a kill leaves, how little is kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.noise.judging import judge_labels
from models.noise.kept_answers import KeptAnswers, mixed
from models.noise.out_of_fold import Answering
from models.noise.text_space import OutOfFold, TextSpace
from models.noise.treatment import filter_rows, issues, refurbish_rows
from models.types import FitTask, LabeledProducts
from tests.models.made_up import CLASS_IDS, QUICK, ignore, make_rows

N, N_FOLDS = 320, 4
WRONG = np.arange(0, N, 10)


def noisy_rows() -> tuple[LabeledProducts, np.ndarray]:
    rows = make_rows(N)
    labels = rows.labels.copy()
    labels[WRONG] = (labels[WRONG] + 1) % 8
    return replace(rows, labels=labels), rows.labels


def asked(rows: LabeledProducts, folder: Path) -> Answering:
    plan = OutOfFold(rows.labels, np.arange(N) % N_FOLDS, np.ones(N, bool), 8)
    task = FitTask(rows, make_rows(40, seed=1), CLASS_IDS, QUICK.to_dict(), "cpu", folder, ignore)
    return Answering("joint", task, plan)


class Stopped(Exception):
    """Somebody ended the search."""


def test_wrong_labels_are_found_and_mended_and_a_kill_changes_nothing(tmp_path: Path) -> None:
    rows, truth = noisy_rows()
    trusted = np.zeros(N, bool)
    trusted[WRONG[:4]] = True

    def stop(share: float, stage: str) -> None:
        if share > 0.5:
            raise Stopped

    with pytest.raises(Stopped):
        judge_labels(asked(rows, tmp_path), trusted, stop)
    found = judge_labels(asked(rows, tmp_path), trusted, lambda share, stage: None)
    assert (found.label_quality_score[WRONG[:4]] == 1.0).all()
    suspected = issues(found)
    assert suspected[WRONG[4:]].mean() > 0.8
    assert suspected[np.setdiff1d(np.arange(N), WRONG)].mean() < 0.05
    assert (found.suggested[WRONG[4:]] == truth[WRONG[4:]]).mean() > 0.9

    kept, dropped = filter_rows(found)
    assert len(kept) + dropped.sum() == N
    kept, labels = refurbish_rows(found, rows.labels)
    assert (labels[kept] == truth[kept]).mean() > 0.97


def test_rows_that_do_not_learn_teach_nobody_and_are_judged() -> None:
    rows = make_rows(80)
    labels = np.where(np.arange(80) < 40, rows.labels, 0)
    plan = OutOfFold(labels, np.arange(80) % 2, np.arange(80) < 40, 8)
    found = TextSpace(rows.products).ask_centres(plan, np.ones(80, np.float32), lambda share: None)
    answers = found.dense(slice(40, 80)).argmax(1)
    assert (answers == rows.labels[40:]).mean() > 0.4  # of 8 categories
    assert all((learning < 40).all() for learning, _ in plan.parts())


def test_a_category_nobody_else_teaches_has_no_support() -> None:
    plan = OutOfFold(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 0]), np.ones(4, bool), 2)
    assert plan.support().tolist() == [1, 1, 0, 0]


def test_the_best_probabilities_are_kept_and_the_rest_is_spread() -> None:
    exact = np.random.default_rng(0).dirichlet(np.full(200, 0.05), 10).astype(np.float32)
    kept = KeptAnswers.empty(10, 200)
    kept.put(np.arange(10), exact)
    dense = kept.dense(slice(0, 10))
    assert dense.sum(1) == pytest.approx(np.ones(10), abs=1e-5)
    assert np.abs(dense - exact).max() < 0.02
    assert (mixed([kept, kept], np.arange(3)).argmax(1) == exact[:3].argmax(1)).all()


def test_held_out_titles_teach_the_text_space_nothing() -> None:
    rows, learns = make_rows(80), np.arange(80) < 60
    others = replace(rows.products, titles=[*rows.products.titles[:60], *["전혀 다른 말 몇 개"] * 20])
    mine, theirs = (TextSpace(products, learns) for products in (rows.products, others))
    assert mine.rows[:60].shape == theirs.rows[:60].shape
    assert (mine.rows[:60] != theirs.rows[:60]).nnz == 0
    assert (mine.telling[:60] != theirs.telling[:60]).nnz == 0
