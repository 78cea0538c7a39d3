"""Queries on accepted alternatives: further categories that people called right for a product."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.people import insert_for
from db.tables import AcceptedAlternativeRow, PersonRow, ProductRow


def add_alternative(session: Session, product_id: int, category_id: int, person_id: int, now: datetime) -> bool:
    """Whether it is new."""
    added = session.execute(
        insert_for(session)(AcceptedAlternativeRow)
        .values(product_id=product_id, category_id=category_id, person_id=person_id, created_at=now)
        .on_conflict_do_nothing()
        .returning(AcceptedAlternativeRow.category_id)
    )
    return added.first() is not None


def remove_alternative(session: Session, product_id: int, category_id: int) -> bool:
    """Whether it was there."""
    removed = session.execute(
        sa.delete(AcceptedAlternativeRow)
        .where(AcceptedAlternativeRow.product_id == product_id, AcceptedAlternativeRow.category_id == category_id)
        .returning(AcceptedAlternativeRow.category_id)
    )
    return removed.first() is not None


def list_of_product(session: Session, product_id: int) -> Sequence[sa.Row[AcceptedAlternativeRow, str]]:
    """(alternative, who said so), the oldest first."""
    query = (
        sa.select(AcceptedAlternativeRow, PersonRow.name)
        .join(PersonRow, PersonRow.id == AcceptedAlternativeRow.person_id)
        .where(AcceptedAlternativeRow.product_id == product_id)
        .order_by(AcceptedAlternativeRow.created_at, AcceptedAlternativeRow.category_id)
    )
    return session.execute(query).all()


def has_product(session: Session, product_id: int) -> bool:
    return session.scalar(sa.select(ProductRow.id).where(ProductRow.id == product_id)) is not None


def map_alternatives(session: Session, first_id: int, last_id: int) -> dict[int, list[int]]:
    """Product id -> accepted categories, ascending, for products of this range of ids that have some."""
    query = (
        sa.select(AcceptedAlternativeRow.product_id, AcceptedAlternativeRow.category_id)
        .where(AcceptedAlternativeRow.product_id.between(first_id, last_id))
        .order_by(AcceptedAlternativeRow.product_id, AcceptedAlternativeRow.category_id)
    )
    found: dict[int, list[int]] = {}
    for product_id, category_id in session.execute(query):
        found.setdefault(product_id, []).append(category_id)
    return found


def is_accepted(
    product_id: sa.SQLColumnExpression[int], *answers: sa.SQLColumnExpression[int]
) -> sa.ColumnElement[bool]:
    """In a larger query: whether one of the answers is an accepted alternative of the product."""
    return (
        sa.select(AcceptedAlternativeRow.product_id)
        .where(AcceptedAlternativeRow.product_id == product_id, AcceptedAlternativeRow.category_id.in_(answers))
        .exists()
    )
