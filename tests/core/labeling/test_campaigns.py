"""Campaigns: the queue is the list of the same filter; built in chunks, once, and going on after a kill."""

import pytest

from core.catalogue.products import ProductFilter, list_products
from core.errors import Conflict, Forbidden, InvalidInput, JobCancelled, NoModelYet, NotFound, NotReady
from core.jobs.queue import find_unfinished_job
from core.jobs.worker import run_claimed
from core.labeling import campaigns as module
from core.labeling.campaigns import (
    build_campaign,
    close_campaign,
    create_campaign,
    ensure_default_campaign,
    get_campaign,
    list_campaigns,
    pause_campaign,
    ready_made,
    resume_campaign,
)
from core.labeling.decisions import record_decision
from core.labeling.queue import claim_task, release_all, skip_task
from core.revisions import revision
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import jobs
from db.enums import CampaignKind, CampaignOrder, CampaignStatus, DecisionKind, JobStatus, ProductOrder
from db.tables import AuditRow, TaskRow
from tests.core.labeling.shelf import annotator, count, fill_shelf
from tests.core.labeling.test_decisions import label
from tests.core.labeling.test_queue import claim


def queue(runtime: Runtime, campaign: int, slot: int = 0) -> list[int]:
    """The products in the order in which they are handed out."""
    with runtime.sessions.read() as session:
        rows = session.query(TaskRow).filter_by(campaign_id=campaign, slot=slot).order_by(TaskRow.position, TaskRow.id)
        return [row.product_id for row in rows]


def handed_out(runtime: Runtime, campaign: int) -> list[int]:
    """What a person really gets, one after another."""
    person = annotator(runtime, "walker")
    products = []
    while (task := claim_task(runtime, person, campaign)) and task.product_id not in products:
        products.append(task.product_id)
        skip_task(runtime, person, task.id)
    release_all(runtime, person)
    return products


