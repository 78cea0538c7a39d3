"""Queries on the category tree."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from db.session import is_sqlite
from db.tables import CategoryRow, ProductRow

IN_CHUNK = 2_000  # values in one IN (...), far under both databases' limits


def list_categories(session: Session) -> list[CategoryRow]:
    """All nodes, retired ones too, in the order they were made: a parent before its children."""
    return list(session.scalars(sa.select(CategoryRow).order_by(CategoryRow.depth, CategoryRow.id)))


@dataclass(frozen=True, slots=True)
class KnownNode:
    """What growing the tree needs to know of a node that is there; read afresh, past the identity map."""

    id: int
    name_en: str | None
    code: str | None
    is_retired: bool
    merged_into_id: int | None


def find_by_paths(session: Session, paths: Iterable[str]) -> dict[str, KnownNode]:
    columns = (
        CategoryRow.path,
        CategoryRow.id,
        CategoryRow.name_en,
        CategoryRow.code,
        CategoryRow.retired_at.is_not(None),
        CategoryRow.merged_into_id,
    )
    found: dict[str, KnownNode] = {}
    for chunk in _chunks(dict.fromkeys(paths)):
        rows = session.execute(sa.select(*columns).where(CategoryRow.path.in_(chunk)))
        found.update(
            (path, KnownNode(id_, name_en, code, bool(is_retired), merged))
            for path, id_, name_en, code, is_retired, merged in rows
        )
    return found


def bring_back(session: Session, ids: Iterable[int]) -> int:
    """Those of these categories that are retired are in use again, with what lies above them; how many."""
    n, waiting = 0, set(ids)
    while waiting:
        back = [
            session.execute(
                sa.update(CategoryRow)
                .where(CategoryRow.id.in_(chunk), CategoryRow.retired_at.is_not(None))
                .values(retired_at=None)
                .returning(CategoryRow.parent_id)
                .execution_options(synchronize_session=False)
            ).all()
            for chunk in _chunks(waiting)
        ]
        n += sum(map(len, back))
        waiting = {parent_id for rows in back for (parent_id,) in rows if parent_id is not None}
    return n


class FoundCategory(NamedTuple):
    """What decides whether a product may be given a category, and what to say if not."""

    path: str
    is_leaf: bool
    is_retired: bool
    merged_into: str | None  # path of what it means today


def find_usability(session: Session, category_id: int) -> FoundCategory | None:
    """Read afresh; none: there is no such category."""
    target = aliased(CategoryRow)
    found = session.execute(
        sa.select(CategoryRow.path, CategoryRow.is_leaf, CategoryRow.retired_at.is_not(None), target.path)
        .join(target, target.id == CategoryRow.merged_into_id, isouter=True)
        .where(CategoryRow.id == category_id)
    ).one_or_none()
    return FoundCategory(found[0], found[1], bool(found[2]), found[3]) if found else None


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(values)
    while chunk := list(islice(remaining, IN_CHUNK)):
        yield chunk


def lock_tree(session: Session) -> None:
    """One maker of categories at a time; on SQLite a writer is alone anyway."""
    if not is_sqlite(session):
        session.execute(sa.text("SELECT pg_advisory_xact_lock(7205760)"))


def insert_categories(session: Session, values: Sequence[dict[str, Any]]) -> None:
    if values:
        session.execute(sa.insert(CategoryRow), list(values))


def fill_in(session: Session, values: Sequence[dict[str, Any]]) -> None:
    """Set columns of known nodes: each dict has an `id` and what to set."""
    if values:
        session.execute(sa.update(CategoryRow), list(values))


def mark_inner(session: Session, ids: Iterable[int]) -> None:
    """These have children now."""
    for chunk in _chunks(ids):
        session.execute(
            sa.update(CategoryRow)
            .where(CategoryRow.id.in_(chunk), CategoryRow.is_leaf)
            .values(is_leaf=False)
            .execution_options(synchronize_session=False)
        )


def set_guidelines(session: Session, category_id: int, before: str | None, after: str | None) -> bool:
    """False when the guidelines are no longer `before` (or there is no such category)."""
    result = session.execute(
        sa.update(CategoryRow)
        .where(CategoryRow.id == category_id, CategoryRow.guidelines.is_not_distinct_from(before))
        .values(guidelines=after)
        .returning(CategoryRow.id)
    )
    return result.first() is not None


def count_products(session: Session) -> dict[int, int]:
    """Products whose current label is this very category."""
    rows = session.execute(
        sa.select(ProductRow.category_id, sa.func.count())
        .where(ProductRow.category_id.is_not(None))
        .group_by(ProductRow.category_id)
    )
    return {category_id: n for category_id, n in rows if category_id is not None}
