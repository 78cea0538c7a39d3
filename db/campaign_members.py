"""Queries of who may work in a campaign. One without members is everybody's."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.tables import CampaignMemberRow, PersonRow, table_of

_members = table_of(CampaignMemberRow)
_CAMPAIGN = sa.bindparam("campaign", type_=sa.BigInteger)
_PERSON = sa.bindparam("person", type_=sa.BigInteger)
_anybody = sa.select(_members.c.person_id).where(_members.c.campaign_id == _CAMPAIGN)
IS_SHUT_OUT = sa.and_(sa.exists(_anybody), ~sa.exists(_anybody.where(_members.c.person_id == _PERSON)))
"""Of the parameters `campaign` and `person`, as a part of a query: it has members, and this person is none of them."""
_IS_SHUT_OUT = sa.select(IS_SHUT_OUT.label("is_shut_out"))


def is_shut_out(session: Session, campaign_id: int, person_id: int) -> bool:
    """The campaign has members, and this person is none of them."""
    return bool(session.scalar(_IS_SHUT_OUT, {"campaign": campaign_id, "person": person_id}))


def is_everybodys_or_mine(campaign_id: Any, person_id: int) -> sa.ColumnElement[bool]:
    """For lists of campaigns: those that this person may work in."""
    member = sa.exists().where(CampaignMemberRow.campaign_id == campaign_id)
    return sa.or_(~member, member.where(CampaignMemberRow.person_id == person_id))


def list_members(session: Session, campaign_ids: Iterable[int]) -> dict[int, tuple[tuple[int, str], ...]]:
    """Campaign id -> (person id, name) of its members by name; those without members left out."""
    query = (
        sa.select(CampaignMemberRow.campaign_id, PersonRow.id, PersonRow.name)
        .join(PersonRow, PersonRow.id == CampaignMemberRow.person_id)
        .where(CampaignMemberRow.campaign_id.in_(list(campaign_ids)))
        .order_by(PersonRow.name)
    )
    found: dict[int, tuple[tuple[int, str], ...]] = {}
    for campaign_id, person_id, name in session.execute(query):
        found[campaign_id] = (*found.get(campaign_id, ()), (person_id, name))
    return found


def find_unknown(session: Session, person_ids: Iterable[int]) -> set[int]:
    """Those of the ids that are nobody who may sign in."""
    wanted = set(person_ids)
    query = sa.select(PersonRow.id).where(PersonRow.id.in_(wanted), PersonRow.is_active.is_(True))
    return wanted - set(session.scalars(query))


def replace_members(session: Session, campaign_id: int, person_ids: Iterable[int]) -> None:
    session.execute(sa.delete(_members).where(_members.c.campaign_id == campaign_id))
    rows = [{"campaign_id": campaign_id, "person_id": person_id} for person_id in sorted(set(person_ids))]
    if rows:
        session.execute(sa.insert(_members), rows)


def list_people(session: Session, limit: int) -> list[tuple[int, str]]:
    """(id, name) of people who may sign in, by name."""
    query = sa.select(PersonRow.id, PersonRow.name).where(PersonRow.is_active.is_(True)).order_by(PersonRow.name)
    return [(row.id, row.name) for row in session.execute(query.limit(limit))]
