"""Queries that read products to score and write what a version answers."""

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import Fold
from db.people import insert_for
from db.product_texts import ProductText, list_texts
from db.tables import PredictionRow, ProductRow, ProductSplitRow


class Scope(NamedTuple):
    """Which products a scoring is about."""

    version_id: int
    only_missing: bool = False  # those that this version has not answered
    only_held_out: bool = False  # those of the test fold


def _is_in(scope: Scope) -> sa.ColumnElement[bool]:
    conditions: list[sa.ColumnElement[bool]] = [sa.true()]
    if scope.only_missing:
        answer = sa.select(PredictionRow.product_id).where(
            PredictionRow.model_version_id == scope.version_id, PredictionRow.product_id == ProductRow.id
        )
        conditions.append(~answer.exists())
    if scope.only_held_out:
        conditions.append(
            ProductRow.id.in_(sa.select(ProductSplitRow.product_id).where(ProductSplitRow.fold == Fold.TEST))
        )
    return sa.and_(*conditions)


def list_to_score(session: Session, scope: Scope, after_id: int, limit: int) -> list[ProductText]:
    """The next products to score, by id."""
    return list_texts(session, sa.and_(ProductRow.id > after_id, _is_in(scope)), limit)


def count_to_score(session: Session, scope: Scope, after_id: int) -> int:
    query = sa.select(sa.func.count()).select_from(ProductRow)
    return session.scalar(query.where(ProductRow.id > after_id, _is_in(scope))) or 0


def upsert_predictions(session: Session, rows: list[dict[str, Any]]) -> None:
    """Write answers; an answer of the same version for the same product is replaced."""
    if not rows:
        return
    insert = insert_for(session)(PredictionRow)
    names = ("category_id", "confidence", "margin", "top", "abstained", "back_off_category_id")
    fresh = {name: insert.excluded[name] for name in names}
    session.execute(insert.on_conflict_do_update(index_elements=["model_version_id", "product_id"], set_=fresh), rows)
