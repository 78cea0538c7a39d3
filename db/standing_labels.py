"""Which label of a product counts, written once: nothing that was taken back, and edits of the tree followed.

A label that a person or a file gave is an *origin*. An edit of the tree that moves what said A to B adds a row in B
that names its origin (`carried_from_id`, never a carried row). Of one origin the newest row that stands says where it
belongs today. Of the origins of a product the highest rank wins, then the latest.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import LabelSource
from db.label_sources import outranks
from db.session import is_sqlite
from db.tables import DecisionRow, LabelRow, ProductRow, TaxonomyEditRow, table_of

IN_CHUNK = 2_000  # values in one IN (...), far under both databases' limits
_LOCK = 7205761  # of PostgreSQL: shared by those who write labels, exclusive for an edit of the tree

labels = table_of(LabelRow)
products = table_of(ProductRow)
_undo = table_of(DecisionRow).alias("undo")
_edit = table_of(TaxonomyEditRow).alias("edit")

_HOLD_TREE = sa.select(sa.func.pg_advisory_xact_lock_shared(_LOCK))
_HOLD_TREE_ALONE = sa.select(sa.func.pg_advisory_xact_lock(_LOCK))


def hold_tree(session: Session) -> None:
    """Until the end of this transaction nobody edits the tree. Call it before a row of products is locked.

    On SQLite the one writer is alone anyway.
    """
    if not is_sqlite(session):
        session.execute(_HOLD_TREE)


def hold_tree_alone(session: Session) -> None:
    """Until the end of this transaction nobody else edits the tree or writes a label."""
    if not is_sqlite(session):
        session.execute(_HOLD_TREE_ALONE)


def origin(row: Any) -> sa.ColumnElement[int]:
    """The id of the label that a person or a file gave."""
    return sa.func.coalesce(row.c.carried_from_id, row.c.id)


def stands(row: Any, given: Any) -> sa.ColumnElement[bool]:
    """Neither the edit that carried `row` nor the decision of its origin `given` is undone."""
    is_undone = sa.select(_undo.c.id).where(_undo.c.undoes_id == given.c.decision_id).exists()
    return sa.and_(~is_undone, ~edit_is_undone(row))


def edit_is_undone(row: Any, at: datetime | None = None) -> sa.ColumnElement[bool]:
    """The edit that carried `row` is undone, or was at that time."""
    undone = _edit.c.undone_at.is_not(None) if at is None else _edit.c.undone_at <= at
    return sa.select(_edit.c.id).where(_edit.c.id == row.c.edit_id, undone).exists()


def is_newest(row: Any) -> sa.ColumnElement[bool]:
    """No later row of the same origin stands: `row` says where it belongs today."""
    later = labels.alias("later")
    return ~(
        sa.select(later.c.id)
        .where(
            later.c.product_id == row.c.product_id,
            later.c.carried_from_id == origin(row),
            later.c.id > row.c.id,
            ~edit_is_undone(later),
        )
        .exists()
    )


def in_order(row: Any, given: Any) -> list[sa.ColumnElement[Any]]:
    """Sorted by these the winner of a product's standing rows comes first."""
    return [outranks(row.c.source).desc(), given.c.id.desc(), row.c.id.desc()]


def standing(*columns: Any) -> tuple[Any, Any, sa.Select[Any]]:
    """(label, its origin, a query of these columns over the rows that stand); no columns: the rows themselves."""
    row, given = labels.alias("label"), labels.alias("origin")
    query = sa.select(*(columns or row.c)).select_from(row.join(given, given.c.id == origin(row)))
    return row, given, query.where(stands(row, given))


def find_winner(session: Session, product_id: int) -> tuple[int, LabelSource, datetime] | None:
    """(category id, source, since when) of the label that counts."""
    row, given, query = standing()
    winner = query.with_only_columns(row.c.category_id, row.c.source, given.c.created_at)
    winner = winner.where(row.c.product_id == product_id).order_by(*in_order(row, given)).limit(1)
    found = session.execute(winner).one_or_none()
    return (found[0], found[1], found[2]) if found else None


def restore_winners(session: Session, product_ids: Iterable[int]) -> int:
    """`find_winner` for many products, written into them in a few statements; how many have another category now."""
    ids = sorted(set(product_ids))
    return sum(_restore(session, ids[start : start + IN_CHUNK]) for start in range(0, len(ids), IN_CHUNK))


