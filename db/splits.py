"""Queries on product splits: which fold a product belongs to, for good."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.people import insert_for
from db.tables import LabelRow, ProductRow, ProductSplitRow


class SplitTitle(NamedTuple):
    """A labeled product's title, with its group and fold where it has them already."""

    product_id: int
    title: str
    group_key: str | None
    fold: int | None


def iter_labeled_titles(session: Session, chunk: int = 20_000) -> Iterator[SplitTitle]:
    """Every product that was ever labeled, by id."""
    after_id = 0
    is_labeled = sa.select(LabelRow.id).where(LabelRow.product_id == ProductRow.id).exists()
    query = (
        sa.select(ProductRow.id, ProductRow.title, ProductSplitRow.group_key, ProductSplitRow.fold)
        .join(ProductSplitRow, ProductSplitRow.product_id == ProductRow.id, isouter=True)
        .order_by(ProductRow.id)
        .limit(chunk)
    )
    while rows := session.execute(query.where(ProductRow.id > after_id, is_labeled)).all():
        after_id = rows[-1][0]
        yield from (SplitTitle(*row) for row in rows)


def has_folds(session: Session) -> bool:
    """Some product has a fold."""
    return session.scalar(sa.select(ProductSplitRow.product_id).limit(1)) is not None


def count_labeled(session: Session, at_most: int) -> int:
    """Products with a label; counts no further than `at_most`."""
    some = sa.select(ProductRow.id).where(ProductRow.category_id.is_not(None)).limit(at_most).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def insert_splits(session: Session, rows: list[dict[str, Any]]) -> None:
    """New products' folds; one that has a fold already keeps it."""
    if rows:
        insert = insert_for(session)(ProductSplitRow).on_conflict_do_nothing(index_elements=["product_id"])
        session.execute(insert, rows)


def set_fold(session: Session, product_ids: list[int], fold: int) -> None:
    for start in range(0, len(product_ids), 1_000):
        session.execute(
            sa.update(ProductSplitRow)
            .where(ProductSplitRow.product_id.in_(product_ids[start : start + 1_000]))
            .values(fold=fold)
            .execution_options(synchronize_session=False)
        )


def map_folds(session: Session, first_id: int, last_id: int) -> dict[int, int]:
    """Product id -> fold, for products of this range of ids that are not left out."""
    query = sa.select(ProductSplitRow.product_id, ProductSplitRow.fold).where(
        ProductSplitRow.product_id.between(first_id, last_id), ProductSplitRow.fold >= 0
    )
    return dict(session.execute(query).all())
