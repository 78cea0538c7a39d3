"""Who comes in through a provider: by claims, by invitation, the first admin; and who does not."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from core.api_tokens import Scope, authenticate, create_token
from core.audit import AuditFilter, list_audit
from core.errors import Forbidden, NotSignedIn
from core.people import change_email, change_role, deactivate, invite, sign_in_local
from core.runtime import Runtime
from core.settings import Settings
from core.sign_in import read_identity, role_mapping, sign_in_with_claims, still_welcome
from core.types import Actor
from db.enums import Role
from db.members import find_by_email, get_person
from db.people import get_revisions
from db.tables import PersonRow

ISSUER = "https://id.shop.example"


def claims(subject: str = "s1", **changes: Any) -> dict[str, Any]:
    said = {
        "iss": ISSUER,
        "sub": subject,
        "iat": int(time.time()),
        "email": f"{subject}@shop.example",
        "email_verified": True,
        "name": f"Name {subject}",
    }
    return {name: value for name, value in (said | changes).items() if value is not None}


def team(runtime: Runtime, **settings: Any) -> Runtime:
    values = {"sign_in": "oidc", "oidc_role_claim": "groups", "oidc_roles": "shelf-admins=admin, staff=annotator"}
    return replace(runtime, settings=replace(runtime.settings, **(values | settings)))


def test_a_role_by_claim_makes_the_person_and_follows_the_provider(runtime: Runtime) -> None:
    shop = team(runtime)
    first = sign_in_with_claims(shop, claims(groups=["x", "staff"]))
    assert (first.name, first.role) == ("Name s1", Role.ANNOTATOR)
    assert sign_in_with_claims(shop, claims(groups=["staff"])) == first
    promoted = sign_in_with_claims(shop, claims(groups=["staff", "shelf-admins"]))
    assert promoted == replace(first, role=Role.ADMIN), "the highest of several roles counts"
    with pytest.raises(Forbidden, match="nobody has invited you"):
        sign_in_with_claims(shop, claims(groups=[]))
    acts = list_audit(shop, promoted, AuditFilter(entity="person")).entries[1:]  # the last: the refusal
    assert [act.action for act in acts] == ["set_role", "join"]


def test_what_an_admin_said_stands_where_the_claims_say_nothing(runtime: Runtime, actor: Actor) -> None:
    shop = team(runtime)
    came = sign_in_with_claims(shop, claims(groups=["staff"]))
    change_role(shop, actor, came.person_id, Role.REVIEWER)
    assert sign_in_with_claims(shop, claims()).role == Role.REVIEWER
    assert sign_in_with_claims(shop, claims(groups=["staff"])).role == Role.ANNOTATOR, "claims count where they speak"


def test_an_invitation_is_bound_to_its_first_sign_in(runtime: Runtime, actor: Actor) -> None:
    shop = team(runtime, oidc_role_claim="")
    invited = invite(shop, actor, "Mina@Shop.example", Role.REVIEWER, "미나")
    mina = sign_in_with_claims(shop, claims("s2", email="mina@shop.example"))
    assert mina == Actor(invited.id, "미나", Role.REVIEWER)
    assert sign_in_with_claims(shop, claims("s2", email="married@shop.example")) == mina, "the account is who they are"
    with pytest.raises(Forbidden, match="nobody has invited you"):
        sign_in_with_claims(shop, claims("s3", email="mina@shop.example"))
    change_email(shop, actor, mina.person_id, "mina@shop.example")
    assert sign_in_with_claims(shop, claims("s3", email="mina@shop.example")) == mina, "an admin let her in anew"


@pytest.mark.parametrize(
    ("said", "trusting", "comes_in"),
    [(True, False, True), ("true", False, True), (False, True, False), (None, True, True), (None, False, False)],
)
def test_an_address_counts_when_it_is_vouched_for(
    runtime: Runtime, actor: Actor, said: object, trusting: bool, comes_in: bool
) -> None:
    shop = team(runtime, trust_unverified_email=trusting)
    invite(shop, actor, "s1@shop.example", Role.ANNOTATOR)
    if comes_in:
        assert sign_in_with_claims(shop, claims(email_verified=said)).role == Role.ANNOTATOR
    else:
        with pytest.raises(Forbidden, match="does not vouch"):
            sign_in_with_claims(shop, claims(email_verified=said))


def test_the_first_admin_is_one_until_another_can_sign_in(runtime: Runtime, actor: Actor) -> None:
    shop = team(runtime, oidc_role_claim="", first_admin="Boss@shop.example")
    boss = sign_in_with_claims(shop, claims("s1", email="boss@shop.example"))
    assert boss.role == Role.ADMIN, "'tester' is an admin of the terminal only, who cannot sign in"
    invite(shop, boss, "second@shop.example", Role.ADMIN)
    second = sign_in_with_claims(shop, claims("s2", email="second@shop.example"))
    change_role(shop, second, boss.person_id, Role.ANNOTATOR)
    assert sign_in_with_claims(shop, claims("s1", email="boss@shop.example")).role == Role.ANNOTATOR
    deactivate(shop, actor, boss.person_id, "left")
    with pytest.raises(Forbidden, match="switched off"):
        sign_in_with_claims(shop, claims("s1", email="boss@shop.example"))


def test_a_name_is_never_inherited(runtime: Runtime) -> None:
    local = sign_in_local(runtime, "Name s1", Role.ADMIN)
    came = sign_in_with_claims(team(runtime), claims(groups=["staff"]))
    assert came.person_id != local.person_id
    assert came.name == "Name s1 (s1@shop.example)"


def test_a_name_of_local_mode_is_taken_over_by_invitation(runtime: Runtime, actor: Actor) -> None:
    local = sign_in_local(runtime, "미나", Role.ANNOTATOR)
    invite(runtime, actor, "s1@shop.example", Role.REVIEWER, "미나")
    assert sign_in_with_claims(team(runtime), claims()) == replace(local, role=Role.REVIEWER)


def test_who_is_switched_off_is_out_at_once(runtime: Runtime, actor: Actor) -> None:
    shop = team(runtime)
    came = sign_in_with_claims(shop, claims(groups=["staff"]))
    with runtime.sessions.read() as session:
        (before,) = get_revisions(session, "people")
    assert still_welcome(shop, came) == came
    deactivate(shop, actor, came.person_id, "left")
    with runtime.sessions.read() as session:
        assert get_revisions(session, "people") > (before,), "running sessions look again"
    with pytest.raises(Forbidden, match="switched off"):
        still_welcome(shop, came)
    with pytest.raises(Forbidden, match="switched off"):
        sign_in_with_claims(shop, claims(groups=["shelf-admins"]))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"iss": None}, "who you are"),
        ({"sub": ""}, "who you are"),
        ({"sub": 7}, "who you are"),
        ({"iat": None}, "has ended"),
        ({"iat": "now"}, "has ended"),
        ({"iat": 1}, "has ended"),
        ({"iat": time.time() - 3 * 3600}, "has ended"),
        ({"iat": time.time() + 3600}, "has ended"),
    ],
)
def test_claims_that_are_no_identity_or_too_old(changes: Mapping[str, Any], said: str) -> None:
    settings = Settings(sign_in="oidc", sign_in_hours=2)
    assert read_identity(settings, claims()).subject == "s1"
    with pytest.raises(NotSignedIn, match=said):
        read_identity(settings, claims(**changes))


@pytest.mark.parametrize(
    ("claim", "said", "role"),
    [
        ("roles", {"roles": "staff"}, Role.ANNOTATOR),
        ("realm_access.roles", {"realm_access": {"roles": ["staff"]}}, Role.ANNOTATOR),
        ("https://shop/roles.v2", {"https://shop/roles.v2": ["shelf-admins"]}, Role.ADMIN),
        ("roles", {"roles": {"staff": True}}, None),
        ("roles", {"roles": [{"a": 1}, None, 3]}, None),
        ("roles", {"roles": ["Staff", "admin"]}, None),
        ("a.b.c", {"a": "x"}, None),
    ],
)
def test_the_role_claim_is_read_wherever_it_is(claim: str, said: dict[str, Any], role: Role | None) -> None:
    settings = Settings(sign_in="oidc", oidc_role_claim=claim, oidc_roles="shelf-admins=admin,staff=annotator")
    assert read_identity(settings, claims(**said)).role == role


def test_without_a_mapping_roles_are_their_own_words() -> None:
    assert dict(role_mapping(""))["reviewer"] == Role.REVIEWER
    with pytest.raises(ValueError, match="king"):
        role_mapping("x=king")


def test_a_name_from_outside_is_plain(runtime: Runtime) -> None:
    odd = claims(groups=["staff"], name="  <b>\x00Ann\u202e\n " + "x" * 200)
    came = sign_in_with_claims(team(runtime), odd)
    assert came.name.isprintable()
    assert len(came.name) <= 80
    with runtime.sessions.read() as session:
        row = get_person(session, came.person_id)
        assert isinstance(row, PersonRow)
        assert find_by_email(session, "s1@shop.example") is row


def test_a_role_by_claim_ends_with_its_group(runtime: Runtime, actor: Actor) -> None:
    shop = team(runtime)
    invite(shop, actor, "s1@shop.example", Role.ANNOTATOR)
    assert sign_in_with_claims(shop, claims(groups=[])).role == Role.ANNOTATOR
    assert sign_in_with_claims(shop, claims(groups=["shelf-admins"])).role == Role.ADMIN
    fallen = sign_in_with_claims(shop, claims(groups=[]))
    assert fallen.role == Role.ANNOTATOR, "what the invitation gave"
    assert still_welcome(shop, replace(fallen, role=Role.ADMIN)) == fallen, "an open tab, too"


def test_who_is_refused_keeps_no_token_and_no_role(runtime: Runtime, actor: Actor) -> None:
    shop = team(runtime)
    boss = sign_in_with_claims(shop, claims(groups=["shelf-admins"]))
    token, made = create_token(shop, boss, "nightly", list(Scope), None)
    assert authenticate(shop, token)[0] == boss
    for _ in range(2):
        with pytest.raises(Forbidden, match="nobody has invited you"):
            sign_in_with_claims(shop, claims(groups=[]))
    with pytest.raises(NotSignedIn, match="revoked"):
        authenticate(shop, token)
    assert still_welcome(shop, boss).role == Role.ANNOTATOR, "in a tab that is still open"
    revoked = list_audit(shop, actor, AuditFilter(entity="api_token", action="revoke")).entries
    assert [(act.entity_id, act.reason) for act in revoked] == [(made.id, "sign-in")]
    assert sign_in_with_claims(shop, claims(groups=["shelf-admins"])) == boss, "with the group they come back"


def test_another_address_keeps_no_role_of_a_claim(runtime: Runtime, actor: Actor) -> None:
    shop = team(runtime)
    boss = sign_in_with_claims(shop, claims(groups=["shelf-admins"]))
    sign_in_with_claims(shop, claims("s2", groups=["shelf-admins"]))
    change_email(shop, actor, boss.person_id, "s3@shop.example")
    with pytest.raises(Forbidden, match="nobody has invited you"):
        sign_in_with_claims(shop, claims("s3"))
    change_role(shop, actor, boss.person_id, Role.REVIEWER)
    assert sign_in_with_claims(shop, claims("s3")) == replace(boss, role=Role.REVIEWER)
