"""'Hard to predict' measured: what is sure, what backs off, which categories fail; and a training that keeps it."""

import json

import numpy as np
import pytest
import sqlalchemy as sa

from core.catalogue.taxonomy import ensure_categories, load_categories, set_flags
from core.jobs.worker import run_claimed
from core.runtime import Runtime
from core.serving.answer_rules import find_rules, left_out_ids
from core.training.abstention import measure_abstention
from core.training.category_quality import list_category_quality
from core.training.registry import list_versions
from core.training.train import enqueue_training
from core.training.training_settings import TrainingSettings
from core.types import Actor, utc_now
from db import jobs
from db.tables import PredictionRow
from models.answers import NOWHERE, Answers
from models.thresholds import Threshold, Thresholds
from tests.core.training.shelf import category_id, fill_shelf
from tests.roles import ADMIN


def test_rates_on_held_out_rows(sqlite_runtime: Runtime) -> None:
    with sqlite_runtime.sessions.write() as session:
        ids = ensure_categories(session, [("옷", "바지"), ("옷", "치마"), ("가전",)], utc_now())
    trousers, skirt, appliance = ids["옷", "바지"], ids["옷", "치마"], ids["가전",]
    tree = load_categories(sqlite_runtime)
    clothes = tree[trousers].parent_id
    assert clothes is not None
    labels = np.array([trousers] * 10 + [skirt, appliance, trousers, trousers])
    answers = Answers(
        ids=np.array([[trousers]] * 9 + [[skirt]] + [[trousers], [trousers], [trousers], [skirt]]),
        probs=np.full((14, 1), 0.5, np.float32),
        abstained=np.array([False] * 10 + [True] * 4),
        back_off_ids=np.array([NOWHERE] * 10 + [clothes, clothes, NOWHERE, NOWHERE]),
    )
    thresholds = Thresholds(0.9, 100, np.array([[clothes, trousers]]), {trousers: Threshold(0.5, 100)})
    found = measure_abstention(labels, answers, thresholds, tree)
    assert (found.coverage.value, found.precision.value) == (10 / 14, 0.9)
    assert (found.backed_off.n, found.backed_off.value, found.back_off_precision.value) == (14, 2 / 14, 0.5)
    assert (found.n_categories, found.n_missed) == (2, 0)  # one wrong of one is not beyond a chance of one in ten


def train(runtime: Runtime, actor: Actor, settings: TrainingSettings) -> None:
    enqueue_training(runtime, actor, settings)
    with runtime.sessions.write() as session:
        job_id = jobs.claim_job(session, "w1", utc_now())
    assert job_id
    job = run_claimed(runtime, job_id, "w1")
    assert job.result, job.error


def test_a_training_keeps_thresholds_and_leaves_out_what_is_flagged(runtime: Runtime, actor: Actor) -> None:
    fill_shelf(runtime, 160)
    shoes = category_id(runtime, "신발")
    set_flags(runtime, actor, [shoes], is_catch_all=True)
    train(runtime, actor, TrainingSettings(epochs=3, target_precision=0.8, recommend_catch_alls=False))
    (version,) = list_versions(runtime, ADMIN)
    rules = find_rules(runtime, version)
    assert rules.left_out == {shoes}
    assert rules.thresholds is not None
    assert rules.thresholds.target == 0.8
    assert version.artifact
    manifest = json.loads((runtime.data_dir / version.artifact / "manifest.json").read_text())
    assert "thresholds.json" in manifest["files"]
    test, served, abstention = version.test, version.as_served, version.abstention
    assert test
    assert served
    assert abstention
    assert test.p_at_1.value is not None
    assert served.p_at_1.value is not None
    assert test.p_at_1.value > served.p_at_1.value + 0.2  # shoes are a third of the rows
    assert abstention.n_calibration == version.metrics["n_validation"]
    assert sum(point.right.n for point in version.reliability) == test.n
    quality = {one.category_id: one for one in list_category_quality(runtime, version.id)}
    assert quality[category_id(runtime, "바지")].n_calibration
    with runtime.sessions.read() as session:
        rows = session.scalars(sa.select(PredictionRow)).all()
        assert len(rows) == 480
        assert all(shoes != row.category_id and shoes not in [id_ for id_, _ in row.top] for row in rows)
        n_hard = sum(row.abstained for row in rows)
    assert 0 < n_hard < 480
    assert all(row.back_off_category_id is None or row.abstained for row in rows)


def test_too_few_training_rows_are_not_suggested(runtime: Runtime, actor: Actor) -> None:
    shoes = category_id(runtime, "신발")
    assert left_out_ids(runtime, {"too_few_rows": [shoes]}) == {shoes}
    set_flags(runtime, actor, [shoes], is_catch_all=True)
    assert left_out_ids(runtime, {}) == frozenset()
    assert left_out_ids(runtime, {"training": {"recommend_catch_alls": False}}) == {shoes}
    set_flags(runtime, actor, [shoes], is_catch_all=False, is_recommended=False)
    assert left_out_ids(runtime, {}) == {shoes}


@pytest.mark.parametrize("target", [0.0, 0.95])
def test_without_enough_rows_or_a_target_nothing_is_hard_to_predict(
    sqlite_runtime: Runtime, actor: Actor, target: float
) -> None:
    fill_shelf(sqlite_runtime, 60)
    train(sqlite_runtime, actor, TrainingSettings(epochs=1, target_precision=target, min_recommended_rows=2))
    (version,) = list_versions(sqlite_runtime, ADMIN)
    assert version.abstention is None
    assert version.as_served is None
    with sqlite_runtime.sessions.read() as session:
        assert not session.scalar(sa.select(sa.func.count()).where(PredictionRow.abstained))
