"""People in local mode: made on first use, the same afterwards; roles decide what they may."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.audit import AuditFilter, list_audit
from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from core.labeling.queue import claim_task
from core.people import activate, change_email, change_role, deactivate, invite, sign_in_local
from core.permissions import ALLOWED, Action, authorize, may
from core.runtime import Runtime
from core.types import Actor
from db.enums import Role
from db.tables import PersonRow
from tests.core.labeling.shelf import add_campaign, change_row, fill_shelf


def test_a_name_is_one_person(runtime: Runtime) -> None:
    first = sign_in_local(runtime, "  김 미나 ", Role.ANNOTATOR)
    assert (first.name, first.role) == ("김 미나", Role.ANNOTATOR)
    assert sign_in_local(runtime, "김 미나", Role.ADMIN) == first


def test_who_is_switched_off_cannot_sign_in(runtime: Runtime) -> None:
    mina = sign_in_local(runtime, "미나")
    change_row(runtime, PersonRow, mina.person_id, is_active=False)
    with pytest.raises(Forbidden, match="미나"):
        sign_in_local(runtime, "미나")


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\x00b"])
def test_what_cannot_be_a_name_is_refused(runtime: Runtime, name: str) -> None:
    with pytest.raises(InvalidInput):
        sign_in_local(runtime, name)


def test_every_role_may_label_and_only_some_may_promote() -> None:
    assert set(ALLOWED) == set(Role)
    for role in Role:
        actor = Actor(1, "x", role)
        authorize(actor, Action.LABEL)
        if not may(actor, Action.PROMOTE):
            with pytest.raises(Forbidden, match="promote"):
                authorize(actor, Action.PROMOTE)
    assert {role for role in Role if may(Actor(1, "x", role), Action.PROMOTE)} == {Role.OPERATOR, Role.ADMIN}


def test_an_invitation_is_for_one_address_and_one_name(runtime: Runtime, actor: Actor) -> None:
    mina = invite(runtime, actor, " Mina@Shop.example ", Role.REVIEWER, "미나")
    assert (mina.name, mina.email, mina.role, mina.joined_at) == ("미나", "mina@shop.example", Role.REVIEWER, None)
    with pytest.raises(Conflict, match="invited already"):
        invite(runtime, actor, "MINA@shop.example", Role.ADMIN)
    with pytest.raises(Conflict, match="called"):
        invite(runtime, actor, "other@shop.example", Role.ADMIN, "미나")
    assert invite(runtime, actor, "other@shop.example", Role.ANNOTATOR).name == "other@shop.example"


@pytest.mark.parametrize("email", ["", "mina", "@shop", "mina@", "a b@shop", "a@b\x00", "x" * 260 + "@shop"])
def test_what_is_no_address_is_refused(runtime: Runtime, actor: Actor, email: str) -> None:
    with pytest.raises(InvalidInput):
        invite(runtime, actor, email, Role.ANNOTATOR)


def test_what_somebody_holds_goes_back_and_what_they_did_stays(runtime: Runtime, actor: Actor) -> None:
    campaign = add_campaign(runtime, fill_shelf(runtime, 1))
    mina = sign_in_local(runtime, "미나", Role.ANNOTATOR)
    held = claim_task(runtime, mina, campaign)
    assert held is not None
    with pytest.raises(InvalidInput, match="reason"):
        deactivate(runtime, actor, mina.person_id, "  ")
    assert not deactivate(runtime, actor, mina.person_id, "left the shop").is_active
    deactivate(runtime, actor, mina.person_id, "again")
    other = claim_task(runtime, actor, campaign)
    assert other is not None
    assert other.id == held.id
    act, joined = list_audit(runtime, actor, AuditFilter(entity="person", entity_id=mina.person_id)).entries
    assert joined.action == "join"
    assert (act.action, act.reason, act.person, act.subject) == ("deactivate", "left the shop", actor.name, "미나")
    assert {change.field: (change.before, change.after) for change in act.changes} == {
        "is_active": ("true", "false"),
        "released_tasks": (None, "1"),
    }
    assert activate(runtime, actor, mina.person_id).role == Role.ANNOTATOR
    assert sign_in_local(runtime, "미나") == mina


def test_the_last_admin_can_be_neither_demoted_nor_switched_off(runtime: Runtime, actor: Actor) -> None:
    for act in (
        lambda: change_role(runtime, actor, actor.person_id, Role.OPERATOR),
        lambda: deactivate(runtime, actor, actor.person_id, "bye"),
        lambda: invite(runtime, actor, "me@shop.example", Role.ANNOTATOR, actor.name),
    ):
        with pytest.raises(Conflict, match="last admin"):
            act()
    second = sign_in_local(runtime, "second")
    deactivate(runtime, actor, second.person_id, "away")
    with pytest.raises(Conflict, match="last admin"):
        change_role(runtime, actor, actor.person_id, Role.OPERATOR)
    activate(runtime, actor, second.person_id)
    assert change_role(runtime, actor, actor.person_id, Role.OPERATOR).role == Role.OPERATOR
    with pytest.raises(Conflict, match="last admin"):
        deactivate(runtime, second, second.person_id, "bye")


def test_two_admins_who_demote_each_other_at_once_leave_one(runtime: Runtime, actor: Actor) -> None:
    second = sign_in_local(runtime, "second")

    def demote(who: Actor, whom: Actor) -> str:
        try:
            change_role(runtime, who, whom.person_id, Role.ANNOTATOR)
        except Conflict:
            return "kept"
        return "demoted"

    with ThreadPoolExecutor(2) as pool:
        acts = [pool.submit(demote, actor, second), pool.submit(demote, second, actor)]
        assert sorted(act.result() for act in acts) == ["demoted", "kept"]


def test_people_who_are_not_there(runtime: Runtime, actor: Actor) -> None:
    for act in (
        lambda: change_role(runtime, actor, 99, Role.ADMIN),
        lambda: deactivate(runtime, actor, 99, "x"),
        lambda: activate(runtime, actor, 99),
        lambda: change_email(runtime, actor, 99, "a@b"),
    ):
        with pytest.raises(NotFound):
            act()


def test_an_address_is_somebody_elses(runtime: Runtime, actor: Actor) -> None:
    invite(runtime, actor, "mina@shop.example", Role.ANNOTATOR)
    other = sign_in_local(runtime, "other")
    with pytest.raises(Conflict, match="invited already"):
        change_email(runtime, actor, other.person_id, "Mina@shop.example")
    assert change_email(runtime, actor, other.person_id, "other@shop.example").email == "other@shop.example"
