"""API tokens: shown once, kept as hashes, within scopes; expired, revoked or a switched-off person's do not work."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from core import api_tokens
from core.api_tokens import Scope, authenticate, create_token, list_tokens, require_scope, revoke_token
from core.audit import AuditFilter, list_audit
from core.errors import Conflict, Forbidden, InvalidInput, NotFound, NotSignedIn
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import Role
from db.tables import ApiTokenRow, PersonRow
from tests.core.labeling.shelf import change_row


@pytest.fixture
def mina(runtime: Runtime) -> Actor:
    return sign_in_local(runtime, "미나", Role.ANNOTATOR)


def test_a_token_speaks_for_its_person_within_its_scopes(runtime: Runtime, mina: Actor) -> None:
    token, shown = create_token(runtime, mina, "my script", [Scope.READ, Scope.LABEL])
    assert authenticate(runtime, token) == (mina, {Scope.READ, Scope.LABEL})
    assert shown.prefix == token[: len(shown.prefix)]
    assert len(token) - len(shown.prefix) >= 43, "256 bits stay secret"
    require_scope(shown.scopes, Scope.READ)
    with pytest.raises(Forbidden, match="export"):
        require_scope(shown.scopes, Scope.EXPORT)


def test_only_the_hash_is_kept(runtime: Runtime, mina: Actor) -> None:
    token, _ = create_token(runtime, mina, "my script", [Scope.READ])
    with runtime.sessions.read() as session:
        kept = str(session.execute(sa.select(ApiTokenRow.__table__)).all())
        audit = str(session.execute(sa.text("SELECT * FROM audit")).all())
    assert token not in kept + audit
    assert token[-20:] not in kept + audit


@pytest.mark.parametrize("made_up", ["", "sw_", "sw_" + "A" * 54, "x" * 100_000, "\ud800", "' OR 1=1 --"])
def test_a_made_up_token_is_not_known(runtime: Runtime, mina: Actor, made_up: str) -> None:
    create_token(runtime, mina, "real", [Scope.READ])
    with pytest.raises(NotSignedIn, match="not known"):
        authenticate(runtime, made_up)


def test_a_revoked_token_works_no_more(runtime: Runtime, mina: Actor) -> None:
    token, shown = create_token(runtime, mina, "lost laptop", [Scope.READ])
    revoke_token(runtime, mina, shown.id)
    revoke_token(runtime, mina, shown.id)
    with pytest.raises(NotSignedIn, match="revoked"):
        authenticate(runtime, token)
    (kept,) = list_tokens(runtime, mina)
    assert kept.revoked_at is not None
    assert not kept.is_usable
    admin = sign_in_local(runtime, "admin")
    acts = [entry.action for entry in list_audit(runtime, admin, AuditFilter(entity="api_token")).entries]
    assert acts == ["revoke", "create"], "the second revoking changed nothing"


def test_an_expired_token_works_no_more(runtime: Runtime, mina: Actor) -> None:
    token, shown = create_token(runtime, mina, "short", [Scope.READ], days=1)
    assert authenticate(runtime, token)[0] == mina
    change_row(runtime, ApiTokenRow, shown.id, expires_at=utc_now() - timedelta(seconds=1))
    with pytest.raises(NotSignedIn, match="expired"):
        authenticate(runtime, token)


def test_tokens_follow_their_person(runtime: Runtime, mina: Actor) -> None:
    token, _ = create_token(runtime, mina, "bot", [Scope.READ], days=None)
    change_row(runtime, PersonRow, mina.person_id, role=Role.REVIEWER)
    assert authenticate(runtime, token)[0].role == Role.REVIEWER
    change_row(runtime, PersonRow, mina.person_id, is_active=False)
    with pytest.raises(NotSignedIn, match="switched off"):
        authenticate(runtime, token)


def test_the_last_use_is_written_once_a_minute(runtime: Runtime, mina: Actor) -> None:
    token, shown = create_token(runtime, mina, "bot", [Scope.READ])
    assert shown.last_used_at is None
    authenticate(runtime, token)
    first = list_tokens(runtime, mina)[0].last_used_at
    authenticate(runtime, token)
    assert first is not None
    assert list_tokens(runtime, mina)[0].last_used_at == first
    change_row(runtime, ApiTokenRow, shown.id, last_used_at=first - timedelta(minutes=2))
    authenticate(runtime, token)
    again = list_tokens(runtime, mina)[0].last_used_at
    assert again is not None
    assert again >= first


def test_others_tokens_are_seen_and_revoked_by_admins_only(runtime: Runtime, mina: Actor) -> None:
    token, shown = create_token(runtime, mina, "bot", [Scope.READ])
    other, admin = sign_in_local(runtime, "준", Role.OPERATOR), sign_in_local(runtime, "boss")
    assert list_tokens(runtime, other) == []
    with pytest.raises(Forbidden):
        list_tokens(runtime, other, everybody=True)
    with pytest.raises(NotFound):
        revoke_token(runtime, other, shown.id)
    assert authenticate(runtime, token)[0] == mina
    assert [found.person for found in list_tokens(runtime, admin, everybody=True)] == ["미나"]
    revoke_token(runtime, admin, shown.id)
    with pytest.raises(NotSignedIn):
        authenticate(runtime, token)


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [
        ("", [Scope.READ], 1),
        ("x" * 81, [Scope.READ], 1),
        ("x", [], 1),
        ("x", [Scope.READ], 0),
        ("x", [Scope.READ], 9999),
    ],
)
def test_what_cannot_be_is_refused(runtime: Runtime, mina: Actor, name: str, scopes: list[Scope], days: int) -> None:
    with pytest.raises(InvalidInput):
        create_token(runtime, mina, name, scopes, days)


def test_nobody_hoards_tokens(runtime: Runtime, mina: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_tokens, "MAX_TOKENS", 1)
    _, shown = create_token(runtime, mina, "one", [Scope.READ])
    with pytest.raises(Conflict):
        create_token(runtime, mina, "two", [Scope.READ])
    revoke_token(runtime, mina, shown.id)
    create_token(runtime, mina, "two", [Scope.READ])
