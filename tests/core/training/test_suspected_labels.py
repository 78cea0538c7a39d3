"""Suspected labels do not help to choose the temperature, unless a person stands behind them."""

import numpy as np
import pytest
import sqlalchemy as sa

from core.runtime import Runtime
from core.training.learning_rows import LearningRows, Rows
from core.training.registry import list_versions
from core.training.splits import assign_folds
from core.training.suspected_labels import list_suspects, set_aside, set_suspects_aside
from core.training.train import enqueue_training
from core.training.training_settings import TrainingSettings
from core.types import Actor, utc_now
from db.enums import Fold, JobStatus, NoiseMethod, NoiseVerdict
from db.tables import LabelIssueRow, ProductRow, ProductSplitRow
from models.types import LabeledProducts, Products
from tests.core.training.shelf import add_products, category_id, decide, fill_shelf, make_titles
from tests.core.training.test_train import run_next
from tests.roles import ADMIN


def part(ids: list[int]) -> Rows:
    nothing = [""] * len(ids)
    labeled = LabeledProducts(
        Products(nothing, nothing, nothing), np.zeros(len(ids), np.int64), np.ones(len(ids), np.float32)
    )
    return Rows(ids, labeled, [False] * len(ids), [None] * len(ids), [0] * len(ids))


def suspect(runtime: Runtime, product: int, given: int, verdict: NoiseVerdict) -> None:
    with runtime.sessions.write() as session:
        session.add(
            LabelIssueRow(
                product_id=product,
                method=NoiseMethod.CONFIDENT_LEARNING,
                verdict=verdict,
                given_category_id=given,
                label_quality_score=0.1,
                created_at=utc_now(),
            )
        )


def test_only_standing_suspicions_count(runtime: Runtime, actor: Actor) -> None:
    ids = add_products(runtime, "바지", make_titles("바지", 10))
    trousers, shoes = category_id(runtime, "바지"), category_id(runtime, "신발")
    rows = LearningRows([trousers], part([]), part(ids), part([]), [], [], np.array([[trousers]]))
    assert not list_suspects(runtime, rows)
    suspect(runtime, ids[0], trousers, NoiseVerdict.ISSUE)
    suspect(runtime, ids[1], trousers, NoiseVerdict.CLEAN)
    suspect(runtime, ids[2], shoes, NoiseVerdict.UNCLEAN)  # its label has changed since
    suspect(runtime, ids[3], trousers, NoiseVerdict.UNCLEAN)
    decide(runtime, actor, ids[3], "바지")  # a person says it is right
    suspects = list_suspects(runtime, rows)
    assert suspects == ids[:1]
    found, facts = set_suspects_aside(suspects, rows)
    assert facts == {"rows": 1}
    assert found.validation.labeled.weights.tolist() == [0.0] + [1.0] * 9


def test_a_suspicion_of_most_rows_is_not_trusted(runtime: Runtime) -> None:
    ids = add_products(runtime, "바지", make_titles("바지", 3))
    trousers = category_id(runtime, "바지")
    for product in ids[:2]:
        suspect(runtime, product, trousers, NoiseVerdict.ISSUE)
    rows = LearningRows([trousers], part([]), part(ids), part([]), [], [], np.array([[trousers]]))
    found, facts = set_suspects_aside(list_suspects(runtime, rows), rows)
    assert facts == {"rows": 0}
    assert found.validation.labeled.weights.tolist() == [1.0, 1.0, 1.0]


def test_suspicions_of_two_methods_together_leave_half_the_rows() -> None:
    rows, first = set_aside(part([1, 2, 3, 4]), np.array([True, True, False, False]))
    again, second = set_aside(rows, np.array([False, True, True, False]))
    assert (first, second) == (2, 0)
    assert again.labeled.weights.tolist() == [0.0, 0.0, 1.0, 1.0]


def test_a_killed_training_goes_on_with_the_suspicions_it_began_with(sqlite_runtime: Runtime, actor: Actor) -> None:
    runtime = sqlite_runtime
    fill_shelf(runtime, 80)
    assign_folds(runtime)
    with runtime.sessions.read() as session:
        doubted = session.scalars(
            sa.select(ProductRow.id)
            .join(ProductSplitRow, ProductSplitRow.product_id == ProductRow.id)
            .where(ProductSplitRow.fold == Fold.VALIDATION, ProductRow.category_id == category_id(runtime, "바지"))
        ).all()
    suspect(runtime, doubted[0], category_id(runtime, "바지"), NoiseVerdict.ISSUE)
    enqueue_training(runtime, actor, TrainingSettings(epochs=1, score_after=False))

    def die_when_fitting(fraction: float, stage: str, detail: dict[str, object]) -> None:
        if detail.get("history") is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_next(runtime, die_when_fitting)
    decide(runtime, actor, doubted[0], "바지")  # the suspicion is settled meanwhile
    assert run_next(runtime).status == JobStatus.SUCCEEDED
    assert list_versions(runtime, ADMIN)[0].config["prepared"]["suspected_labels"] == {"rows": 1}
