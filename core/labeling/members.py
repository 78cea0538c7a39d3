"""Members: whose campaign it is. One without members is everybody's."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from core.errors import N_, Forbidden, InvalidInput, NotFound
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import campaign_members, campaigns
from db.people import add_audit, raise_revision

MAX_PEOPLE = 1_000


def require_member(session: Session, campaign_id: int, actor: Actor) -> None:
    """Raise Forbidden where the campaign has members and this person is none of them.

    One statement over a primary key: to be called where a task is handed out. What a person holds already (from
    before the members were set) they may still decide.
    """
    if campaign_members.is_shut_out(session, campaign_id, actor.person_id):
        raise Forbidden(N_("This campaign is for its members only. Whoever runs it can add you."))


def set_members(runtime: Runtime, actor: Actor, campaign_id: int, person_ids: Iterable[int]) -> None:
    """From here on only these people work in the campaign; nobody named: everybody does.

    Raises NotFound (no such campaign), InvalidInput (somebody unknown or switched off), Forbidden.
    """
    authorize(actor, Action.EDIT_CAMPAIGNS)
    wanted = set(person_ids)
    with runtime.sessions.write() as session:
        row = campaigns.find_campaign(session, campaign_id)
        if row is None or row.deleted_at is not None:
            raise NotFound(N_("There is no such campaign."))
        before = campaign_members.list_members(session, [campaign_id]).get(campaign_id, ())
        require_known(session, wanted)
        campaign_members.replace_members(session, campaign_id, wanted)
        was, becomes = {"member_ids": [id_ for id_, _ in before]}, {"member_ids": sorted(wanted)}
        add_audit(session, utc_now(), actor.person_id, "set_members", "campaign", campaign_id, was, becomes)
        raise_revision(session, "campaigns")


def require_known(session: Session, person_ids: Iterable[int]) -> None:
    """Raises InvalidInput for an id that is nobody who may sign in."""
    unknown = campaign_members.find_unknown(session, person_ids)
    if unknown:
        raise InvalidInput(N_("There is no person {id} who could be a member."), id=min(unknown))


def list_possible_members(runtime: Runtime) -> list[tuple[int, str]]:
    """(id, name) of everybody who may sign in, by name, 1,000 at most."""
    with runtime.sessions.read() as session:
        return campaign_members.list_people(session, MAX_PEOPLE)
