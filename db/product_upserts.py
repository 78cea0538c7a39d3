"""Writing many products at once: what is known of them, new rows, changed rows, imported labels."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import LabelSource
from db.label_sources import is_checked
from db.people import insert_for
from db.session import is_sqlite
from db.tables import LabelRow, MallCategoryRow, MallRow, ProductRow

IN_CHUNK = 2_000  # values in one IN (...), far under both databases' limits


class Known(NamedTuple):
    """A product that is in the catalogue already."""

    id: int
    content_hash: str


def find_known(session: Session, source: str, keys: Sequence[str]) -> dict[str, Known]:
    """External id -> what is known of it, for those that are there."""
    query = sa.select(ProductRow.external_id, ProductRow.id, ProductRow.content_hash).where(
        ProductRow.source == source, ProductRow.external_id.in_(sa.bindparam("keys", expanding=True))
    )
    found: dict[str, Known] = {}
    for start in range(0, len(keys), IN_CHUNK):
        rows = session.execute(query, {"keys": keys[start : start + IN_CHUNK]})
        found.update((key, Known(id_, content_hash)) for key, id_, content_hash in rows)
    return found


def current_categories(session: Session, product_ids: Sequence[int]) -> dict[int, int | None]:
    """Product -> the category of its label that counts."""
    found: dict[int, int | None] = {}
    for start in range(0, len(product_ids), IN_CHUNK):
        part = product_ids[start : start + IN_CHUNK]
        rows = session.execute(sa.select(ProductRow.id, ProductRow.category_id).where(ProductRow.id.in_(part)))
        found.update((id_, category_id) for id_, category_id in rows)
    return found


def has_products(session: Session, source: str) -> bool:
    """Whether there is any product of this source."""
    return session.scalar(sa.select(ProductRow.id).where(ProductRow.source == source).limit(1)) is not None


def ensure_malls(session: Session, names: Iterable[str]) -> dict[str, int]:
    """Name -> id, making those that are missing."""
    wanted = sorted(set(names))  # one order, so that two writers never wait for each other
    if not wanted:
        return {}
    insert = insert_for(session)(MallRow).on_conflict_do_nothing(index_elements=["name"])
    session.execute(insert, [{"name": name, "weight": 1.0} for name in wanted])
    found: dict[str, int] = {}
    for start in range(0, len(wanted), IN_CHUNK):
        part = wanted[start : start + IN_CHUNK]
        rows = session.execute(sa.select(MallRow.name, MallRow.id).where(MallRow.name.in_(part)))
        found.update(rows.all())
    return found


def ensure_mall_categories(session: Session, wanted: Iterable[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """(mall id, path) -> id, making those that are missing."""
    pairs = sorted(set(wanted))
    if not pairs:
        return {}
    insert = insert_for(session)(MallCategoryRow).on_conflict_do_nothing(index_elements=["mall_id", "path"])
    session.execute(insert, [{"mall_id": mall_id, "path": path} for mall_id, path in pairs])
    found: dict[tuple[int, str], int] = {}
    paths = sorted({path for _, path in pairs})
    for start in range(0, len(paths), IN_CHUNK):
        query = sa.select(MallCategoryRow.mall_id, MallCategoryRow.path, MallCategoryRow.id).where(
            MallCategoryRow.path.in_(paths[start : start + IN_CHUNK])
        )
        found.update(((mall_id, path), id_) for mall_id, path, id_ in session.execute(query))
    return found


def next_product_ids(session: Session, n_ids: int) -> list[int]:
    """Ids for new products. SQLite's writer is alone, so that counting on from the last one is right there."""
    if is_sqlite(session):
        last = session.scalar(sa.select(sa.func.max(ProductRow.id))) or 0
        return list(range(last + 1, last + 1 + n_ids))
    sequence = sa.func.pg_get_serial_sequence("products", "id")
    query = sa.select(sa.func.nextval(sequence)).select_from(sa.func.generate_series(1, n_ids))
    return list(session.scalars(query))


