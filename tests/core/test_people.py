"""People in local mode: made on first use, the same afterwards; roles decide what they may."""

import pytest

from core.errors import Forbidden, InvalidInput
from core.people import sign_in_local
from core.permissions import ALLOWED, Action, authorize, may
from core.runtime import Runtime
from core.types import Actor
from db.enums import Role
from db.tables import PersonRow
from tests.core.labeling.shelf import change_row


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
