"""What is known of each product's category, read from the append-only labels and decisions.

Per product: what a reviewer settled wins, else the latest human decision that was not undone (it may say 'cannot
tell'), else the latest human label without a decision, else the latest imported label. A label says today what edits
of the tree made of it (`db.standing_labels`).
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from db.enums import DecisionKind, LabelSource
from db.product_texts import ProductText, list_texts
from db.standing_labels import edit_is_undone
from db.tables import DecisionRow, LabelRow, ProductRow, ProductSplitRow, table_of


class Moment(NamedTuple):
    """Up to which rows is read, so that two passes see the same while people label and edit the tree."""

    label_id: int
    decision_id: int
    at: datetime  # edits of the tree undone later still count


class Verdict(NamedTuple):
    """Who says what of a product. `category_id` is none where a person could not tell or the listing is bad."""

    category_id: int | None
    source: LabelSource
    kind: DecisionKind


def now_in_labels(session: Session) -> Moment:
    label_id = session.scalar(sa.select(sa.func.max(LabelRow.id))) or 0
    return Moment(label_id, session.scalar(sa.select(sa.func.max(DecisionRow.id))) or 0, datetime.now(UTC))


def iter_ranges(session: Session, chunk: int) -> Iterator[tuple[int, int]]:
    """Ranges (first id, last id) that hold `chunk` products each, in order."""
    after_id = 0
    while True:
        ids = sa.select(ProductRow.id).where(ProductRow.id > after_id).order_by(ProductRow.id).limit(chunk).subquery()
        first, last = session.execute(sa.select(sa.func.min(ids.c.id), sa.func.max(ids.c.id))).one()
        if last is None:
            return
        yield first, last
        after_id = last


def map_verdicts(session: Session, first_id: int, last_id: int, moment: Moment) -> dict[int, Verdict]:
    """Product id -> verdict, for products of this range of ids that have one."""
    verdicts: dict[int, Verdict] = {}
    gold: dict[int, int] = {}  # product -> its latest gold label without a decision
    today = _map_carried(session, first_id, last_id, moment)
    labels = (
        sa.select(LabelRow.id, LabelRow.product_id, LabelRow.category_id)
        .where(
            LabelRow.product_id.between(first_id, last_id),
            LabelRow.id <= moment.label_id,
            LabelRow.decision_id.is_(None),
            LabelRow.carried_from_id.is_(None),
        )
        .order_by(LabelRow.product_id, LabelRow.id)
    )
    for source in (LabelSource.IMPORT, LabelSource.HUMAN, LabelSource.GOLD):
        for label_id, product_id, category_id in session.execute(labels.where(LabelRow.source == source)):
            verdicts[product_id] = Verdict(today.get(label_id, category_id), source, DecisionKind.LABEL)
            if source == LabelSource.GOLD:
                gold[product_id] = label_id
    undo = aliased(DecisionRow)
    is_undone = sa.select(undo.id).where(undo.undoes_id == DecisionRow.id, undo.id <= moment.decision_id).exists()
    decisions = (
        sa.select(DecisionRow.product_id, DecisionRow.kind, LabelRow.id, LabelRow.category_id)
        .join(LabelRow, LabelRow.decision_id == DecisionRow.id, isouter=True)
        .where(
            DecisionRow.product_id.between(first_id, last_id),
            DecisionRow.id <= moment.decision_id,
            DecisionRow.kind != DecisionKind.UNDO,
            ~is_undone,
        )
        .order_by(DecisionRow.product_id, DecisionRow.kind == DecisionKind.SETTLE, DecisionRow.id)
    )
    for product_id, kind, label_id, given_id in session.execute(decisions):
        category_id = today.get(label_id, given_id)
        if product_id in gold and (kind != DecisionKind.SETTLE or label_id < gold[product_id]):
            continue
        if kind == DecisionKind.SETTLE:
            verdicts[product_id] = Verdict(category_id, LabelSource.GOLD, DecisionKind.LABEL)
        elif kind != DecisionKind.LABEL or category_id is not None:
            verdicts[product_id] = Verdict(category_id, LabelSource.HUMAN, kind)
    return verdicts


def _map_carried(session: Session, first_id: int, last_id: int, moment: Moment) -> dict[int | None, int]:
    """Label that a person or a file gave -> the category that edits of the tree carried it to."""
    labels = table_of(LabelRow)
    query = (
        sa.select(labels.c.carried_from_id, labels.c.category_id)
        .where(
            labels.c.product_id.between(first_id, last_id),
            labels.c.id <= moment.label_id,
            labels.c.carried_from_id.is_not(None),
            ~edit_is_undone(labels, moment.at),
        )
        .order_by(labels.c.id)
    )
    return dict(session.execute(query).all())  # the latest row wins


def list_products(session: Session, first_id: int, last_id: int) -> list[ProductText]:
    """Products of this range of ids, by id."""
    return list_texts(session, ProductRow.id.between(first_id, last_id))


def undecidable() -> sa.Select[*tuple[int, DecisionKind]]:
    """Product id and kind, where the latest decision that was not undone is 'cannot tell' or 'bad listing'."""
    undo, later, later_undo, settled, settled_undo = (aliased(DecisionRow) for _ in range(5))
    is_undone = sa.select(undo.id).where(undo.undoes_id == DecisionRow.id).exists()
    is_overruled = (
        sa.select(later.id)
        .where(
            later.product_id == DecisionRow.product_id,
            later.id > DecisionRow.id,
            later.kind != DecisionKind.UNDO,
            ~sa.select(later_undo.id).where(later_undo.undoes_id == later.id).exists(),
        )
        .exists()
    )
    is_settled = (
        sa.select(settled.id)
        .where(
            settled.product_id == DecisionRow.product_id,
            settled.kind == DecisionKind.SETTLE,
            ~sa.select(settled_undo.id).where(settled_undo.undoes_id == settled.id).exists(),
        )
        .exists()
    )
    kinds = [DecisionKind.CANNOT_TELL, DecisionKind.BAD_LISTING]
    return sa.select(DecisionRow.product_id, DecisionRow.kind).where(
        DecisionRow.kind.in_(kinds), ~is_undone, ~is_overruled, ~is_settled
    )


def count_undecidable(session: Session) -> dict[str, int]:
    """Products by what people said of them: cannot_tell, bad_listing."""
    found = undecidable().subquery()
    query = sa.select(found.c.kind, sa.func.count()).group_by(found.c.kind)
    return {DecisionKind(kind).value: n for kind, n in session.execute(query)}


def count_usable(session: Session) -> list[tuple[int, LabelSource, int]]:
    """(category id, source, products) of current labels, without undecidable products and those between folds."""
    is_between = sa.select(ProductSplitRow.product_id).where(ProductSplitRow.fold < 0)
    found = undecidable().subquery()
    query = (
        sa.select(ProductRow.category_id, ProductRow.label_source, sa.func.count())
        .where(
            ProductRow.category_id.is_not(None),
            ProductRow.id.not_in(is_between),
            ProductRow.id.not_in(sa.select(found.c.product_id)),
        )
        .group_by(ProductRow.category_id, ProductRow.label_source)
    )
    return [
        (category_id, source or LabelSource.IMPORT, n)
        for category_id, source, n in session.execute(query)
        if category_id is not None
    ]


def count_between_folds(session: Session) -> int:
    """Labeled products that are near-duplicates of both a held-out and a training product."""
    query = (
        sa.select(sa.func.count())
        .select_from(ProductSplitRow)
        .join(ProductRow, ProductRow.id == ProductSplitRow.product_id)
        .where(ProductSplitRow.fold < 0, ProductRow.category_id.is_not(None))
    )
    return session.scalar(query) or 0
