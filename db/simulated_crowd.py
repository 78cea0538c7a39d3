"""Rows of a simulated crowd, written in bulk: as a campaign, its tasks, decisions and settlements would have left them.

On demo data only: it reads the planted truth.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import DecisionKind, Fold, LabelSource, TaskStatus
from db.tables import (
    AuditRow,
    CampaignRow,
    DailyProgressRow,
    DecisionRow,
    DemoTruthRow,
    LabelRow,
    ProductRow,
    ProductSplitRow,
    TaskRow,
)


class Truth(NamedTuple):
    """A demo product, what it rightly is and what it is labeled as now."""

    product_id: int
    category_id: int
    planted: str | None
    label_id: int | None
    label_source: LabelSource | None


class GivenVote(NamedTuple):
    """A vote to be written. `slot` counts the product's votes from 0; a hidden check of gold has one below 0."""

    truth: Truth
    slot: int
    position: int
    person_id: int
    kind: DecisionKind
    category_id: int | None
    seconds: float
    note: str | None
    at: datetime

    @property
    def is_check(self) -> bool:
        return self.slot < 0


def list_truths(session: Session, held_out: bool) -> list[Truth]:
    """Demo products that no person has decided, by id: those of the test fold, or the others."""
    in_test = sa.exists().where(ProductSplitRow.product_id == ProductRow.id, ProductSplitRow.fold == Fold.TEST)
    decided = sa.exists().where(DecisionRow.product_id == ProductRow.id)
    query = (
        sa.select(
            DemoTruthRow.product_id,
            DemoTruthRow.category_id,
            DemoTruthRow.planted,
            ProductRow.category_id,
            ProductRow.label_source,
        )
        .join(ProductRow, ProductRow.id == DemoTruthRow.product_id)
        .where(in_test if held_out else ~in_test, ~decided)
        .order_by(DemoTruthRow.product_id)
    )
    return [Truth(*row) for row in session.execute(query)]


def has_test_fold(session: Session) -> bool:
    query = sa.select(ProductSplitRow.product_id).where(ProductSplitRow.fold == Fold.TEST).limit(1)
    return session.scalar(query) is not None


def insert_campaign(session: Session, values: dict[str, Any]) -> int:
    row = CampaignRow(**values)
    session.add(row)
    session.flush()
    return row.id


def insert_votes(session: Session, campaign_id: int, votes: Sequence[GivenVote], key: str) -> None:
    """Tasks done, blind decisions, labels, day counts, the products' labels. `votes` in the order of time.

    A hidden check leaves its product as it is: gold. What it changes is written down beside it.
    """
    task_ids = _insert(session, TaskRow, [_task(campaign_id, vote) for vote in votes])
    rows = []
    labels_now = {vote.truth.product_id: vote.truth.label_id for vote in votes}
    for number, (vote, task_id) in enumerate(zip(votes, task_ids, strict=True)):
        rows.append(_decision(campaign_id, vote, task_id, labels_now[vote.truth.product_id], f"{key}-{number}"))
        if not vote.is_check:
            labels_now[vote.truth.product_id] = vote.category_id or labels_now[vote.truth.product_id]
    decision_ids = _insert(session, DecisionRow, rows)
    given = [(vote, id_) for vote, id_ in zip(votes, decision_ids, strict=True) if vote.category_id is not None]
    _insert(session, LabelRow, [_label(vote, decision_id) for vote, decision_id in given])
    latest = {vote.truth.product_id: vote for vote, _ in given if not vote.is_check}
    _set_labels(session, [(v.truth.product_id, v.category_id, v.at) for v in latest.values()], LabelSource.HUMAN)
    days = Counter((vote.person_id, vote.at.date()) for vote in votes)
    checks = Counter((vote.person_id, vote.at.date()) for vote in votes if vote.is_check)
    session.execute(
        sa.insert(DailyProgressRow),
        [
            {
                "campaign_id": campaign_id,
                "person_id": person_id,
                "day": day,
                "n_decisions": n,
                "n_gold": checks[person_id, day],
            }
            for (person_id, day), n in sorted(days.items())
        ],
    )


