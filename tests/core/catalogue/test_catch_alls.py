"""Catch-alls are proposed by name and marked by who may; flags of categories have an author."""

import pytest
import sqlalchemy as sa

from core.catalogue.catch_alls import is_catch_all_name, propose_catch_alls
from core.catalogue.taxonomy import ensure_categories, get_category, set_flags
from core.errors import Forbidden, NotFound
from core.revisions import revision
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import Role
from db.tables import AuditRow


@pytest.mark.parametrize(
    "name",
    ["기타", "Other", "Otros quesos", "Sonstiges", "Sonstige Getränke", "신발 기타", "기타 신발", "misc.", "기타(etc)"],
)
def test_a_catch_all_is_known_by_its_name(name: str) -> None:
    assert is_catch_all_name(name)


@pytest.mark.parametrize("name", ["기타리스트", "Mother", "통기타", "Lentejas y otros", "Toys & others", "Weather", ""])
def test_other_names_are_none(name: str) -> None:
    assert not is_catch_all_name(name)


def test_a_guitar_is_no_catch_all() -> None:
    assert not is_catch_all_name("어쿠스틱 기타", "악기 > 현악기 > 어쿠스틱 기타")
    assert is_catch_all_name("기타", "악기 > 기타")


def test_proposals_are_marked_by_who_may(runtime: Runtime, actor: Actor) -> None:
    with runtime.sessions.write() as session:
        ids = ensure_categories(session, [("신발", "기타"), ("신발", "구두"), ("Other", "Toys")], utc_now())
    assert [category.path for category in propose_catch_alls(runtime)] == ["신발 > 기타"]
    before = revision(runtime, "taxonomy")
    assert set_flags(runtime, actor, [ids["신발", "기타"]], is_catch_all=True) == 1
    assert get_category(runtime, ids["신발", "기타"]).is_catch_all
    assert revision(runtime, "taxonomy") != before
    assert propose_catch_alls(runtime) == []
    assert set_flags(runtime, actor, [ids["신발", "기타"]], is_catch_all=True) == 0
    with runtime.sessions.read() as session:
        audit = session.scalars(sa.select(AuditRow).where(AuditRow.action == "set_flags")).one()
    assert (audit.entity_id, audit.before, audit.after) == (
        ids["신발", "기타"],
        {"is_catch_all": False},
        {"is_catch_all": True},
    )


def test_flags_need_a_role_and_a_category(runtime: Runtime, actor: Actor) -> None:
    with runtime.sessions.write() as session:
        (leaf,) = ensure_categories(session, [("신발",)], utc_now()).values()
    with pytest.raises(NotFound):
        set_flags(runtime, actor, [leaf, 999], is_recommended=False)
    assert get_category(runtime, leaf).is_recommended
    with pytest.raises(Forbidden):
        set_flags(runtime, Actor(actor.person_id, actor.name, Role.ANNOTATOR), [leaf], is_recommended=False)
    set_flags(runtime, actor, [leaf], is_recommended=False)
    assert not get_category(runtime, leaf).is_recommended
    assert not get_category(runtime, leaf).is_catch_all
