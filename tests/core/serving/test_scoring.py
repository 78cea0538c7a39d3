"""Scoring: every product once, whatever is killed in between; only what is missing; first five with margin."""

from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from numpy.typing import NDArray

from core.errors import NoModelYet
from core.jobs.queue import get_job
from core.runtime import Runtime
from core.serving import scoring
from core.serving.scoring import enqueue_scoring, score_products
from core.types import Actor
from db.enums import JobStatus
from db.predictions import Scope
from db.tables import PredictionRow
from models.types import Calibration, Products
from tests.core.training.answers import add_version
from tests.core.training.shelf import add_products, category_id, fill_shelf, make_titles


class LengthModel:
    """A real, if simple, CategoryModel: the longer the title, the surer it is of the first category."""

    def __init__(self, class_ids: list[int]) -> None:
        self.class_ids = np.asarray(class_ids, dtype=np.int64)
        self.config: dict[str, object] = {}
        self.calibration = Calibration()
        self.asked: list[str] = []

    def predict_proba(self, texts: Products) -> NDArray[np.float32]:
        self.asked += texts.titles
        sure = np.asarray([min(0.9, len(title) / 30) for title in texts.titles], dtype=np.float32)
        rest = (1 - sure) / max(1, len(self.class_ids) - 1)
        return np.column_stack([sure, *([rest] * (len(self.class_ids) - 1))])

    def predict_top(self, texts: Products, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        probs = self.predict_proba(texts)
        order = np.argsort(-probs, axis=1, kind="stable")[:, :k]
        return self.class_ids[order], np.take_along_axis(probs, order, axis=1)

    def save(self, folder: Path) -> str:
        return ""


class Killed(Exception):
    """Stands for whatever ends a run in the middle."""


@pytest.fixture
def model(runtime: Runtime) -> LengthModel:
    return LengthModel([category_id(runtime, name) for name in ("바지", "신발", "가전")])


def answered(runtime: Runtime, version: int) -> list[int]:
    with runtime.sessions.read() as session:
        query = sa.select(PredictionRow.product_id).where(PredictionRow.model_version_id == version)
        return sorted(session.scalars(query))


def test_every_product_has_its_first_answers(
    runtime: Runtime, actor: Actor, model: LengthModel, tmp_path: Path
) -> None:
    products = [product for group in fill_shelf(runtime, 20).values() for product in group]
    unlabeled = add_products(runtime, None, ["운동화"])
    version = add_version(runtime, actor, {})
    result = score_products(runtime, Scope(version), model, tmp_path / "at", lambda fraction, detail: None)
    assert (result.rows_scored, result.n_scored) == (61, 61)
    assert answered(runtime, version) == sorted(products + unlabeled)
    with runtime.sessions.read() as session:
        row = session.get_one(PredictionRow, (version, unlabeled[0]))
        assert row.category_id == category_id(runtime, "신발")  # 3 letters: not sure of the first
        assert row.confidence == pytest.approx(0.45, abs=1e-5)
        assert row.margin == pytest.approx(0.0, abs=1e-5)
        assert [answer for answer, _ in row.top] == [category_id(runtime, n) for n in ("신발", "가전", "바지")]


def test_a_killed_run_goes_on_where_it_was(
    runtime: Runtime, actor: Actor, model: LengthModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_shelf(runtime, 40)
    version = add_version(runtime, actor, {})
    monkeypatch.setattr(scoring, "CHUNK", 25)

    def die_half_way(fraction: float, detail: dict[str, object]) -> None:
        if fraction > 0.5:
            raise Killed

    with pytest.raises(Killed):
        score_products(runtime, Scope(version), model, tmp_path / "at", die_half_way)
    done = len(answered(runtime, version))
    assert 0 < done < 120
    model.asked.clear()
    result = score_products(runtime, Scope(version), model, tmp_path / "at", lambda fraction, detail: None)
    assert len(model.asked) == result.rows_scored == 120 - done
    assert len(answered(runtime, version)) == result.n_scored == 120


def test_only_missing_products_are_scored(runtime: Runtime, actor: Actor, model: LengthModel, tmp_path: Path) -> None:
    ids = fill_shelf(runtime, 20)["바지"]
    version = add_version(runtime, actor, dict.fromkeys(ids, category_id(runtime, "바지")))
    new = add_products(runtime, None, make_titles("신발", 3, seed=8))
    score_products(runtime, Scope(version, only_missing=True), model, tmp_path / "at", lambda fraction, detail: None)
    assert len(model.asked) == 40 + len(new)
    assert len(answered(runtime, version)) == 63
    said: list[float] = []
    again = Scope(version, only_missing=True)
    score_products(runtime, again, model, tmp_path / "again", lambda fraction, detail: said.append(fraction))
    assert said == []  # nothing was left: no '0 of 0'


def test_a_model_of_one_category_has_a_margin(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    add_products(runtime, "바지", ["청바지"])
    version = add_version(runtime, actor, {})
    one = LengthModel([category_id(runtime, "바지")])
    score_products(runtime, Scope(version), one, tmp_path / "at", lambda fraction, detail: None)
    with runtime.sessions.read() as session:
        row = session.scalars(sa.select(PredictionRow)).one()
    assert row.margin == pytest.approx(row.confidence)


def test_scoring_needs_a_version_and_waits_once(runtime: Runtime, actor: Actor) -> None:
    with pytest.raises(NoModelYet):
        enqueue_scoring(runtime, actor)
    version = add_version(runtime, actor, {})
    first = enqueue_scoring(runtime, actor, version)
    assert enqueue_scoring(runtime, actor, version) == first
    assert enqueue_scoring(runtime, actor, version, only_missing=True) != first
    assert get_job(runtime, first).status == JobStatus.TODO
