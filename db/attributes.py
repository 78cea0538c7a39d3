"""Queries on attributes: what is read, and the tags of products."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.tables import ProductAttributeRow, ProductRow


class ReadProduct(NamedTuple):
    """What attributes are read from."""

    id: int
    title: str
    image: str | None
    category_id: int | None


def list_read_products(session: Session, after_id: int, limit: int) -> list[ReadProduct]:
    """The next products by id."""
    query = (
        sa.select(ProductRow.id, ProductRow.title, ProductRow.image, ProductRow.category_id)
        .where(ProductRow.id > after_id)
        .order_by(ProductRow.id)
        .limit(limit)
    )
    return [ReadProduct(*row) for row in session.execute(query)]


def replace_attributes(session: Session, first_id: int, last_id: int, rows: Sequence[dict[str, Any]]) -> None:
    """Put these tags in the place of all that products first_id..last_id had."""
    session.execute(sa.delete(ProductAttributeRow).where(ProductAttributeRow.product_id.between(first_id, last_id)))
    if rows:
        session.execute(sa.insert(ProductAttributeRow), list(rows))


def list_attributes(session: Session, product_id: int) -> list[ProductAttributeRow]:
    """A product's tags by name, the surest first."""
    query = (
        sa.select(ProductAttributeRow)
        .where(ProductAttributeRow.product_id == product_id)
        .order_by(ProductAttributeRow.name, ProductAttributeRow.confidence.desc(), ProductAttributeRow.value)
    )
    return list(session.scalars(query))


def count_products(session: Session) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(ProductRow)) or 0


def count_attributes(session: Session) -> dict[str, int]:
    """Tags by attribute name."""
    query = sa.select(ProductAttributeRow.name, sa.func.count()).group_by(ProductAttributeRow.name)
    return {str(name): int(n) for name, n in session.execute(query)}