def insert_settlements(
    session: Session, campaign_id: int, products: Sequence[Truth], reviewer_id: int, now: datetime, key: str
) -> None:
    """As a reviewer leaves them who settles each product as what it rightly is, one by one."""
    ids = [product.product_id for product in products]
    before = {
        id_: (category, source)
        for id_, category, source in session.execute(
            sa.select(ProductRow.id, ProductRow.category_id, ProductRow.label_source).where(ProductRow.id.in_(ids))
        )
    }
    decisions = [
        {
            "idempotency_key": f"{key}-{product.product_id}",
            "kind": DecisionKind.SETTLE,
            "campaign_id": campaign_id,
            "product_id": product.product_id,
            "person_id": reviewer_id,
            "category_id": product.category_id,
            "previous_category_id": before[product.product_id][0],
            "created_at": now,
        }
        for product in products
    ]
    decision_ids = _insert(session, DecisionRow, decisions)
    common = {"person_id": reviewer_id, "created_at": now, "source": LabelSource.GOLD}
    pairs = list(zip(products, decision_ids, strict=True))
    _insert(
        session,
        LabelRow,
        [
            {"product_id": product.product_id, "category_id": product.category_id, "decision_id": decision_id} | common
            for product, decision_id in pairs
        ],
    )
    _set_labels(session, [(product.product_id, product.category_id, now) for product in products], LabelSource.GOLD)
    audit = {"at": now, "person_id": reviewer_id, "action": "settle", "entity": "product"}
    session.add_all(
        AuditRow(
            **audit,
            entity_id=product.product_id,
            before={"category_id": before[product.product_id][0], "label_source": before[product.product_id][1]},
            after={"category_id": product.category_id, "kind": DecisionKind.SETTLE.value, "decision_id": decision_id},
        )
        for product, decision_id in pairs
    )


def _insert(session: Session, table: Any, rows: list[dict[str, Any]]) -> list[int]:
    """The new ids, in the order of the rows."""
    if not rows:
        return []
    return list(session.scalars(sa.insert(table).returning(table.id, sort_by_parameter_order=True), rows))


def _task(campaign_id: int, vote: GivenVote) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "product_id": vote.truth.product_id,
        "slot": vote.slot,
        "position": vote.position,
        "status": TaskStatus.DONE,
        "is_gold": vote.is_check,
        "annotator_id": vote.person_id,
        "claimed_at": vote.at,
        "decided_at": vote.at,
    }


def _decision(campaign_id: int, vote: GivenVote, task_id: int, previous: int | None, key: str) -> dict[str, Any]:
    return {
        "idempotency_key": key,
        "kind": vote.kind,
        "task_id": task_id,
        "campaign_id": campaign_id,
        "product_id": vote.truth.product_id,
        "person_id": vote.person_id,
        "category_id": vote.category_id,
        "previous_category_id": previous,
        "seconds_spent": vote.seconds,
        "note": vote.note,
        "is_blind": True,
        "is_gold_check": vote.is_check,
        "created_at": vote.at,
    }


def _label(vote: GivenVote, decision_id: int) -> dict[str, Any]:
    return {
        "product_id": vote.truth.product_id,
        "category_id": vote.category_id,
        "source": LabelSource.HUMAN,
        "person_id": vote.person_id,
        "decision_id": decision_id,
        "created_at": vote.at,
    }


def _set_labels(session: Session, labels: list[tuple[int, int | None, datetime]], source: LabelSource) -> None:
    if labels:
        session.execute(
            sa.update(ProductRow),
            [
                {"id": product_id, "category_id": category_id, "label_source": source, "labeled_at": at}
                for product_id, category_id, at in labels
            ],
        )
