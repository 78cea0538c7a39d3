"""Queries of what people said of gold products: hidden checks first of all."""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from db.enums import DecisionKind, LabelSource
from db.gold import stands
from db.said_today import said_today
from db.tables import AcceptedAlternativeRow, DailyProgressRow, DecisionRow, LabelRow, PersonRow, ProductRow

VERDICTS = (DecisionKind.LABEL, DecisionKind.CANNOT_TELL, DecisionKind.BAD_LISTING)


class GoldVote(NamedTuple):
    """An answer to a hidden check, and what the product is, in categories of today.

    `category_id` is none where a person could not tell.
    """

    decision_id: int
    product_id: int
    kind: DecisionKind
    category_id: int | None
    gold_id: int
    is_accepted: bool  # another person accepted the answer beside the gold one ('also fits')
    created_at: datetime


def list_checked_people(session: Session) -> list[tuple[int, str, bool]]:
    """(id, name, may still work) of people whose daily counts know of a hidden check, by name."""
    has_checks = sa.exists().where(DailyProgressRow.person_id == PersonRow.id, DailyProgressRow.n_gold > 0)
    query = sa.select(PersonRow.id, PersonRow.name, PersonRow.is_active).where(has_checks).order_by(PersonRow.name)
    return [(id_, name, is_active) for id_, name, is_active in session.execute(query)]


def list_checks(session: Session, person_id: int, limit: int) -> list[GoldVote]:
    """The person's last answers to hidden checks that stand, newest first.

    Left out is what is no gold any more, and what they settled themselves: nobody is judged by their own word.
    """
    own = aliased(LabelRow)
    meant, is_meant, says = said_today(DecisionRow, "said")
    accepted = sa.exists().where(
        AcceptedAlternativeRow.product_id == DecisionRow.product_id,
        AcceptedAlternativeRow.category_id.in_([DecisionRow.category_id, says]),
        AcceptedAlternativeRow.person_id != DecisionRow.person_id,
    )
    query = (
        sa.select(
            DecisionRow.id,
            DecisionRow.product_id,
            DecisionRow.kind,
            says,
            ProductRow.category_id,
            accepted,
            DecisionRow.created_at,
        )
        .join(ProductRow, ProductRow.id == DecisionRow.product_id)
        .outerjoin(meant, is_meant)
        .where(
            DecisionRow.person_id == person_id,
            DecisionRow.is_gold_check,
            DecisionRow.kind.in_(VERDICTS),
            ProductRow.label_source == LabelSource.GOLD,
            stands(DecisionRow),
            ~sa.exists().where(
                own.product_id == DecisionRow.product_id,
                own.source == LabelSource.GOLD,
                own.person_id == DecisionRow.person_id,
            ),
        )
        .order_by(DecisionRow.id.desc())
        .limit(limit)
    )
    return [
        GoldVote(decision_id, product_id, kind, said, gold, bool(is_accepted), at)
        for decision_id, product_id, kind, said, gold, is_accepted, at in session.execute(query)
        if gold is not None
    ]
