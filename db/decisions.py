"""Queries of decisions and of the labels that follow from them. Both tables only ever grow."""

from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import LabelSource
from db.people import insert_for
from db.session import is_sqlite
from db.standing_labels import find_winner, hold_tree
from db.tables import (
    CategoryRow,
    DailyProgressRow,
    DecisionRow,
    LabelRow,
    ProductRow,
    PromotionRow,
    table_of,
)

decisions = table_of(DecisionRow)
labels = table_of(LabelRow)
products = table_of(ProductRow)
progress = table_of(DailyProgressRow)
categories = table_of(CategoryRow)

PRODUCT = sa.bindparam("product", type_=sa.BigInteger)
PERSON = sa.bindparam("person", type_=sa.BigInteger)

# The product's row is locked before its label changes: two deciders of one product follow one another.
# KEY SHARE: what only refers to the row (a chunk of predictions being written) holds up no decision.
_LOCK_PRODUCT = (
    sa.select(
        products.c.category_id,
        sa.exists(
            sa.select(1).where(
                categories.c.id == sa.bindparam("category", type_=sa.BigInteger),
                categories.c.is_leaf.is_(True),
                categories.c.retired_at.is_(None),
            )
        ).label("category_is_usable"),
    )
    .where(products.c.id == PRODUCT)
    .with_for_update(of=products, key_share=True)
)

PROMOTED = sa.select(PromotionRow.model_version_id).order_by(PromotionRow.id.desc()).limit(1).scalar_subquery()
"""The id of the model version in use; NULL before the first promotion."""

_ADD_LABEL = sa.insert(labels)
_SET_LABEL = (
    sa.update(products)
    .where(products.c.id == PRODUCT)
    .values(
        category_id=sa.bindparam("category", type_=sa.BigInteger),
        label_source=sa.bindparam("label_origin", type_=products.c.label_source.type),
        labeled_at=sa.bindparam("at", type_=products.c.labeled_at.type),
    )
)
_SET_HUMAN_LABEL = _SET_LABEL.where(products.c.label_source.is_distinct_from(LabelSource.GOLD))


@cache
def _insert_decision(insert: Any) -> Any:
    return insert(decisions).on_conflict_do_nothing().returning(decisions.c.id)


@cache
def _count_day(insert: Any, on_sqlite: bool) -> Any:
    largest = sa.func.max if on_sqlite else sa.func.greatest
    row: dict[str, Any] = {
        "campaign_id": sa.bindparam("campaign"),
        "person_id": sa.bindparam("person"),
        "day": sa.bindparam("day_"),
        "n_decisions": sa.bindparam("first"),
        "n_gold": sa.bindparam("first_gold"),
    }
    added = {
        "n_decisions": largest(progress.c.n_decisions + sa.bindparam("n", type_=sa.Integer), 0),
        "n_gold": largest(progress.c.n_gold + sa.bindparam("gold", type_=sa.Integer), 0),
    }
    return insert(progress).values(row).on_conflict_do_update(index_elements=list(row)[:3], set_=added)


def lock_product(session: Session, product_id: int, category_id: int | None) -> tuple[int | None, bool]:
    """Hold the product until the end of the transaction: its current category, and whether the
    other one is a leaf in use that it may be given, which it stays until then."""
    hold_tree(session)
    row = session.execute(_LOCK_PRODUCT, {"product": product_id, "category": category_id}).one()
    return row.category_id, bool(row.category_is_usable)


def lock_products(session: Session, product_ids: list[int]) -> dict[int, int | None]:
    """Hold these products, in one order, so that two who do never wait for each other: id -> current category."""
    hold_tree(session)
    query = sa.select(products.c.id, products.c.category_id).where(products.c.id.in_(product_ids))
    rows = session.execute(query.order_by(products.c.id).with_for_update(key_share=True))
    return {row.id: row.category_id for row in rows}


def insert_decision(session: Session, values: dict[str, Any]) -> int | None:
    """The new decision's id; None when its key was used before, or what it undoes is undone already."""
    return session.scalar(_insert_decision(insert_for(session)), values)


def add_human_label(
    session: Session, product_id: int, category_id: int, person_id: int, decision_id: int, now: datetime
) -> None:
    """A person's label, which is from now on the product's, unless that is gold."""
    session.execute(
        _ADD_LABEL,
        {
            "product_id": product_id,
            "category_id": category_id,
            "source": LabelSource.HUMAN,
            "person_id": person_id,
            "decision_id": decision_id,
            "created_at": now,
        },
    )
    values = {"product": product_id, "category": category_id, "label_origin": LabelSource.HUMAN, "at": now}
    session.execute(_SET_HUMAN_LABEL, values)


def restore_winning_label(session: Session, product_id: int) -> None:
    """Give the product the label that counts, as `db.standing_labels` says; none where none stands."""
    category, source, at = find_winner(session, product_id) or (None, None, None)
    session.execute(_SET_LABEL, {"product": product_id, "category": category, "label_origin": source, "at": at})


def count_towards_day(session: Session, campaign_id: int, person_id: int, day: date, n: int, n_gold: int = 0) -> None:
    """Add n (or take off -n) to what this person decided in this campaign on that UTC day; `n_gold` of them were of
    hidden gold checks."""
    values: dict[str, Any] = {"campaign": campaign_id, "person": person_id, "day_": day}
    values |= {"n": n, "first": max(n, 0), "gold": n_gold, "first_gold": max(n_gold, 0)}
    session.execute(_count_day(insert_for(session), is_sqlite(session)), values)


def find_decision_by_key(session: Session, key: str) -> DecisionRow | None:
    return session.scalar(sa.select(DecisionRow).where(DecisionRow.idempotency_key == key))


def find_decision(session: Session, decision_id: int) -> DecisionRow | None:
    return session.get(DecisionRow, decision_id)


def is_undone(session: Session, decision_id: int) -> bool:
    return session.scalar(sa.select(decisions.c.id).where(decisions.c.undoes_id == decision_id)) is not None
