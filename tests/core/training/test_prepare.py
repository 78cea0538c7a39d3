"""From snapshot rows to training rows: only training rows change, and what was done is told."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from core.curation.exclusions import add_rule, end_rule
from core.jobs.context import JobLost
from core.runtime import Runtime
from core.training.learning_rows import LearningRows, Rows
from core.training.prepare import Preparation, PreparedRows, prepare_rows
from core.training.registry import list_versions
from core.training.train import enqueue_training
from core.training.training_settings import TrainingSettings
from core.types import Actor, utc_now
from db import jobs
from db.enums import JobStatus, KeywordMatch, RuleAction
from models.types import LabeledProducts, Products
from tests.core.training.shelf import category_id, fill_shelf
from tests.core.training.test_train import run_next
from tests.roles import ADMIN

JANUARY, JULY = (datetime(2025, month, 1, tzinfo=UTC) for month in (1, 7))


def part(labels: list[int], first_id: int = 0, title: str = "여성 바지") -> Rows:
    n = len(labels)
    products = Products([f"{title} {i}" for i in range(n)], [""] * n, [""] * n, np.ones(n, np.float32))
    labeled = LabeledProducts(products, np.asarray(labels, np.int64), np.ones(n, np.float32))
    dates = [JANUARY if i % 4 else JULY for i in range(n)]
    return Rows(list(range(first_id, first_id + n)), labeled, [False] * n, list(dates), [2] * n)


@pytest.fixture
def rows() -> LearningRows:
    """Categories 10, 20, 30 below 1; 12, 6 and 2 training rows."""
    return LearningRows(
        class_ids=[10, 20, 30],
        train=part([0] * 12 + [1] * 6 + [2] * 2),
        validation=part([0, 1, 2], 100),
        test=part([0, 1, 2, -1], 200),
        test_labels=[10, 20, 30, 40],
        test_alternatives=[[], [10], [], []],
        class_paths=np.array([[1, 10], [1, 20], [1, 30]]),
    )


def prepared(
    runtime: Runtime, rows: LearningRows, rules: list[dict[str, Any]] | None = None, **settings: Any
) -> PreparedRows:
    said: list[tuple[float, str]] = []
    work = Preparation(
        runtime,
        TrainingSettings(**settings),
        rules or [],
        Path("unused"),
        "cpu",
        report=lambda fraction, stage, **detail: said.append((fraction, stage)),
        log=lambda line: None,
    )
    done = prepare_rows(work, rows)
    assert [fraction for fraction, _ in said] == sorted(fraction for fraction, _ in said)
    assert len({stage for _, stage in said}) == len(done.facts)
    return done


def rule(category: int, keyword: str, action: str) -> dict[str, Any]:
    return {"id": 5, "category_id": category, "keyword": keyword, "action": action, "match": "whole_word"}


def same(a: Rows, b: Rows) -> bool:
    return a.product_ids == b.product_ids and list(a.labeled.products.titles) == list(b.labeled.products.titles)


def test_by_default_nothing_is_done(sqlite_runtime: Runtime, rows: LearningRows) -> None:
    done = prepared(sqlite_runtime, rows)
    assert done.rows is rows
    assert done.facts == {}


def test_each_step_tells_what_it_did_to_training_rows_alone(sqlite_runtime: Runtime, rows: LearningRows) -> None:
    rules = [rule(10, "여성", "drop_word"), rule(20, "3", "drop_row") | {"id": 6}]
    done = prepared(sqlite_runtime, rows, rules, cap="uniform", cap_constant=4, even_months=True)
    assert list(done.facts) == ["exclusions", "cap", "months"]
    facts = done.facts["exclusions"]
    assert (facts["rows_changed"], facts["rows_dropped"]) == (12, 0)
    assert [one["rows"] for one in facts["rules"]] == [12, 0]
    assert np.bincount(done.rows.train.labeled.labels).tolist() == [4, 4, 2]
    for place, title in zip(done.rows.train.labeled.labels, done.rows.train.labeled.products.titles, strict=True):
        assert ("여성" in title) == (place != 0)
    assert sum(done.facts["months"]["rows"].values()) == 10
    assert not np.allclose(done.rows.train.labeled.weights, 1.0)
    assert same(done.rows.validation, rows.validation)
    assert same(done.rows.test, rows.test)


def test_the_same_again_gives_the_same_rows(sqlite_runtime: Runtime, rows: LearningRows) -> None:
    first, second = (prepared(sqlite_runtime, rows, cap="log", cap_constant=2) for _ in range(2))
    assert same(first.rows.train, second.rows.train)


def test_a_category_that_loses_its_last_row_is_not_learned(sqlite_runtime: Runtime, rows: LearningRows) -> None:
    accepted = sparse.csr_matrix(np.eye(20, 3, dtype=bool))
    train = replace(rows.train, labeled=replace(rows.train.labeled, alternatives=accepted))
    done = prepared(sqlite_runtime, replace(rows, train=train), [rule(20, "바지", "drop_row")]).rows
    assert done.class_ids == [10, 30]
    assert done.class_paths.tolist() == [[1, 10], [1, 30]]
    assert done.train.labeled.labels.tolist() == [0] * 12 + [1] * 2
    assert done.train.labeled.alternatives is not None
    assert done.train.labeled.alternatives.toarray()[:3].tolist() == [[True, False], [False, False], [False, True]]
    assert done.validation.labeled.labels.tolist() == [0, 1]
    assert done.test.labeled.labels.tolist() == [0, -1, 1, -1]  # still judged: they count as wrong
    assert done.test_labels == [10, 20, 30, 40]


def test_rules_may_leave_nothing(sqlite_runtime: Runtime, rows: LearningRows) -> None:
    done = prepared(sqlite_runtime, rows, [rule(1, "바지", "drop_row")], cap="log", even_months=True)
    assert done.rows.class_ids == []
    assert len(done.rows.train) == len(done.rows.validation) == 0


def test_a_killed_training_goes_on_with_the_rules_it_began_with(sqlite_runtime: Runtime, actor: Actor) -> None:
    runtime = sqlite_runtime
    fill_shelf(runtime)
    kept = add_rule(runtime, actor, category_id(runtime, "바지"), "청바지", RuleAction.DROP_ROW, KeywordMatch.SUBSTRING)
    enqueue_training(runtime, actor, TrainingSettings(epochs=1, score_after=False))

    def die(fraction: float, stage: str, detail: dict[str, Any]) -> None:
        if stage == "training":
            raise JobLost

    assert run_next(runtime, die).status == JobStatus.DOING  # as a killed worker leaves it
    end_rule(runtime, actor, kept.id)
    add_rule(runtime, actor, kept.category_id, "슬랙스", RuleAction.DROP_ROW, KeywordMatch.SUBSTRING)
    with runtime.sessions.write() as session:
        jobs.requeue_stalled(session, utc_now(), max_attempts=5, now=utc_now())
    job = run_next(runtime)
    assert job.status == JobStatus.SUCCEEDED, job.error
    (version,) = list_versions(runtime, ADMIN)
    facts = version.config["prepared"]["exclusions"]
    assert [rule["keyword"] for rule in facts["rules"]] == ["청바지"]
    assert facts["rules"][0] == kept.to_dict() | {"rows": facts["rows_dropped"]}
    assert 0 < facts["rows_dropped"] < 60
    assert (
        version.metrics["n_train"]
        == job.result["rows_train"]
        == 180 - facts["rows_dropped"] - (version.metrics["n_validation"] + version.metrics["n_test"])
    )
