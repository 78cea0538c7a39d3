"""Products that people do not agree on, by what each of them last said."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from db.enums import DecisionKind
from db.said_today import said_today
from db.tables import DecisionRow

_VERDICTS = (DecisionKind.LABEL, DecisionKind.CANNOT_TELL, DecisionKind.BAD_LISTING)


def people_disagree() -> sa.Select[Any]:
    """Ids of products of which two people's standing decisions differ: in the category, or one could not tell.

    A person's standing decision is their latest that is not undone, in whichever campaign; of categories that were
    merged since they say the same. Begins at the decisions, which are few beside the products.
    """
    one, other = aliased(DecisionRow), aliased(DecisionRow)
    of_one, is_of_one, says_one = said_today(one, "of_one")
    of_other, is_of_other, says_other = said_today(other, "of_other")
    return (
        sa.select(one.product_id)
        .join(other, sa.and_(other.product_id == one.product_id, other.person_id > one.person_id))
        .outerjoin(of_one, is_of_one)
        .outerjoin(of_other, is_of_other)
        .where(
            one.kind.in_(_VERDICTS),
            other.kind.in_(_VERDICTS),
            sa.or_(one.kind != other.kind, says_one != says_other),
            *_stands(one),
            *_stands(other),
        )
    )


def _stands(decision: Any) -> list[sa.ColumnElement[bool]]:
    undo, later, later_undo = aliased(DecisionRow), aliased(DecisionRow), aliased(DecisionRow)
    is_overruled = sa.exists().where(
        later.product_id == decision.product_id,
        later.person_id == decision.person_id,
        later.id > decision.id,
        later.kind.in_(_VERDICTS),
        ~sa.exists().where(later_undo.undoes_id == later.id),
    )
    return [~sa.exists().where(undo.undoes_id == decision.id), ~is_overruled]
