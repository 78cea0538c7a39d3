"""What exports read: one query each, sorted by its first column, with values as close to text as the database can.

Times and prices become text in the database, and categories, people ... stay ids: a few dictionaries in core name them,
which is several times faster than building Python objects of each row.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from db.enums import DecisionKind, LabelSource
from db.products import Conditions, select_products
from db.session import is_sqlite
from db.standing_labels import edit_is_undone, standing
from db.tables import (
    CampaignRow,
    CategoryRow,
    DecisionRow,
    LabelRow,
    MallCategoryRow,
    MallRow,
    ModelVersionRow,
    PersonRow,
    PredictionRow,
    ProductRow,
    table_of,
)


def _time(session: Session, column: Any) -> sa.ColumnElement[str]:
    """ISO 8601 in UTC; whole seconds without a fraction."""
    if is_sqlite(session):
        text: Any = sa.func.replace(sa.type_coerce(column, sa.Text), " ", "T").op("||")("Z")
    else:
        text = sa.func.to_char(sa.func.timezone("UTC", column), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    return sa.func.replace(text, ".000000Z", "Z", type_=sa.Text)


def _price(session: Session, column: Any) -> sa.ColumnElement[str]:
    if is_sqlite(session):
        return sa.case((column.is_not(None), sa.func.printf("%.2f", sa.type_coerce(column, sa.Float), type_=sa.Text)))
    return sa.cast(column, sa.Text)


def _word(column: Any) -> sa.ColumnElement[str]:
    return sa.type_coerce(column, sa.Text)


_KEY = (ProductRow.source, ProductRow.external_id, ProductRow.title)


def products_query(session: Session, wanted: Conditions) -> sa.Select[Any]:
    """Products with their current label."""
    columns = (
        ProductRow.id.label("shelfwright_id"),
        *_KEY,
        ProductRow.brand,
        MallRow.name.label("mall"),
        MallCategoryRow.path.label("mall_category"),
        _price(session, ProductRow.price).label("price"),
        ProductRow.image,
        _time(session, ProductRow.registered_at).label("registered_at"),
        ProductRow.category_id.label("category"),
        _word(ProductRow.label_source).label("label_source"),
        _time(session, ProductRow.labeled_at).label("labeled_at"),
    )
    return _with_malls(select_products(wanted, None, *columns)).order_by(ProductRow.id)


def _with_malls(query: sa.Select[Any]) -> sa.Select[Any]:
    return query.outerjoin(MallRow, MallRow.id == ProductRow.mall_id).outerjoin(
        MallCategoryRow, MallCategoryRow.id == ProductRow.mall_category_id
    )


def predictions_query(session: Session, wanted: Conditions) -> sa.Select[Any]:
    """What the version of the conditions answers, for the products it has scored."""
    columns = (
        ProductRow.id.label("shelfwright_id"),
        *_KEY,
        ProductRow.category_id.label("category"),
        _word(ProductRow.label_source).label("label_source"),
        PredictionRow.model_version_id.label("model_version"),
        PredictionRow.category_id.label("predicted_category"),
        PredictionRow.confidence,
        PredictionRow.margin,
        PredictionRow.abstained.label("hard_to_predict"),
        PredictionRow.back_off_category_id.label("back_off_category"),
        sa.cast(PredictionRow.top, sa.Text).label("suggestions"),
    )
    query = select_products(wanted, None, *columns)
    return query.where(PredictionRow.model_version_id == wanted.model_version_id).order_by(ProductRow.id)


def decisions_query(
    session: Session,
    wanted: Conditions | None,
    campaign_id: int | None,
    person_id: int | None,
    since: datetime | None,
    until: datetime | None,
) -> sa.Select[Any]:
    """All decisions, those that undo others too. `since` is included, `until` is not."""
    undo = aliased(DecisionRow)
    columns: list[Any] = [
        DecisionRow.id.label("decision_id"),
        _time(session, DecisionRow.created_at).label("created_at"),
        _word(DecisionRow.kind).label("kind"),
        undo.id.is_not(None).label("is_undone"),
        DecisionRow.undoes_id,
        DecisionRow.person_id.label("person"),
        DecisionRow.campaign_id.label("campaign"),
        DecisionRow.product_id.label("shelfwright_id"),
        *_KEY,
        DecisionRow.category_id.label("category"),
        DecisionRow.previous_category_id.label("previous_category"),
        DecisionRow.model_version_id.label("model_version"),
        DecisionRow.suggestion_rank,
        DecisionRow.seconds_spent,
        DecisionRow.note,
        DecisionRow.is_blind,
        DecisionRow.is_gold_check,
        DecisionRow.copied_from_id,
        DecisionRow.batch_key,
    ]
    query = (
        sa.select(*columns)
        .select_from(DecisionRow)
        .join(ProductRow, ProductRow.id == DecisionRow.product_id)
        .outerjoin(undo, undo.undoes_id == DecisionRow.id)
        .order_by(DecisionRow.id)
    )
    if campaign_id is not None:
        query = query.where(DecisionRow.campaign_id == campaign_id)
    if wanted is not None:
        query = query.where(DecisionRow.product_id.in_(select_products(wanted, None, ProductRow.id)))
    if person_id is not None:
        query = query.where(DecisionRow.person_id == person_id)
    if since is not None:
        query = query.where(DecisionRow.created_at >= since)
    if until is not None:
        query = query.where(DecisionRow.created_at < until)
    return query


def labels_query(session: Session, wanted: Conditions | None) -> sa.Select[Any]:
    """Every label a product ever had, by product and age. `is_void`: what gave it or carried it here is undone."""
    given, undo = aliased(LabelRow), aliased(DecisionRow)
    columns: list[Any] = [
        LabelRow.product_id.label("shelfwright_id"),
        *_KEY,
        LabelRow.id.label("label_id"),
        _time(session, LabelRow.created_at).label("created_at"),
        LabelRow.category_id.label("category"),
        _word(LabelRow.source).label("label_source"),
        LabelRow.person_id.label("person"),
        LabelRow.decision_id,
        LabelRow.edit_id,
        LabelRow.carried_from_id,
        sa.or_(undo.id.is_not(None), edit_is_undone(table_of(LabelRow))).label("is_void"),
    ]
    query = (
        sa.select(*columns)
        .select_from(LabelRow)
        .join(ProductRow, ProductRow.id == LabelRow.product_id)
        .outerjoin(given, given.id == sa.func.coalesce(LabelRow.carried_from_id, LabelRow.id))
        .outerjoin(undo, undo.undoes_id == given.decision_id)
        .order_by(LabelRow.product_id, LabelRow.id)
    )
    if wanted is not None:
        query = query.where(LabelRow.product_id.in_(select_products(wanted, None, ProductRow.id)))
    return query


def each_part(session: Session, query: sa.Select[Any], n_rows: int) -> Iterator[list[Any]]:
    """The rows in lists of `n_rows`, through a cursor of the server: memory stays flat, all rows are of one moment.

    Executed by the connection: the session would copy each row once more to look for objects in it.
    """
    result = session.connection().execute(query, execution_options={"yield_per": n_rows})
    try:
        for part in result.partitions():
            yield list(part)
    finally:
        result.close()


def last_key(session: Session, query: sa.Select[Any]) -> int:
    """About where the query ends: the highest id of the table that its first column comes from."""
    first = next(iter(query.selected_columns))
    table = {"decision_id": DecisionRow.id}.get(first.name, ProductRow.id)
    return session.scalar(sa.select(sa.func.max(table))) or 0


def names_of(session: Session) -> dict[str, dict[int, str]]:
    """What ids are called: category (its path), person, campaign, model_version."""
    named: dict[str, tuple[Any, Any]] = {
        "category": (CategoryRow.id, CategoryRow.path),
        "person": (PersonRow.id, PersonRow.name),
        "campaign": (CampaignRow.id, CampaignRow.name),
        "model_version": (ModelVersionRow.id, ModelVersionRow.name),
    }
    return {kind: dict(session.execute(sa.select(*columns)).all()) for kind, columns in named.items()}


def _among(column: Any, ids: Sequence[int]) -> sa.ColumnElement[bool]:
    """Of these ascending ids, and maybe of others between them: a range, quick to find, where they lie close."""
    is_dense = ids[-1] - ids[0] < 4 * len(ids)
    return column.between(ids[0], ids[-1]) if is_dense else column.in_(ids)  # type: ignore[no-any-return]


def list_given(session: Session, ids: Sequence[int], campaign_id: int | None) -> list[sa.Row[Any]]:
    """What people decided of these products (ids, ascending) and did not take back, by product and age.

    A label is where edits of the tree carried it. Of a campaign only, if one is named.
    """
    undo, label, carried = aliased(DecisionRow), aliased(LabelRow), aliased(LabelRow)
    today = (
        sa.select(carried.category_id)
        .where(carried.carried_from_id == label.id, ~edit_is_undone(_plain(carried)))
        .where(carried.product_id == DecisionRow.product_id)
        .order_by(carried.id.desc())
        .limit(1)
        .correlate(label, DecisionRow)
        .scalar_subquery()
    )
    query = (
        sa.select(
            DecisionRow.product_id,
            DecisionRow.id,
            _word(DecisionRow.kind).label("kind"),
            sa.func.coalesce(today, DecisionRow.category_id).label("category_id"),
            DecisionRow.person_id,
            DecisionRow.seconds_spent,
            DecisionRow.note,
            _time(session, DecisionRow.created_at).label("created_at"),
        )
        .outerjoin(undo, sa.and_(undo.undoes_id == DecisionRow.id, _among(undo.product_id, ids)))
        .outerjoin(label, sa.and_(label.decision_id == DecisionRow.id, _among(label.product_id, ids)))
        .where(
            _among(DecisionRow.product_id, ids),
            DecisionRow.kind != DecisionKind.UNDO,
            undo.id.is_(None),
        )
        .order_by(DecisionRow.product_id, DecisionRow.id)
    )
    if campaign_id is not None:
        query = query.where(DecisionRow.campaign_id == campaign_id)
    return list(session.connection().execute(query).all())


def _plain(row: Any) -> Any:
    """The table behind an aliased row, as `standing_labels` takes it."""
    return sa.inspect(row).selectable


def list_predicted(session: Session, version_id: int, ids: Sequence[int]) -> dict[int, tuple[int, float]]:
    """Product -> (category, confidence), for these products (ids, ascending)."""
    query = sa.select(PredictionRow.product_id, PredictionRow.category_id, PredictionRow.confidence).where(
        PredictionRow.model_version_id == version_id, _among(PredictionRow.product_id, ids)
    )
    return {
        product_id: (category_id, confidence)
        for product_id, category_id, confidence in session.connection().execute(query).all()
    }


def list_imported(session: Session, ids: Sequence[int]) -> dict[int, int]:
    """Product -> what its latest imported label says today, for these products (ids, ascending).

    The ids are asked of both sides of the join, which keeps PostgreSQL from reading the whole table for it.
    """
    row, given, query = standing()
    query = query.with_only_columns(row.c.product_id, row.c.category_id).where(
        _among(row.c.product_id, ids),
        _among(given.c.product_id, ids),
        row.c.source == LabelSource.IMPORT,
    )
    found: list[tuple[int, int]] = [(one[0], one[1]) for one in session.execute(query.order_by(given.c.id, row.c.id))]
    return dict(found)  # a later row wins


def emails_of(session: Session) -> dict[int, str]:
    """Person -> e-mail address, where one is known."""
    query = sa.select(PersonRow.id, PersonRow.email).where(PersonRow.email.is_not(None))
    return {id_: email for id_, email in session.execute(query) if email}
