"""Promotion: a reason, a gate that names what falls, an override, and the way back."""

import pytest
import sqlalchemy as sa

from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from core.people import sign_in_local
from core.revisions import revision
from core.runtime import Runtime
from core.training import registry
from core.training.registry import PromotionRefused
from core.types import Actor
from db.enums import Role
from db.tables import AuditRow
from tests.core.training.answers import add_version, put_in_fold
from tests.core.training.shelf import category_id, fill_shelf
from tests.roles import ADMIN


@pytest.fixture
def versions(runtime: Runtime, actor: Actor) -> list[int]:
    """v1 and v2 are right; v3 loses 3 of 40 trousers (7.5 points) and all 20 shoes, too few to hold it up."""
    ids = fill_shelf(runtime)
    put_in_fold(runtime, ids["바지"][:40], 0)
    put_in_fold(runtime, ids["신발"][:20], 0)
    truth = {product: category_id(runtime, name) for name, products in ids.items() for product in products}
    gadgets = category_id(runtime, "가전")
    worse = truth | dict.fromkeys([*ids["바지"][:3], *ids["신발"][:20]], gadgets)
    return [add_version(runtime, actor, answers) for answers in (truth, truth, worse)]


def promoted(runtime: Runtime) -> str | None:
    version = registry.find_promoted_version(runtime)
    return version.name if version else None


def test_the_first_promotion_has_nothing_to_lose(runtime: Runtime, actor: Actor, versions: list[int]) -> None:
    assert promoted(runtime) is None
    before = revision(runtime, "models")
    assert registry.promote(runtime, actor, versions[0], "the first").is_promoted
    assert promoted(runtime) == "v1"
    assert revision(runtime, "models") > before
    with runtime.sessions.read() as session:
        audit = session.scalars(sa.select(AuditRow).where(AuditRow.action == "promote")).one()
    assert (audit.reason, audit.person_id, audit.after) == (
        "the first",
        actor.person_id,
        {"promoted": versions[0], "gate_overridden": False},
    )
    assert [version.is_promoted for version in registry.list_versions(runtime, ADMIN)] == [False, False, True]


def test_the_gate_names_the_categories_that_fall(runtime: Runtime, actor: Actor, versions: list[int]) -> None:
    registry.promote(runtime, actor, versions[0], "the first")
    verdict = registry.judge_promotion(runtime, versions[2])
    assert ([fallen.path for fallen in verdict.fallen], verdict.n_judged, verdict.against) == (["상품 > 바지"], 1, "v1")
    with pytest.raises(PromotionRefused) as refused:
        registry.promote(runtime, actor, versions[2], "newer")
    assert "상품 > 바지 (100.0% -> 92.5%, n = 40)" in str(refused.value)
    assert promoted(runtime) == "v1"
    registry.promote(runtime, actor, versions[2], "trousers are out of season", override=True)
    assert promoted(runtime) == "v3"
    assert [entry.gate_overridden for entry in registry.list_promotions(runtime)] == [True, False]


def test_rolling_back_goes_back_step_by_step(runtime: Runtime, actor: Actor, versions: list[int]) -> None:
    with pytest.raises(Conflict):
        registry.roll_back(runtime, actor, "nothing there")
    for version in versions[:2]:
        registry.promote(runtime, actor, version, "better")
    registry.promote(runtime, actor, versions[2], "better", override=True)
    assert registry.roll_back(runtime, actor, "worse").name == "v2"
    assert registry.roll_back(runtime, actor, "still worse").name == "v1"
    with pytest.raises(Conflict, match="no earlier version"):
        registry.roll_back(runtime, actor, "and further")
    registry.promote(runtime, actor, versions[1], "again")
    assert registry.find_rollback_target(runtime).name == "v1"  # type: ignore[union-attr]


def test_what_is_refused(runtime: Runtime, actor: Actor, versions: list[int]) -> None:
    with pytest.raises(InvalidInput):
        registry.promote(runtime, actor, versions[0], "  ")
    with pytest.raises(NotFound):
        registry.promote(runtime, actor, 99, "why not")
    registry.promote(runtime, actor, versions[0], "the first")
    with pytest.raises(Conflict, match="in use already"):
        registry.promote(runtime, actor, versions[0], "again")
    annotator = sign_in_local(runtime, "annotator", Role.ANNOTATOR)
    for act in (
        lambda: registry.promote(runtime, annotator, versions[1], "x"),
        lambda: registry.roll_back(runtime, annotator, "x"),
    ):
        with pytest.raises(Forbidden):
            act()


def test_versions_are_found_by_name(runtime: Runtime, versions: list[int]) -> None:
    assert registry.get_version_named(runtime, "v2").id == registry.get_version_named(runtime, "2").id == versions[1]
    with pytest.raises(NotFound):
        registry.get_version_named(runtime, "v99")
    with pytest.raises(NotFound):
        registry.get_version_named(runtime, "nonsense")