def _restore(session: Session, ids: Sequence[int]) -> int:
    found = sa.select(products.c.id, products.c.category_id).where(products.c.id.in_(ids))
    before: dict[int, int | None] = dict(session.execute(found).all())
    row, given, query = standing()
    place = sa.func.row_number().over(partition_by=row.c.product_id, order_by=in_order(row, given))
    ranked = (
        query.with_only_columns(row.c.product_id, row.c.category_id, row.c.source, given.c.created_at, place.label("n"))
        .where(row.c.product_id.in_(ids))
        .subquery("ranked")
    )
    winners = sa.select(ranked).where(ranked.c.n == 1).subquery("winner")
    labeled = session.execute(
        sa.update(products)
        .where(products.c.id == winners.c.product_id)
        .values(category_id=winners.c.category_id, label_source=winners.c.source, labeled_at=winners.c.created_at)
        .returning(products.c.id, products.c.category_id)
    )
    after: dict[int, int | None] = dict(labeled.all())
    bare = sorted(set(ids) - set(after))
    if bare:
        nothing = {"category_id": None, "label_source": None, "labeled_at": None}
        session.execute(sa.update(products).where(products.c.id.in_(bare)).values(nothing))
    return sum(category_id != after.get(id_) for id_, category_id in before.items())


def carry(
    session: Session,
    from_id: int,
    to_id: int,
    edit_id: int | None,
    now: datetime,
    product_ids: Sequence[int] | None = None,
) -> None:
    """Each standing label that says the one category today, whoever overruled it, says the other from now on.

    Source, person and rank stay; `product_ids` (at most 2,000) restricts it. Products are not touched.
    """
    row, _, query = standing()
    found = query.with_only_columns(
        row.c.product_id,
        sa.literal(to_id, sa.BigInteger),
        row.c.source,
        row.c.person_id,
        sa.literal(edit_id, sa.BigInteger),
        origin(row),
        sa.literal(now, labels.c.created_at.type),
    ).where(row.c.category_id == from_id, is_newest(row))
    if product_ids is not None:
        found = found.where(row.c.product_id.in_(product_ids))
    columns = ["product_id", "category_id", "source", "person_id", "edit_id", "carried_from_id", "created_at"]
    session.execute(sa.insert(labels).from_select(columns, found.order_by(row.c.id)))


def list_said(session: Session) -> list[int]:
    """Every category that a standing label says today, overruled ones too."""
    row, _, query = standing()
    return list(session.scalars(query.with_only_columns(row.c.category_id).where(is_newest(row)).distinct()))


def list_products_saying(session: Session, category_id: int) -> list[int]:
    """Ids of products with a standing label that says this category today, overruled ones too, ascending."""
    row, _, query = standing()
    found = query.with_only_columns(row.c.product_id).where(row.c.category_id == category_id, is_newest(row))
    return list(session.scalars(found.distinct().order_by(row.c.product_id)))


def says_anything(session: Session, category_ids: Sequence[int]) -> bool:
    """Whether a standing label says one of these categories today, overruled ones too."""
    row, _, query = standing()
    found = query.with_only_columns(row.c.id).where(row.c.category_id.in_(category_ids), is_newest(row))
    return session.scalar(found.limit(1)) is not None


def list_products_of_edit(session: Session, edit_id: int) -> list[int]:
    """Ids of the products whose labels this edit carried."""
    return list(session.scalars(sa.select(labels.c.product_id).where(labels.c.edit_id == edit_id).distinct()))


def latest_imported(session: Session, product_ids: Sequence[int]) -> dict[int, int]:
    """Product -> what its latest imported label says today."""
    row, given, query = standing()
    found: dict[int, int] = {}
    for start in range(0, len(product_ids), IN_CHUNK):
        part = product_ids[start : start + IN_CHUNK]
        rows = session.execute(
            query.with_only_columns(row.c.product_id, row.c.category_id)
            .where(row.c.product_id.in_(part), row.c.source == LabelSource.IMPORT)
            .order_by(given.c.id, row.c.id)
        )
        found.update((product_id, category_id) for product_id, category_id in rows)  # a later row wins
    return found
