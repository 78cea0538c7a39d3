"""Queries on products' images: which are named, and what reading them came to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.people import insert_for
from db.tables import ProductImageRow, ProductRow


class NamedImage(NamedTuple):
    """The image a product names, and what was found when it was last read: all none when it never was."""

    product_id: int
    image: str | None
    read_image: str | None  # the reference that was read then
    image_hash: str | None
    status: str | None
    checked_at: datetime | None


def list_images(session: Session, product_ids: Sequence[int]) -> list[NamedImage]:
    """By product id; at most some thousands at a time."""
    return _list(session, ProductRow.id.in_(product_ids))


def list_images_after(session: Session, after_id: int, limit: int) -> list[NamedImage]:
    """The next products, by id."""
    return _list(session, ProductRow.id > after_id, limit)


def _list(session: Session, which: sa.ColumnElement[bool], limit: int | None = None) -> list[NamedImage]:
    query = (
        sa.select(
            ProductRow.id,
            ProductRow.image,
            ProductImageRow.image,
            ProductImageRow.image_hash,
            ProductImageRow.status,
            ProductImageRow.checked_at,
        )
        .join(ProductImageRow, ProductImageRow.product_id == ProductRow.id, isouter=True)
        .where(which)
        .order_by(ProductRow.id)
        .limit(limit)
    )
    return [NamedImage(*row) for row in session.execute(query)]


def count_products(session: Session) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(ProductRow)) or 0


def upsert_images(session: Session, rows: list[dict[str, Any]]) -> None:
    """Keep what reading came to; what was known of the same product is replaced."""
    if not rows:
        return
    insert = insert_for(session)(ProductImageRow)
    fresh = {name: insert.excluded[name] for name in ("image", "image_hash", "status", "checked_at")}
    session.execute(insert.on_conflict_do_update(index_elements=["product_id"], set_=fresh), rows)
