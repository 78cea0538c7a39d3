"""The train job with the real model: from labels to a version that answers, cancelled, killed, asked for twice."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from core.errors import InvalidInput
from core.jobs.context import JobLost
from core.jobs.queue import Job, cancel_job, get_job, list_log
from core.jobs.worker import run_claimed
from core.runtime import Runtime
from core.training.category_quality import list_category_quality
from core.training.compare import compare_versions
from core.training.registry import find_promoted_version, list_versions
from core.training.train import enqueue_training
from core.training.training_preview import preview_training
from core.training.training_settings import TrainingSettings
from core.types import Actor, utc_now
from db import jobs
from db.enums import JobStatus
from db.tables import CategoryMetricRow, ModelVersionRow, PredictionRow, ProductSplitRow, SnapshotRow
from tests.core.training.shelf import add_products, decide, fill_shelf, make_titles
from tests.roles import ADMIN

QUICK = TrainingSettings(epochs=2, model={"checkpoint_seconds": 0.01})


def run_next(runtime: Runtime, on_report: Any = None) -> Job:
    with runtime.sessions.write() as session:
        job_id = jobs.claim_job(session, "w1", utc_now())
    assert job_id
    return run_claimed(runtime, job_id, "w1", on_report)


def count(runtime: Runtime, table: type) -> int:
    with runtime.sessions.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_from_labels_to_a_version_that_answers(runtime: Runtime, actor: Actor) -> None:
    ids = fill_shelf(runtime)
    for product in ids["바지"][:20]:
        decide(runtime, actor, product, "바지")
    stages: list[str] = []
    enqueue_training(runtime, actor, QUICK)
    job = run_next(runtime, lambda fraction, stage, detail: stages.append(stage))
    assert job.status == JobStatus.SUCCEEDED, job.error
    facts = job.result
    assert facts["p_at_1"] > 0.8
    assert facts["rows_scored"] == 180
    assert facts["promoted"]
    assert stages[0] == "grouping near-duplicates"
    assert {"freezing a snapshot", "training", "judging on held-out rows", "scoring"} <= set(stages)
    (version,) = list_versions(runtime, ADMIN)
    assert (version.name, version.n_scored, version.snapshot_hash) == ("v1", 180, facts["snapshot_hash"])
    assert find_promoted_version(runtime) == version
    assert version.test
    assert version.test.n == facts["n_test"]
    assert version.human_test
    assert 0 < version.human_test.n <= 20
    with runtime.sessions.read() as session:
        n_test = session.scalar(sa.select(sa.func.count()).where(ProductSplitRow.fold == 0))
        metrics = session.scalars(sa.select(CategoryMetricRow)).all()
    assert n_test == version.test.n == sum(row.n for row in metrics)
    quality = list_category_quality(runtime, version.id)
    assert sum(one.recall.n for one in quality) == n_test
    assert [one.recall.n for one in quality] == sorted((row.n for row in metrics), reverse=True)
    assert any("바지" in one.path for one in quality)
    assert not (runtime.data_dir / "jobs" / str(job.id)).exists()
    preview = preview_training(runtime, 3)
    assert (preview.since_version, preview.n_new_decisions) == ("v1", 0)
    decide(runtime, actor, ids["바지"][30], "바지")
    assert preview_training(runtime, 3).n_new_decisions == 1


def test_the_version_in_use_answers_held_out_products_that_are_new_to_it(sqlite_runtime: Runtime, actor: Actor) -> None:
    runtime = sqlite_runtime
    fill_shelf(runtime)
    enqueue_training(runtime, actor, QUICK)
    run_next(runtime)
    fill_shelf(runtime, seed=1)
    enqueue_training(runtime, actor, QUICK)
    said: list[tuple[float, str]] = []
    job = run_next(runtime, lambda fraction, stage, detail: said.append((round(fraction, 6), stage)))
    assert job.status == JobStatus.SUCCEEDED, job.error
    assert [fraction for fraction, _ in said] == sorted(fraction for fraction, _ in said)
    stages = list(dict.fromkeys(stage for _, stage in said))
    assert stages[-4:] == [
        "judging on held-out rows",
        "keeping the version",
        "judging the version in use likewise",
        "scoring",
    ]
    assert stages[-1] == said[-1][1]
    first, second = (version.id for version in list_versions(runtime, ADMIN)[::-1])
    with runtime.sessions.read() as session:
        n_test = session.scalar(sa.select(sa.func.count()).where(ProductSplitRow.fold == 0))
    assert compare_versions(runtime, ADMIN, first, second).n == n_test


def test_the_curve_has_a_judged_point_an_epoch(sqlite_runtime: Runtime, actor: Actor) -> None:
    fill_shelf(sqlite_runtime)
    curves: list[list[list[Any]]] = []
    enqueue_training(sqlite_runtime, actor, TrainingSettings(epochs=4))

    def watch(fraction: float, stage: str, detail: dict[str, Any]) -> None:
        curves.append(json.loads(json.dumps(detail.get("history") or [])))

    run_next(sqlite_runtime, watch)
    (version,) = list_versions(sqlite_runtime, ADMIN)
    curve = version.metrics["history"]
    assert [epoch for epoch, _, _ in curve] == [1, 2, 3, 4]
    assert all(0 <= share <= 1 for _, _, share in curve)
    for seen in curves:  # what was said of an epoch is never taken back
        assert all(share in (None, curve[epoch - 1][2]) for epoch, _, share in seen)


def test_asking_twice_makes_one_job(runtime: Runtime, actor: Actor) -> None:
    fill_shelf(runtime)
    first = enqueue_training(runtime, actor, QUICK)
    assert enqueue_training(runtime, actor, TrainingSettings(epochs=50)) == first
    assert get_job(runtime, first).payload["epochs"] == 2


@pytest.mark.parametrize(
    "stage", ["freezing a snapshot", "training", "judging on held-out rows", "keeping the version"]
)
def test_a_cancelled_training_leaves_no_version(sqlite_runtime: Runtime, actor: Actor, stage: str) -> None:
    fill_shelf(sqlite_runtime)
    job_id = enqueue_training(sqlite_runtime, actor, QUICK)

    def cancel(fraction: float, now_at: str, detail: dict[str, Any]) -> None:
        if now_at == stage:
            cancel_job(sqlite_runtime, actor, job_id)

    assert run_next(sqlite_runtime, cancel).status == JobStatus.ABORTED
    assert count(sqlite_runtime, ModelVersionRow) == count(sqlite_runtime, PredictionRow) == 0
    assert not list((sqlite_runtime.data_dir / "models").glob("*"))
    enqueue_training(sqlite_runtime, actor, QUICK)
    assert run_next(sqlite_runtime).status == JobStatus.SUCCEEDED


@pytest.mark.parametrize("stage", ["training", "judging on held-out rows", "scoring"])
def test_a_second_attempt_learns_the_same_rows_and_fills_the_same_version(
    sqlite_runtime: Runtime, actor: Actor, stage: str
) -> None:
    runtime, ids = sqlite_runtime, fill_shelf(sqlite_runtime)
    enqueue_training(runtime, actor, QUICK)

    def die(fraction: float, now_at: str, detail: dict[str, Any]) -> None:
        if now_at == stage:
            raise JobLost

    job = run_next(runtime, die)
    assert job.status == JobStatus.DOING  # as a killed worker leaves it
    decide(runtime, actor, ids["바지"][0], "신발")  # comes too late for this version
    with runtime.sessions.write() as session:
        jobs.requeue_stalled(session, utc_now(), max_attempts=5, now=utc_now())
    again = run_next(runtime)
    assert (again.id, again.attempt, again.status) == (job.id, 2, JobStatus.SUCCEEDED), again.error
    assert count(runtime, SnapshotRow) == count(runtime, ModelVersionRow) == 1
    assert count(runtime, PredictionRow) == 180
    (version,) = list_versions(runtime, ADMIN)
    assert version.metrics["n_train"] + version.metrics["n_validation"] + version.metrics["n_test"] == 180
    assert len(list((runtime.data_dir / "models").iterdir())) == 1
    assert any("Going on with snapshot" in line for _, line in list_log(runtime, job.id))
    assert preview_training(runtime, 3).n_new_decisions == 1


def test_too_few_labels_end_with_the_reason(sqlite_runtime: Runtime, actor: Actor) -> None:
    add_products(sqlite_runtime, "바지", make_titles("바지", 12))
    enqueue_training(sqlite_runtime, actor, QUICK)
    job = run_next(sqlite_runtime)
    assert job.status == JobStatus.FAILED
    assert job.error is not None
    assert "too few to train on" in job.error
    assert count(sqlite_runtime, ModelVersionRow) == 0


def test_a_setting_that_the_model_does_not_know_is_said_at_once(sqlite_runtime: Runtime, actor: Actor) -> None:
    fill_shelf(sqlite_runtime)
    with pytest.raises(InvalidInput, match="unknown settings: wings"):
        enqueue_training(sqlite_runtime, actor, TrainingSettings(model={"wings": 2}))
