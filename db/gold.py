"""Queries of gold: settlements (a reviewer's decisions without a task) and the products that they made gold."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from db.decisions import insert_decision, labels, products
from db.enums import DecisionKind, LabelSource
from db.tables import DecisionRow, LabelRow, PersonRow, ProductRow

SETTLING = (DecisionKind.SETTLE, DecisionKind.CANNOT_TELL, DecisionKind.BAD_LISTING)
SETTLED = (
    DecisionRow.task_id.is_(None),
    DecisionRow.copied_from_id.is_(None),
    DecisionRow.kind.in_(SETTLING),
)


class LabelNow(NamedTuple):
    """The label that a product has."""

    category_id: int | None
    source: LabelSource | None


class GoldLine(NamedTuple):
    """A gold product with the settlement that counts."""

    product_id: int
    title: str
    category_id: int
    decision_id: int | None
    person: str | None
    note: str | None
    settled_at: datetime


def find_label(session: Session, product_id: int) -> LabelNow | None:
    """None when there is no such product."""
    query = sa.select(ProductRow.category_id, ProductRow.label_source).where(ProductRow.id == product_id)
    row = session.execute(query).one_or_none()
    return LabelNow(row.category_id, row.label_source) if row else None


def add_gold_label(
    session: Session, product_id: int, category_id: int, person_id: int, decision_id: int, now: datetime
) -> None:
    """A reviewer's label, which is from now on the product's."""
    values: dict[str, Any] = {"category_id": category_id, "person_id": person_id, "decision_id": decision_id}
    session.execute(sa.insert(labels).values(product_id=product_id, source=LabelSource.GOLD, created_at=now, **values))
    session.execute(
        sa.update(products)
        .where(products.c.id == product_id)
        .values(category_id=category_id, label_source=LabelSource.GOLD, labeled_at=now)
    )


def is_settlement(row: DecisionRow) -> bool:
    """A reviewer's verdict on a product, not an annotator's answer to a task."""
    return row.task_id is None and row.copied_from_id is None and row.kind in SETTLING


def add_undo(
    session: Session, settlement: DecisionRow, person_id: int, key: str, note: str | None, now: datetime
) -> int | None:
    """The undo's id; None when the settlement is undone already or the key was used."""
    return insert_decision(
        session,
        {
            "idempotency_key": key,
            "kind": DecisionKind.UNDO,
            "campaign_id": settlement.campaign_id,
            "product_id": settlement.product_id,
            "person_id": person_id,
            "undoes_id": settlement.id,
            "note": note,
            "created_at": now,
        },
    )


def stands(decision: Any) -> sa.ColumnElement[bool]:
    """No undo names this decision."""
    undo = aliased(DecisionRow)
    return ~sa.exists().where(undo.undoes_id == decision.id)


def find_standing(session: Session, product_id: int) -> DecisionRow | None:
    """The product's latest settlement that was not undone."""
    query = (
        sa.select(DecisionRow)
        .where(
            DecisionRow.product_id == product_id,
            *SETTLED,
            stands(DecisionRow),
        )
        .order_by((DecisionRow.kind == DecisionKind.SETTLE).desc(), DecisionRow.id.desc())
        .limit(1)
    )
    return session.scalar(query)


def is_gold(session: Session, product_id: int) -> bool:
    """Settled by a reviewer, or its label came with an import of gold."""
    label, standing = find_label(session, product_id), find_standing(session, product_id)
    by_label = label is not None and label.source == LabelSource.GOLD
    return by_label or (standing is not None and standing.kind == DecisionKind.SETTLE)


def find_last_of(session: Session, person_id: int, limit: int = 1_000) -> DecisionRow | None:
    """The settlement that this person made last and that stands, among their last `limit` decisions."""
    mine = sa.select(DecisionRow.id).where(DecisionRow.person_id == person_id)
    recent = mine.order_by(DecisionRow.id.desc()).limit(limit).subquery()
    query = sa.select(DecisionRow).join(recent, recent.c.id == DecisionRow.id).where(*SETTLED, stands(DecisionRow))
    return session.scalar(query.order_by(DecisionRow.id.desc()).limit(1))


def list_batch(session: Session, batch_key: str, limit: int) -> list[DecisionRow]:
    """Up to `limit` standing settlements that were made together, by product."""
    query = sa.select(DecisionRow).where(DecisionRow.batch_key == batch_key, *SETTLED, stands(DecisionRow))
    return list(session.scalars(query.order_by(DecisionRow.product_id).limit(limit)))


def count_gold(session: Session, limit: int) -> int:
    """Gold products, counted up to `limit` so that nobody waits for the count of a million."""
    found = sa.select(ProductRow.id).where(ProductRow.label_source == LabelSource.GOLD).limit(limit)
    return session.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0


def list_gold(session: Session, before_id: int | None, limit: int) -> list[GoldLine]:
    """Gold products, those imported last first; those below `before_id` when given."""
    query = sa.select(ProductRow.id, ProductRow.title, ProductRow.category_id, ProductRow.labeled_at).where(
        ProductRow.label_source == LabelSource.GOLD
    )
    if before_id is not None:
        query = query.where(ProductRow.id < before_id)
    rows = session.execute(query.order_by(ProductRow.id.desc()).limit(limit)).all()
    settled = _settled(session, [row.id for row in rows])
    lines = []
    for row in rows:
        decision_id, person, note = settled.get(row.id, (None, None, None))
        lines.append(GoldLine(row.id, row.title, row.category_id, decision_id, person, note, row.labeled_at))
    return lines


def _settled(session: Session, product_ids: list[int]) -> dict[int, tuple[int, str, str | None]]:
    """Product id -> id, person and note of its latest standing settlement."""
    query = (
        sa.select(DecisionRow.product_id, DecisionRow.id, PersonRow.name, DecisionRow.note)
        .join(LabelRow, LabelRow.decision_id == DecisionRow.id)
        .join(PersonRow, PersonRow.id == DecisionRow.person_id)
        .where(DecisionRow.product_id.in_(product_ids), DecisionRow.kind == DecisionKind.SETTLE, stands(DecisionRow))
        .order_by(DecisionRow.id)
    )
    return {product: (decision, person, note) for product, decision, person, note in session.execute(query)}


def last_settling(session: Session, product_id: int) -> int:
    """The id of the last settlement of this product or undo of one; 0 before the first."""
    of_reviewers = sa.and_(DecisionRow.task_id.is_(None), DecisionRow.copied_from_id.is_(None))
    query = sa.select(sa.func.max(DecisionRow.id)).where(DecisionRow.product_id == product_id, of_reviewers)
    return session.scalar(query) or 0
