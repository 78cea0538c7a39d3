"""Queries of edits of the tree: the edits, what they left to be looked at, the tree as an editor needs it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from db.enums import TaxonomyEditKind
from db.label_sources import is_checked
from db.people import insert_for
from db.session import is_sqlite
from db.tables import (
    CategoryLineageRow,
    CategoryRow,
    EditReviewRow,
    PersonRow,
    ProductRow,
    TaxonomyEditRow,
    table_of,
)

IN_CHUNK = 2_000
COLUMNS = (
    "id",
    "parent_id",
    "depth",
    "name",
    "name_en",
    "path",
    "path_en",
    "is_leaf",
    "retired_at",
    "merged_into_id",
)
_WAIT = sa.text("SET LOCAL lock_timeout = '700ms'")  # less than PostgreSQL waits before it looks for a deadlock
_WAIT_ON = sa.text("SET LOCAL lock_timeout = DEFAULT")


class NodeOfTree(NamedTuple):
    """What following an old path needs to know."""

    path: str
    is_retired: bool
    merged_into_id: int | None


def map_nodes(session: Session) -> dict[int, NodeOfTree]:
    """Every node by id, retired ones too; read afresh."""
    query = sa.select(CategoryRow.id, CategoryRow.path, CategoryRow.retired_at.is_not(None), CategoryRow.merged_into_id)
    return {id_: NodeOfTree(path, bool(is_retired), merged) for id_, path, is_retired, merged in session.execute(query)}


def map_former_paths(session: Session) -> dict[str, int]:
    """Path -> the category that was called so before an edit that stands; the latest such edit counts."""
    query = (
        sa.select(TaxonomyEditRow.detail)
        .where(
            TaxonomyEditRow.undone_at.is_(None),
            TaxonomyEditRow.kind.in_(
                [TaxonomyEditKind.RENAME, TaxonomyEditKind.MOVE, TaxonomyEditKind.MERGE, TaxonomyEditKind.IMPORT]
            ),
        )
        .order_by(TaxonomyEditRow.id)
    )
    return {path: id_ for detail in session.scalars(query) for path, id_ in detail.get("former", [])}


def list_nodes(session: Session) -> Sequence[sa.Row[Any]]:
    """COLUMNS of every node, retired ones too, a parent before its children; read afresh."""
    columns = [getattr(CategoryRow, name) for name in COLUMNS]
    return session.execute(sa.select(*columns).order_by(CategoryRow.depth, CategoryRow.id)).all()


def hold_nodes(session: Session, ids: Iterable[int]) -> None:
    """Lock these nodes, whose paths are about to change; on PostgreSQL it gives up after 0.7 s (OperationalError).

    A chunk of predictions that is being written refers to categories: giving up early, neither waits for the other.
    """
    if is_sqlite(session):
        return
    session.execute(_WAIT)
    for part in _parts(sorted(ids)):
        session.execute(sa.select(CategoryRow.id).where(CategoryRow.id.in_(part)).with_for_update())
    session.execute(_WAIT_ON)


def insert_node(session: Session, values: dict[str, Any]) -> int:
    row = CategoryRow(**values)
    session.add(row)
    session.flush()
    return row.id


def update_node(session: Session, category_id: int, values: dict[str, Any]) -> None:
    session.execute(
        sa.update(CategoryRow)
        .where(CategoryRow.id == category_id)
        .values(values)
        .execution_options(synchronize_session=False)
    )


def update_paths(session: Session, rows: Sequence[tuple[int, str, str | None, int]]) -> None:
    """(id, path, English path, depth). Paths are unique: all step aside before the first takes its new one."""
    table = CategoryRow.__table__
    by_id = sa.update(table).where(table.c.id == sa.bindparam("id_"))  # type: ignore[arg-type]
    if rows:
        aside = by_id.values(path=sa.bindparam("path_"))
        session.execute(aside, [{"id_": id_, "path_": f"{path} ~{id_}"} for id_, path, _, _ in rows])
        final = by_id.values(path=sa.bindparam("path_"), path_en=sa.bindparam("path_en_"), depth=sa.bindparam("depth_"))
        session.execute(
            final,
            [{"id_": id_, "path_": path, "path_en_": path_en, "depth_": depth} for id_, path, path_en, depth in rows],
        )


def insert_edit(session: Session, values: dict[str, Any]) -> int:
    row = TaxonomyEditRow(**values)
    session.add(row)
    session.flush()
    return row.id


def finish_edit(session: Session, edit_id: int, detail: dict[str, Any], n_products: int) -> None:
    session.execute(
        sa.update(TaxonomyEditRow)
        .where(TaxonomyEditRow.id == edit_id)
        .values(detail=detail, n_products=n_products)
        .execution_options(synchronize_session=False)
    )


def find_edit(session: Session, edit_id: int) -> TaxonomyEditRow | None:
    return session.get(TaxonomyEditRow, edit_id, populate_existing=True)


def mark_undone(session: Session, edit_id: int, person_id: int, now: datetime) -> None:
    session.execute(
        sa.update(TaxonomyEditRow)
        .where(TaxonomyEditRow.id == edit_id)
        .values(undone_at=now, undone_by=person_id)
        .execution_options(synchronize_session=False)
    )


def list_later_edits(session: Session, edit_id: int) -> Sequence[sa.Row[int, TaxonomyEditKind, int, dict[str, Any]]]:
    """(id, kind, category, detail) of the edits after this one that stand, the newest first."""
    query = (
        sa.select(TaxonomyEditRow.id, TaxonomyEditRow.kind, TaxonomyEditRow.category_id, TaxonomyEditRow.detail)
        .where(TaxonomyEditRow.id > edit_id, TaxonomyEditRow.undone_at.is_(None))
        .order_by(TaxonomyEditRow.id.desc())
    )
    return session.execute(query).all()


def list_edits(
    session: Session, limit: int, before_id: int | None = None, category_id: int | None = None
) -> Sequence[sa.Row[TaxonomyEditRow, str, str | None, int]]:
    """(edit, who, who undid it, products to look at again), the newest first; `before_id` goes on from there."""
    undoer = aliased(PersonRow)
    n_reviews = (
        sa.select(sa.func.count())
        .where(EditReviewRow.edit_id == TaxonomyEditRow.id)
        .correlate(TaxonomyEditRow)
        .scalar_subquery()
    )
    query = (
        sa.select(TaxonomyEditRow, PersonRow.name, undoer.name, n_reviews)
        .join(PersonRow, PersonRow.id == TaxonomyEditRow.person_id)
        .join(undoer, undoer.id == TaxonomyEditRow.undone_by, isouter=True)
        .order_by(TaxonomyEditRow.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        query = query.where(TaxonomyEditRow.id < before_id)
    if category_id is not None:
        query = query.where(TaxonomyEditRow.category_id == category_id)
    return session.execute(query.execution_options(populate_existing=True)).all()


def insert_lineage(session: Session, edit_id: int, pairs: Iterable[tuple[int, int]]) -> None:
    rows = [
        {"edit_id": edit_id, "from_category_id": source, "to_category_id": target}
        for source, target in dict.fromkeys(pairs)
    ]
    if rows:
        session.execute(insert_for(session)(CategoryLineageRow).on_conflict_do_nothing(), rows)


def insert_reviews(session: Session, edit_id: int, product_ids: Sequence[int]) -> None:
    """These products want a person to look at them again."""
    for part in _parts(product_ids):
        rows = [{"edit_id": edit_id, "product_id": product_id} for product_id in part]
        session.execute(insert_for(session)(EditReviewRow).on_conflict_do_nothing(), rows)


def relabel_all(session: Session, from_id: int, to_id: int) -> int:
    """Products with the one category have the other now; how many. Who labeled them, and when, stays."""
    return len(
        session.scalars(
            sa.update(ProductRow)
            .where(ProductRow.category_id == from_id)
            .values(category_id=to_id)
            .returning(ProductRow.id)
            .execution_options(synchronize_session=False)
        ).all()
    )


def relabel(session: Session, from_id: int, to_id: int, product_ids: Sequence[int]) -> int:
    """`relabel_all`, only of these products."""
    n = 0
    for part in _parts(product_ids):
        changed = session.scalars(
            sa.update(ProductRow)
            .where(ProductRow.category_id == from_id, ProductRow.id.in_(part))
            .values(category_id=to_id)
            .returning(ProductRow.id)
            .execution_options(synchronize_session=False)
        )
        n += len(changed.all())
    return n


def iter_titles(session: Session, product_ids: Sequence[int]) -> Iterable[tuple[int, str, int | None, bool]]:
    """(product id, title, label of now, whether a person gave it), in the order of the ids."""
    for part in _parts(product_ids):
        columns = (ProductRow.id, ProductRow.title, ProductRow.category_id, is_checked(ProductRow.label_source))
        query = sa.select(*columns).where(ProductRow.id.in_(part)).order_by(ProductRow.id)
        for id_, title, category_id, is_by_people in session.execute(query):
            yield id_, title, category_id, bool(is_by_people)


def _parts(values: Sequence[int]) -> Iterable[Sequence[int]]:
    for start in range(0, len(values), IN_CHUNK):
        yield values[start : start + IN_CHUNK]


def list_parts(session: Session, category_id: int) -> list[int]:
    """What the category was split into by its last split that stands, in the order they were named; else empty."""
    lineage, edit = table_of(CategoryLineageRow), table_of(TaxonomyEditRow)
    splits = sa.select(sa.func.max(edit.c.id)).where(
        edit.c.kind == TaxonomyEditKind.SPLIT, edit.c.category_id == category_id, edit.c.undone_at.is_(None)
    )
    query = sa.select(lineage.c.to_category_id).where(
        lineage.c.edit_id == splits.scalar_subquery(), lineage.c.from_category_id == category_id
    )
    return list(session.scalars(query.order_by(lineage.c.to_category_id)))
