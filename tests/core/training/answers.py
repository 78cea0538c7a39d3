"""Versions with given answers, without a model: for tests of comparing and promoting."""

from collections.abc import Mapping

import sqlalchemy as sa

from core.runtime import Runtime
from core.types import Actor, utc_now
from db import predictions
from db.enums import ModelStatus
from db.people import raise_revision
from db.tables import ModelVersionRow, ProductSplitRow


def add_version(runtime: Runtime, actor: Actor, answers: Mapping[int, int], second: int | None = None) -> int:
    """A ready version that answers product -> category; `second` is its second answer everywhere."""
    with runtime.sessions.write() as session:
        number = (session.scalar(sa.select(sa.func.max(ModelVersionRow.id))) or 0) + 1
        row = ModelVersionRow(
            id=number,
            name=f"v{number}",
            status=ModelStatus.READY,
            config={},
            seed=7,
            created_by=actor.person_id,
            created_at=utc_now(),
        )
        session.add(row)
        session.flush()
        predictions.upsert_predictions(
            session,
            [
                {
                    "model_version_id": number,
                    "product_id": product,
                    "category_id": category,
                    "confidence": 0.8,
                    "margin": 0.7,
                    "top": [[category, 0.8]] + ([[second, 0.1]] if second else []),
                }
                for product, category in answers.items()
            ],
        )
        raise_revision(session, "models", "predictions")
        return number


def put_in_fold(runtime: Runtime, products: list[int], fold: int) -> None:
    with runtime.sessions.write() as session:
        session.add_all(ProductSplitRow(product_id=p, group_key=str(p), fold=fold) for p in products)
