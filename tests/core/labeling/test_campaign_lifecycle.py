"""Reopen, clone, delete and restore: nothing is lost, each change is in the audit, and only some may."""

import pytest

from core.catalogue.products import ProductFilter
from core.errors import Conflict, Forbidden, InvalidInput, NotFound, NotReady
from core.jobs.queue import find_unfinished_job
from core.jobs.worker import work_until_ended
from core.labeling.campaigns import (
    CampaignSettings,
    Stratum,
    build_campaign,
    building,
    clone_campaign,
    close_campaign,
    create_campaign,
    creating,
    delete_campaign,
    get_campaign,
    list_campaigns,
    list_choices,
    pause_campaign,
    reopen_campaign,
    restore_campaign,
    resume_campaign,
)
from core.labeling.campaigns.campaign import is_deleted
from core.labeling.queue import claim_task
from core.runtime import Runtime
from core.types import Actor
from db.enums import CampaignKind, CampaignOrder, CampaignStatus
from db.tables import AuditRow, DecisionRow
from tests.core.labeling.shelf import annotator, count, fill_shelf
from tests.core.labeling.test_campaigns import queue
from tests.core.labeling.test_decisions import label

RANDOM = CampaignKind.RANDOM


def test_a_closed_campaign_is_opened_again(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 5)
    made = create_campaign(runtime, actor, "check", RANDOM)
    with pytest.raises(Conflict):
        reopen_campaign(runtime, actor, made.id)
    label(runtime, actor, made.id, shelf.leaves[0])
    assert close_campaign(runtime, actor, made.id).closed_reason == "person"
    with pytest.raises(NotReady):
        claim_task(runtime, actor, made.id)
    opened = reopen_campaign(runtime, actor, made.id)
    assert (opened.status, opened.closed_reason, opened.n_done) == (CampaignStatus.ACTIVE, None, 1)
    assert claim_task(runtime, actor, made.id) is not None


def test_one_that_reached_its_target_goes_on_without_it(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 5)
    made = create_campaign(runtime, actor, "one", RANDOM, settings=CampaignSettings(target_decisions=1))
    label(runtime, actor, made.id, shelf.leaves[0])
    assert get_campaign(runtime, made.id).status == CampaignStatus.CLOSED
    assert reopen_campaign(runtime, actor, made.id).settings.target_decisions is None
    label(runtime, actor, made.id, shelf.leaves[0])
    assert get_campaign(runtime, made.id).status == CampaignStatus.ACTIVE


def test_one_that_was_closed_while_it_was_built_is_built_to_the_end(
    runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "CHUNK", 3)
    monkeypatch.setattr(creating, "SMALL", 5)
    fill_shelf(runtime, 20)
    made = create_campaign(runtime, actor, "all", RANDOM, limit=17)
    close_campaign(runtime, actor, made.id)
    job = find_unfinished_job(runtime, ["build_campaign"])
    assert job is not None
    assert work_until_ended(runtime, job.id).result == {"campaign_id": made.id, "n_tasks": 0, "broken_off": True}
    assert reopen_campaign(runtime, actor, made.id).status == CampaignStatus.BUILDING
    again = find_unfinished_job(runtime, ["build_campaign"])
    assert again is not None
    work_until_ended(runtime, again.id)
    built = get_campaign(runtime, made.id)
    assert (built.status, built.n_tasks) == (CampaignStatus.ACTIVE, 17)


@pytest.mark.parametrize("only_undecided", [True, False])
def test_a_clone_asks_the_same_again(runtime: Runtime, actor: Actor, only_undecided: bool) -> None:
    shelf = fill_shelf(runtime, 10)
    mia = annotator(runtime, "Mia")
    settings = CampaignSettings(2, (Stratum(3, share=0.4),), member_ids=(mia.person_id, actor.person_id))
    wanted = ProductFilter(keyword="상품", seed=4)
    made = create_campaign(
        runtime, actor, "first", RANDOM, wanted, CampaignOrder.OLDEST, guidelines="Look twice.", settings=settings
    )
    decided = label(runtime, mia, made.id, shelf.leaves[0]).product_id
    clone = clone_campaign(runtime, actor, made.id, "second", only_undecided)
    assert (clone.settings.strata, clone.guidelines, clone.order) == (settings.strata, "Look twice.", made.order)
    assert (clone.cloned_from_id, clone.members, clone.kind) == (made.id, made.members, made.kind)
    left = set(shelf.products) - ({decided} if only_undecided else set())
    assert set(queue(runtime, clone.id)) == left
    other = label(runtime, mia, clone.id, shelf.leaves[0]).product_id
    third = clone_campaign(runtime, actor, clone.id, "third")
    assert set(queue(runtime, third.id)) == left - {other}
    with pytest.raises(Conflict):
        clone_campaign(runtime, actor, made.id, "second")
    with pytest.raises(Forbidden):
        clone_campaign(runtime, mia, made.id, "fourth")


def test_deleted_is_out_of_sight_and_comes_back_as_it_was(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 5)
    made = create_campaign(runtime, actor, "check", RANDOM)
    label(runtime, actor, made.id, shelf.leaves[0])
    pause_campaign(runtime, actor, made.id)
    for reason in ("", "  ", "x" * 1_001):
        with pytest.raises(InvalidInput):
            delete_campaign(runtime, actor, made.id, reason)
    with pytest.raises(Forbidden):
        delete_campaign(runtime, annotator(runtime, "Mia"), made.id, "why not")
    delete_campaign(runtime, actor, made.id, "  made twice ")
    assert list_campaigns(runtime) == [] == list_choices(runtime, [str(made.id)])
    assert [one.id for one in list_campaigns(runtime, deleted=True)] == [made.id]
    for act in (
        get_campaign,
        lambda r, id_: resume_campaign(r, actor, id_),
        lambda r, id_: clone_campaign(r, actor, id_, "c"),
    ):
        with pytest.raises(NotFound):
            act(runtime, made.id)
    with pytest.raises((NotFound, NotReady)):
        claim_task(runtime, actor, made.id)
    with pytest.raises(Conflict, match="deleted"):
        create_campaign(runtime, actor, "check", RANDOM)
    with runtime.sessions.read() as session:
        row = session.query(AuditRow).filter_by(action="delete_campaign", entity_id=made.id).one()
        assert (row.reason, row.person_id) == ("made twice", actor.person_id)
    assert is_deleted(runtime, made.id)
    back = restore_campaign(runtime, actor, made.id)
    assert not is_deleted(runtime, made.id)
    assert (back.status, back.n_done) == (CampaignStatus.PAUSED, 1)
    assert count(runtime, DecisionRow) == 1
    with pytest.raises(Conflict):
        restore_campaign(runtime, actor, made.id)


def test_one_that_was_deleted_while_it_was_built_is_not_filled(
    runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "SMALL", 5)
    fill_shelf(runtime, 20)
    made = create_campaign(runtime, actor, "all", RANDOM)
    delete_campaign(runtime, actor, made.id, "no")
    assert build_campaign(runtime, made.id) == 0
    assert restore_campaign(runtime, actor, made.id).status == CampaignStatus.BUILDING
    assert build_campaign(runtime, made.id) == 20
