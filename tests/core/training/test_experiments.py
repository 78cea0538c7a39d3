"""Experiments: encoders x caps on one snapshot, judged on a training fold held apart, with advice in words."""

from dataclasses import replace

import pytest

from core.errors import Forbidden, InvalidInput, NotFound
from core.jobs import context
from core.jobs.queue import cancel_job, get_job
from core.runtime import Runtime
from core.training.experiment_advice import advise
from core.training.experiments import (
    ExperimentSettings,
    Run,
    enqueue_experiment,
    get_experiment,
    list_experiments,
)
from core.training.learning_rows import read_snapshot
from core.training.snapshot import get_snapshot
from core.training.trial import JUDGED_FOLD, split_for_trials
from core.types import Actor
from db.enums import Fold, JobStatus, Role
from tests.core.training.shelf import fill_shelf
from tests.core.training.test_train import run_next

QUICK = ExperimentSettings(encoders=("joint",), caps=("none", "uniform"), cap_constant=20, epochs=2)


def made_up(encoder: str, right: int, seconds: float, shares: list[float], high: float | None = None) -> Run:
    return Run(
        encoder,
        "none",
        100,
        200,
        {1: right, 2: right, 4: right},
        0.5,
        {2: shares},
        seconds,
        1000.0,
        None,
        -0.01,
        -0.05,
        high,
    )


def test_every_pair_is_judged_on_rows_that_no_version_is_tested_on(sqlite_runtime: Runtime, actor: Actor) -> None:
    fill_shelf(sqlite_runtime, n=150)
    enqueue_experiment(sqlite_runtime, actor, QUICK)
    job = run_next(sqlite_runtime)
    assert job.status == JobStatus.SUCCEEDED, job.error
    experiment = get_experiment(sqlite_runtime, job.result["experiment_id"])
    assert [(run.encoder, run.cap) for run in experiment.runs] == [("joint", "none"), ("joint", "uniform")]
    uncapped, capped = experiment.runs
    assert capped.n_train <= 60 < uncapped.n_train
    assert uncapped.n == capped.n == job.result["n"] >= 30
    assert uncapped.precision(1).value == pytest.approx(uncapped.n_right[1] / uncapped.n)
    assert uncapped.n_right[1] <= uncapped.n_right[2] <= uncapped.n_right[4]
    assert uncapped.quartiles(1)
    assert {run.difference for run in experiment.runs} & {None}  # the best is not set beside itself
    assert experiment.finished_at
    assert experiment.settings == QUICK
    snapshot = get_snapshot(sqlite_runtime, experiment.snapshot_id or 0)
    assert snapshot
    whole = read_snapshot(sqlite_runtime, snapshot)
    rows = split_for_trials(whole, 50, seed=1)
    assert len(rows.train) == 50
    assert set(rows.test.folds) == {JUDGED_FOLD}
    assert not {Fold.TEST, Fold.VALIDATION, JUDGED_FOLD} & set(rows.train.folds)
    assert not set(rows.test.product_ids) & set(whole.test.product_ids)
    assert list_experiments(sqlite_runtime) == [experiment]


def test_a_cancelled_experiment_keeps_what_is_done(
    sqlite_runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "REPORT_SECONDS", 0.0)
    fill_shelf(sqlite_runtime, n=150)
    job_id = enqueue_experiment(sqlite_runtime, actor, QUICK)

    def cancel_in_second(fraction: float, stage: str, detail: dict[str, object]) -> None:
        if detail.get("run") == "joint / uniform":
            cancel_job(sqlite_runtime, actor, job_id)

    run_next(sqlite_runtime, cancel_in_second)
    assert get_job(sqlite_runtime, job_id).status == JobStatus.ABORTED
    (experiment,) = list_experiments(sqlite_runtime)
    assert [run.cap for run in experiment.runs] == ["none"]
    assert experiment.finished_at is None


def test_too_few_products_are_said_in_one_sentence(sqlite_runtime: Runtime, actor: Actor) -> None:
    fill_shelf(sqlite_runtime, n=12)
    enqueue_experiment(sqlite_runtime, actor, QUICK)
    job = run_next(sqlite_runtime)
    assert job.status == JobStatus.FAILED
    assert "could be judged on" in (job.error or "")


def test_what_cannot_be_compared_is_refused(sqlite_runtime: Runtime, actor: Actor) -> None:
    for wrong in ({"encoders": ()}, {"encoders": ("magic",)}, {"caps": ("half",)}, {"max_rows": -1}, {"epochs": 0}):
        with pytest.raises(InvalidInput):
            ExperimentSettings(**wrong)
    with pytest.raises(Forbidden):
        enqueue_experiment(sqlite_runtime, Actor(actor.person_id, "ann", Role.ANNOTATOR), QUICK)
    with pytest.raises(NotFound):
        get_experiment(sqlite_runtime, 99)


def test_advice_takes_the_quicker_of_two_that_cannot_be_told_apart() -> None:
    best = made_up("gru", 180, 90.0, [0.2, 0.9, 0.9])
    level = made_up("dan", 178, 30.0, [0.8, 0.9, 0.9], high=0.01)
    worse = made_up("fasttext", 120, 5.0, [0.1], high=-0.2)
    advice = advise([best, level, worse])
    assert advice
    assert advice.chosen is level
    words = " ".join(map(str, advice.sentences))
    assert "gru / none is right most often: 90.0 % of 200" in words
    assert "cannot be told apart from it on so few products: dan / none." in words
    assert "dan / none is the quickest to train: 30 s against 90 s" in words
    assert "Categories with at least 5 judged products fare best with dan / none" in words


def test_a_cap_is_not_advised_only_because_it_trains_quicker() -> None:
    best = replace(made_up("gru", 180, 20.0, [0.9]), cap="log")
    capped = replace(made_up("joint", 178, 5.0, [0.9], high=0.01), cap="uniform")
    whole = replace(made_up("joint", 177, 30.0, [0.9], high=0.01), n_train=400)
    slow = made_up("dan", 176, 90.0, [0.9], high=0.01)
    advice = advise([best, capped, whole, slow])
    assert advice
    assert advice.chosen is whole
    assert any("of the others joint / none is the quickest to train: 30 s" in str(said) for said in advice.sentences)


def test_a_cap_that_left_nothing_out_is_named_and_never_the_best() -> None:
    plain = made_up("joint", 150, 30.0, [0.9])
    idle = replace(made_up("joint", 150, 5.0, [0.9], high=0.01), cap="log")
    advice = advise([plain, idle])
    assert advice
    words = [str(sentence) for sentence in advice.sentences]
    assert words[0].startswith("joint / none is right most often")
    assert "With this constant these caps left nothing out, so they made no difference: joint / log." in words


def test_without_a_result_there_is_no_advice() -> None:
    failed = Run("gru", "none", 0, 0, {}, None, {}, 1.0, 0.0, "no")
    assert advise([]) is None
    assert advise([failed]) is None
    advice = advise([failed, made_up("dan", 100, 1.0, [])])
    assert advice
    assert "Without a result: gru / none." in [str(sentence) for sentence in advice.sentences]