@pytest.mark.parametrize("chunk", [3, 1_000])
@pytest.mark.parametrize("kind", list(CampaignKind))
def test_the_queue_shows_exactly_what_the_list_shows(
    runtime: Runtime, actor: Actor, kind: CampaignKind, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", chunk)
    shelf = fill_shelf(runtime, 20)
    campaign = create_campaign(runtime, actor, "check", kind)
    wanted, order = ready_made(kind)
    rows = list_products(runtime, wanted, ProductOrder(order.value)).rows
    assert queue(runtime, campaign.id) == [row.id for row in rows] == handed_out(runtime, campaign.id)
    again = list_products(runtime, campaign.filter, ProductOrder(campaign.order.value)).rows
    assert [row.id for row in again] == [row.id for row in rows]
    assert (campaign.status, campaign.n_tasks) == (CampaignStatus.ACTIVE, len(rows))
    assert 3 < len(rows) <= len(shelf.products)


@pytest.mark.parametrize("order", list(CampaignOrder))
def test_any_filter_with_any_order(runtime: Runtime, actor: Actor, order: CampaignOrder) -> None:
    shelf = fill_shelf(runtime, 20)
    wanted = ProductFilter(category_ids=(shelf.men,), keyword="shirt", seed=5)
    campaign = create_campaign(runtime, actor, "check", CampaignKind.RANDOM, wanted, order, overlap=2, limit=4)
    rows = list_products(runtime, wanted, ProductOrder(order.value), limit=4).rows
    assert queue(runtime, campaign.id, 0) == queue(runtime, campaign.id, 1) == [row.id for row in rows]
    assert (campaign.n_tasks, campaign.overlap) == (8, 2)


def test_what_a_person_decided_is_not_asked_again(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 20)
    first = create_campaign(runtime, actor, "first", CampaignKind.LOW_CONFIDENCE)
    made = label(runtime, actor, first.id, shelf.leaves[3])
    asked = {made.product_id}
    for kind in (DecisionKind.CANNOT_TELL, DecisionKind.BAD_LISTING):
        task = claim(runtime, actor, first.id)
        record_decision(runtime, actor, task.id, kind, None, kind.value)
        asked.add(task.product_id)
    second = create_campaign(runtime, actor, "second", CampaignKind.LOW_CONFIDENCE)
    assert set(queue(runtime, first.id)) - set(queue(runtime, second.id)) == asked
    everything = create_campaign(runtime, actor, "random", CampaignKind.RANDOM)
    assert asked <= set(queue(runtime, everything.id))


def test_a_large_campaign_is_built_by_a_job_that_survives_a_kill(
    runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 3)
    monkeypatch.setattr(module, "SMALL", 5)
    shelf = fill_shelf(runtime, 20)
    campaign = create_campaign(runtime, actor, "all", CampaignKind.RANDOM, overlap=2, limit=17)
    assert (campaign.status, campaign.n_tasks) == (CampaignStatus.BUILDING, 0)
    job = find_unfinished_job(runtime, ["build_campaign"])
    assert job is not None

    class Killed(BaseException):
        pass

    def kill(fraction: float, done: int, total: int) -> None:
        assert total == 17
        if done >= 9:
            raise Killed

    with pytest.raises(Killed):
        build_campaign(runtime, campaign.id, 17, kill)
    assert get_campaign(runtime, campaign.id).n_tasks == 18
    ready = claim_task(runtime, actor, campaign.id)  # what is ready can be worked on
    assert ready is not None
    assert ready.position == 0
    with runtime.sessions.write() as session:
        assert jobs.claim_job(session, "w1", utc_now()) == job.id
    done = run_claimed(runtime, job.id, "w1")
    assert (done.status, done.result) == (JobStatus.SUCCEEDED, {"campaign_id": campaign.id, "n_tasks": 34})
    assert get_campaign(runtime, campaign.id).status == CampaignStatus.ACTIVE
    rows = list_products(runtime, campaign.filter, ProductOrder.RANDOM, limit=17).rows
    assert queue(runtime, campaign.id, 0) == queue(runtime, campaign.id, 1) == [row.id for row in rows]
    assert build_campaign(runtime, campaign.id, 17) == 34
    assert count(runtime, TaskRow) == 34
    assert len(shelf.products) == 20


def test_a_build_can_be_cancelled_and_a_closed_campaign_is_not_filled(
    runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 3)
    monkeypatch.setattr(module, "SMALL", 5)
    fill_shelf(runtime, 20)
    campaign = create_campaign(runtime, actor, "all", CampaignKind.RANDOM, queue_build=False)
    assert find_unfinished_job(runtime, ["build_campaign"]) is None

    def close(fraction: float, done: int, total: int) -> None:
        if done == 6:
            close_campaign(runtime, actor, campaign.id)

    assert build_campaign(runtime, campaign.id, report=close) == 6
    assert get_campaign(runtime, campaign.id).status == CampaignStatus.CLOSED

    def cancel(fraction: float, done: int, total: int) -> None:
        raise JobCancelled

    other = create_campaign(runtime, actor, "other", CampaignKind.RANDOM, queue_build=False)
    with pytest.raises(JobCancelled):
        build_campaign(runtime, other.id, report=cancel)
    assert build_campaign(runtime, other.id) == 20


def test_pause_resume_close(runtime: Runtime, actor: Actor) -> None:
    fill_shelf(runtime, 20)
    before = revision(runtime, "campaigns")
    campaign = create_campaign(runtime, actor, "check", CampaignKind.RANDOM)
    assert pause_campaign(runtime, actor, campaign.id).status == CampaignStatus.PAUSED
    with pytest.raises(NotReady):
        claim_task(runtime, actor, campaign.id)
    with pytest.raises(Conflict):
        pause_campaign(runtime, actor, campaign.id)
    assert resume_campaign(runtime, actor, campaign.id).status == CampaignStatus.ACTIVE
    assert claim_task(runtime, actor, campaign.id) is not None
    close_campaign(runtime, actor, campaign.id)
    with pytest.raises(Conflict):
        resume_campaign(runtime, actor, campaign.id)
    assert count(runtime, AuditRow, AuditRow.entity == "campaign") == 4
    assert revision(runtime, "campaigns") > before


def test_progress_of_each_campaign_in_the_list(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 20)
    one = create_campaign(runtime, actor, "one", CampaignKind.RANDOM, guidelines="  look twice ")
    two = create_campaign(runtime, actor, "two", CampaignKind.DISAGREEMENT)
    for person in (actor, annotator(runtime, "Mia")):
        label(runtime, person, one.id, shelf.leaves[0])
    listed = list_campaigns(runtime)
    assert [(c.id, c.n_done) for c in listed] == [(two.id, 0), (one.id, 2)]
    assert listed[1].guidelines == "look twice"
    with pytest.raises(NotFound):
        get_campaign(runtime, 10**6)


def test_what_cannot_be_a_campaign(runtime: Runtime, actor: Actor) -> None:
    fill_shelf(runtime, 5)
    create_campaign(runtime, actor, "taken", CampaignKind.RANDOM)
    with pytest.raises(Conflict, match="taken"):
        create_campaign(runtime, actor, "taken", CampaignKind.RANDOM)
    for name, change in (
        ("", {}),
        ("x" * 201, {}),
        ("a", {"overlap": 0}),
        ("a", {"limit": 0}),
        ("a", {"guidelines": "x" * 30_000}),
        ("a", {"filter": ProductFilter(source="nowhere")}),
    ):
        with pytest.raises(InvalidInput):
            create_campaign(runtime, actor, name, CampaignKind.RANDOM, **change)
    with pytest.raises(Forbidden):
        create_campaign(runtime, annotator(runtime, "Mia"), "a", CampaignKind.RANDOM)
    assert len(list_campaigns(runtime)) == 1


def test_the_default_campaign_is_made_once_for_the_model_in_use(runtime: Runtime, actor: Actor) -> None:
    fill_shelf(runtime, 20)
    first = ensure_default_campaign(runtime, actor)
    assert (first.name, first.kind) == ("Low confidence", CampaignKind.LOW_CONFIDENCE)
    assert ensure_default_campaign(runtime, actor) == first


def test_no_default_campaign_without_a_model(runtime: Runtime, actor: Actor) -> None:
    fill_shelf(runtime, 5, promoted=False)
    with pytest.raises(NoModelYet):
        ensure_default_campaign(runtime, actor)
