"""One try of a model for choosing between several: fitted on a frozen snapshot, judged on a training fold held apart.

The test rows are left alone: who chooses by them could not judge the chosen one with them any more.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.curation.exclusions import list_rules
from core.errors import N_, TooFewLabels
from core.jobs.context import JobContext
from core.json_file import read_json, write_json
from core.training.compare import macro_f1
from core.training.evaluate import answer, count_categories, right_labels
from core.training.fit_rows import fit_encoder, resolve_training_device
from core.training.learning_rows import LearningRows, read_snapshot
from core.training.prepare import Preparation, prepare_rows
from core.training.snapshot import Snapshot, get_snapshot, take_snapshot
from core.training.splits import assign_folds
from core.training.suspected_labels import list_suspects
from core.training.training_settings import TrainingSettings
from models.types import FitProgress, OnProgress

JUDGED_FOLD = 2  # one of the training folds 2..9
LEAST_JUDGED = 30
HUMAN_WEIGHT = TrainingSettings.human_weight


@dataclass(frozen=True)
class Trial:
    """What all tries of a job share. `rows.test` are the judged rows, not the test fold."""

    rows: LearningRows
    rules: list[dict[str, object]]
    suspects: list[int]  # validation rows set aside
    snapshot_id: int

    @property
    def n_judged(self) -> int:
        return len(self.rows.test_labels)


@dataclass(frozen=True)
class Judged:
    """A fitted model's answers on the judged rows."""

    labels: NDArray[np.int64]  # (N,) category ids
    hits: NDArray[np.bool_]  # (N, at most 5): is it, or one accepted beside it, among the first 1 .. 5 answers
    macro_f1: float | None
    n_train: int
    fit_seconds: float
    titles_per_second: float

    def right_within(self, k: int) -> NDArray[np.bool_]:
        """(N,): is a right category among the first k answers? A model of fewer categories answers with all it has."""
        return self.hits[:, min(k, self.hits.shape[1]) - 1]  # type: ignore[no-any-return]


def frozen_trial_rows(context: JobContext, min_rows: int, max_rows: int, seed: int) -> Trial:
    """Freeze what is known (once a job, whatever is killed) and split it for tries: at most `max_rows` train (0: all).

    Raises TooFewLabels when there is too little to judge on.
    """
    state_file = context.folder / "trial.json"
    state = read_json(state_file)
    if state is None:
        snapshot = _freeze(context, min_rows)
        state = {"snapshot_id": snapshot.id, "rules": [rule.to_dict() for rule in list_rules(context.runtime)]}
        write_json(state_file, state)
    frozen = get_snapshot(context.runtime, state["snapshot_id"])
    assert frozen is not None, "a snapshot's row stays"
    whole = read_snapshot(context.runtime, frozen)
    if "suspects" not in state:
        state |= {"suspects": list_suspects(context.runtime, whole)}
        write_json(state_file, state)
    rows = split_for_trials(whole, max_rows, seed)
    if len(rows.test_labels) < LEAST_JUDGED or len(rows.class_ids) < 2:
        raise TooFewLabels(
            N_("Only {n} products could be judged on: label at least {least} more before comparing models."),
            n=len(rows.test_labels),
            least=LEAST_JUDGED,
        )
    return Trial(rows, state["rules"], state["suspects"], frozen.id)


def _freeze(context: JobContext, min_rows: int) -> Snapshot:
    runtime = context.runtime
    assign_folds(runtime, lambda fraction: context.report(0.02 * fraction, N_("grouping near-duplicates")))
    return take_snapshot(
        runtime,
        min_rows,
        HUMAN_WEIGHT,
        lambda fraction: context.report(0.02 + 0.03 * fraction, N_("freezing a snapshot")),
    )


def split_for_trials(rows: LearningRows, max_rows: int, seed: int) -> LearningRows:
    """Training rows without the judged fold, which stands in for the test rows; near-duplicates share a fold."""
    folds = np.asarray(rows.train.folds)
    judged, learned = np.flatnonzero(folds == JUDGED_FOLD), np.flatnonzero(folds != JUDGED_FOLD)
    if 0 < max_rows < len(learned):
        learned = np.sort(np.random.default_rng(seed).permutation(learned)[:max_rows])
    class_ids = np.asarray(rows.class_ids, np.int64)
    accepted = rows.train.labeled.alternatives
    return replace(
        rows,
        train=rows.train.take(learned),
        test=rows.train.take(judged),
        test_labels=class_ids[rows.train.labeled.labels[judged]].tolist(),
        test_alternatives=[[] if accepted is None else class_ids[accepted[row].indices].tolist() for row in judged],
    )


def run_trial(
    context: JobContext, trial: Trial, settings: TrainingSettings, folder: Path, on_progress: OnProgress
) -> Judged:
    """Prepare, fit and judge one model. `folder` keeps its checkpoints. Raises NotReady when it cannot be trained."""
    work = Preparation(
        runtime=context.runtime,
        settings=settings,
        rules=trial.rules,
        folder=folder,
        device=resolve_training_device(settings.device or context.runtime.settings.device),
        report=lambda fraction, stage, **detail: on_progress(FitProgress(stage, 0.0)),  # raises if cancelled
        log=context.log,
        suspects=trial.suspects,
    )
    folder.mkdir(parents=True, exist_ok=True)
    rows = prepare_rows(work, trial.rows).rows
    began = time.monotonic()
    model = fit_encoder(settings, rows, work.device, folder, on_progress)
    fitted = time.monotonic()
    answers = answer(model, rows.test, _ignore)
    labels = np.asarray(rows.test_labels, np.int64)
    right = right_labels(labels, rows.test_alternatives, answers)
    counts = count_categories(right, answers)
    return Judged(
        labels=labels,
        hits=np.logical_or.accumulate(answers.ids == right[:, None], axis=1),
        macro_f1=macro_f1(
            {c.category_id: (c.n, c.n_correct) for c in counts if c.n}, {c.category_id: c.n_predicted for c in counts}
        ),
        n_train=len(rows.train),
        fit_seconds=fitted - began,
        titles_per_second=len(labels) / max(time.monotonic() - fitted, 1e-9),
    )


def _ignore(fraction: float) -> None:
    """Judging is quick beside fitting."""