INSERTED = (
    "id",
    "source",
    "external_id",
    "title",
    "brand",
    "mall_id",
    "mall_category_id",
    "price",
    "image",
    "registered_at",
    "content_hash",
    "category_id",
    "label_source",
    "labeled_at",
    "created_at",
    "updated_at",
)


def insert_products(session: Session, rows: Sequence[tuple[Any, ...]]) -> None:
    """New products; each row has the columns of INSERTED in that order.

    Past the ORM's per-row work, which costs more than the database: the values of a column are
    prepared together, and the driver takes all rows in one call (PostgreSQL: COPY).
    """
    if not rows:
        return
    columns = [_prepared(session, name, values) for name, values in zip(INSERTED, zip(*rows, strict=True), strict=True)]
    prepared = list(zip(*columns, strict=True))
    connection = session.connection()
    if is_sqlite(session):
        statement = sa.insert(ProductRow.__table__)  # type: ignore[arg-type]
        sql = str(statement.compile(dialect=connection.dialect, column_keys=list(INSERTED)))
        connection.exec_driver_sql(sql, prepared)
        return
    with connection.connection.cursor() as cursor, cursor.copy(COPY_PRODUCTS) as copy:  # type: ignore[attr-defined]
        for row in prepared:
            copy.write_row(row)


COPY_PRODUCTS = (
    "COPY products (id, source, external_id, title, brand, mall_id, mall_category_id, price, image, registered_at, "
    "content_hash, category_id, label_source, labeled_at, created_at, updated_at) FROM STDIN"
)


def _prepared(session: Session, column: str, values: Sequence[Any]) -> Sequence[Any]:
    """The values of one column as the driver takes them; equal ones are prepared once."""
    dialect = session.connection().dialect
    kind = ProductRow.__table__.c[column].type
    processor = kind.dialect_impl(dialect).bind_processor(dialect)
    if processor is None:
        return values
    made = {value: processor(value) for value in set(values)}
    return [made[value] for value in values]


def update_products(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Each row has an `id` and the columns to set, the same ones in all rows."""
    if rows:
        table = ProductRow.__table__
        names = [name for name in rows[0] if name != "id"]
        statement = (
            sa.update(table)  # type: ignore[arg-type]
            .where(table.c.id == sa.bindparam("id_"))
            .values({name: sa.bindparam(f"{name}_") for name in names})
        )
        session.execute(statement, [{f"{name}_": value for name, value in row.items()} for row in rows])


def insert_labels(session: Session, labels: Sequence[tuple[int, int]], now: datetime) -> None:
    """Imported labels as (product, category)."""
    if labels:
        rows = [
            {"product_id": product_id, "category_id": category_id, "source": LabelSource.IMPORT, "created_at": now}
            for product_id, category_id in labels
        ]
        session.execute(sa.insert(LabelRow.__table__), rows)  # type: ignore[arg-type]


def label_inserted(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Imported labels for products just inserted in this transaction (`ids`, ascending) that have a category."""
    if not ids:
        return
    product = ProductRow.__table__.c
    ours = sa.select(
        product.id,
        product.category_id,
        sa.literal(LabelSource.IMPORT, LabelRow.source.type),
        sa.literal(now, LabelRow.created_at.type),
    ).where(product.id.between(ids[0], ids[-1]), product.category_id.is_not(None), product.created_at == now)
    columns = ["product_id", "category_id", "source", "created_at"]
    session.execute(sa.insert(LabelRow.__table__).from_select(columns, ours.order_by(product.id)))  # type: ignore[arg-type]


def follow_imported_labels(session: Session, labels: Sequence[tuple[int, int]], now: datetime) -> None:
    """Make these (product, category) the current labels, except where a human has decided."""
    if not labels:
        return
    table = ProductRow.__table__
    statement = (
        sa.update(table)  # type: ignore[arg-type]
        .where(
            table.c.id == sa.bindparam("id_"),
            ~is_checked(table.c.label_source),
        )
        .values(category_id=sa.bindparam("category_"), label_source=LabelSource.IMPORT, labeled_at=now)
    )
    session.execute(statement, [{"id_": product_id, "category_": category} for product_id, category in labels])
