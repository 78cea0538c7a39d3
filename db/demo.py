"""Queries on the demo's planted truth. Nothing that trains, scores or suggests may use this file."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.label_sources import is_checked
from db.people import insert_for
from db.tables import CategoryRow, DemoTruthRow, ProductRow


def list_sources(session: Session) -> list[str]:
    """The sources that have products."""
    return list(session.scalars(sa.select(ProductRow.source).distinct().order_by(ProductRow.source)))


def find_products(session: Session, source: str) -> dict[str, int]:
    """External id -> id of all products of a source."""
    query = sa.select(ProductRow.external_id, ProductRow.id).where(ProductRow.source == source)
    return {row.external_id: row.id for row in session.execute(query)}


def insert_truths(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """`product_id`, `category_id`, `planted` of each; those that are there stay."""
    if rows:
        insert = insert_for(session)(DemoTruthRow).on_conflict_do_nothing(index_elements=["product_id"])
        session.execute(insert, list(rows))


def mark_catch_alls(session: Session, category_ids: Sequence[int]) -> None:
    session.execute(sa.update(CategoryRow).where(CategoryRow.id.in_(category_ids)).values(is_catch_all=True))


def fill_guidelines(session: Session, texts: Mapping[int, str]) -> None:
    """Guidelines for categories that have none; nobody's own words are overwritten."""
    for category_id, text in texts.items():
        session.execute(
            sa.update(CategoryRow)
            .where(CategoryRow.id == category_id, CategoryRow.guidelines.is_(None))
            .values(guidelines=text)
        )


def count_planted(session: Session) -> dict[str | None, int]:
    """Products by what was planted in them; under None those with nothing."""
    query = sa.select(DemoTruthRow.planted, sa.func.count().label("n_products")).group_by(DemoTruthRow.planted)
    return {row.planted: row.n_products for row in session.execute(query)}


def count_found(session: Session, planted: str) -> int:
    """Products with this planted whose label is right by now because a person said so."""
    query = (
        sa.select(sa.func.count())
        .select_from(DemoTruthRow)
        .join(ProductRow, ProductRow.id == DemoTruthRow.product_id)
        .where(
            DemoTruthRow.planted == planted,
            ProductRow.category_id == DemoTruthRow.category_id,
            is_checked(ProductRow.label_source),
        )
    )
    return session.scalar(query) or 0
