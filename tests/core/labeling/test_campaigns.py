"""Campaigns: the queue is the list of the same filter; built in chunks, once, and going on after a kill."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.catalogue.products import ProductFilter, count_products, list_products
from core.errors import AppError, Conflict, Forbidden, InvalidInput, JobCancelled, NoModelYet, NotFound, NotReady
from core.jobs.queue import find_unfinished_job
from core.jobs.worker import run_claimed, work_until_ended
from core.labeling.campaigns import (
    Inputs,
    build_campaign,
    building,
    close_campaign,
    create_campaign,
    creating,
    ensure_default_campaign,
    get_campaign,
    list_campaigns,
    list_choices,
    pause_campaign,
    preview_queue,
    ready_made,
    resume_campaign,
)
from core.labeling.decisions import record_decision
from core.labeling.queue import claim_task, release_all, skip_task
from core.revisions import revision
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import campaign_building as campaign_queries
from db import jobs
from db.enums import (
    CampaignKind,
    CampaignOrder,
    CampaignStatus,
    DecisionKind,
    Fold,
    JobStatus,
    NoiseMethod,
    NoiseVerdict,
    ProductOrder,
    TaxonomyEditKind,
)
from db.tables import (
    AuditRow,
    EditReviewRow,
    JobRow,
    LabelIssueRow,
    MallRow,
    ProductRow,
    ProductSplitRow,
    TaskRow,
    TaxonomyEditRow,
)
from tests.core.labeling.shelf import Shelf, add_campaign, annotator, change_row, count, fill_shelf
from tests.core.labeling.test_decisions import label
from tests.core.labeling.test_queue import claim
from tests.roles import ADMIN


def queue(runtime: Runtime, campaign: int, slot: int = 0) -> list[int]:
    """The products in the order in which they are handed out."""
    with runtime.sessions.read() as session:
        rows = session.query(TaskRow).filter_by(campaign_id=campaign, slot=slot).order_by(TaskRow.position, TaskRow.id)
        return [row.product_id for row in rows]


def handed_out(runtime: Runtime, campaign: int) -> list[int]:
    """What a person really gets, one after another."""
    person = annotator(runtime, "walker")
    seen: dict[int, int] = {}
    while (task := claim_task(runtime, person, campaign)) and task.id not in seen:
        seen[task.id] = task.product_id
        skip_task(runtime, person, task.id)
    release_all(runtime, person)
    return list(dict.fromkeys(seen.values()))


def suspect_labels(runtime: Runtime) -> None:
    """Every label looks wrong, more or less."""
    with runtime.sessions.write() as session:
        session.add_all(
            LabelIssueRow(
                product_id=product.id,
                method=NoiseMethod.CONFIDENT_LEARNING,
                verdict=NoiseVerdict.ISSUE,
                given_category_id=product.category_id,
                label_quality_score=(product.id * 7 % 10) / 10,
                created_at=utc_now(),
            )
            for product in session.query(ProductRow).filter(ProductRow.category_id.is_not(None))
        )


def inputs_of(runtime: Runtime, actor: Actor, shelf: Shelf, kind: CampaignKind) -> Inputs:
    """What the kind is told; every product is held out, every second one wants another look."""
    with runtime.sessions.write() as session:
        edit = TaxonomyEditRow(kind=TaxonomyEditKind.SPLIT, detail={}, person_id=actor.person_id, created_at=utc_now())
        session.add(edit)
        session.flush()
        session.add_all(EditReviewRow(edit_id=edit.id, product_id=product) for product in shelf.products[::2])
        session.add_all(
            ProductSplitRow(product_id=product, group_key=str(product), fold=Fold.TEST) for product in shelf.products
        )
        mall_id = session.query(MallRow).one().id
    pair = (shelf.leaves[1], shelf.leaves[2])
    leaves = {CampaignKind.AMBIGUOUS_PAIR: pair, CampaignKind.NEW_LEAF: (shelf.leaves[3],)}.get(kind, ())
    return Inputs(leaves, mall_id, ("trousers", "nothing"), edit.id, 4)


@pytest.mark.parametrize("chunk", [3, 1_000])
@pytest.mark.parametrize("kind", list(CampaignKind))
def test_the_queue_shows_exactly_what_the_list_shows(
    runtime: Runtime, actor: Actor, kind: CampaignKind, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "CHUNK", chunk)
    shelf = fill_shelf(runtime, 20)
    suspect_labels(runtime)
    inputs = inputs_of(runtime, actor, shelf, kind)
    campaign = create_campaign(runtime, actor, "check", kind, inputs=inputs)
    recipe = ready_made(kind, inputs)
    rows = list_products(runtime, ADMIN, recipe.filter, ProductOrder(recipe.order.value)).rows
    assert campaign.settings == recipe.settings
    assert queue(runtime, campaign.id) == [row.id for row in rows] == handed_out(runtime, campaign.id)
    again = list_products(runtime, ADMIN, campaign.filter, ProductOrder(campaign.order.value)).rows
    assert [row.id for row in again] == [row.id for row in rows]
    assert (campaign.status, campaign.n_tasks) == (CampaignStatus.ACTIVE, len(rows) * campaign.overlap)
    assert 3 < len(rows) <= len(shelf.products)


@pytest.mark.parametrize("order", list(CampaignOrder))
def test_any_filter_with_any_order(runtime: Runtime, actor: Actor, order: CampaignOrder) -> None:
    shelf = fill_shelf(runtime, 20)
    suspect_labels(runtime)
    wanted = ProductFilter(category_ids=(shelf.men,), keyword="shirt", seed=5)
    campaign = create_campaign(runtime, actor, "check", CampaignKind.RANDOM, wanted, order, overlap=2, limit=4)
    rows = list_products(runtime, ADMIN, wanted, ProductOrder(order.value), limit=4).rows
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
    monkeypatch.setattr(building, "CHUNK", 3)
    monkeypatch.setattr(creating, "SMALL", 5)
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
    rows = list_products(runtime, ADMIN, campaign.filter, ProductOrder.RANDOM, limit=17).rows
    assert queue(runtime, campaign.id, 0) == queue(runtime, campaign.id, 1) == [row.id for row in rows]
    assert build_campaign(runtime, campaign.id, 17) == 34
    assert count(runtime, TaskRow) == 34
    assert len(shelf.products) == 20


def test_a_build_can_be_cancelled_and_a_closed_campaign_is_not_filled(
    runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "CHUNK", 3)
    monkeypatch.setattr(creating, "SMALL", 5)
    fill_shelf(runtime, 20)
    campaign = create_campaign(runtime, actor, "all", CampaignKind.RANDOM)

    def close(fraction: float, done: int, total: int) -> None:
        if done == 6:
            close_campaign(runtime, actor, campaign.id)

    assert build_campaign(runtime, campaign.id, report=close) == 6
    assert get_campaign(runtime, campaign.id).status == CampaignStatus.CLOSED

    def cancel(fraction: float, done: int, total: int) -> None:
        raise JobCancelled

    other = create_campaign(runtime, actor, "other", CampaignKind.RANDOM)
    with pytest.raises(JobCancelled):
        build_campaign(runtime, other.id, report=cancel)
    assert build_campaign(runtime, other.id) == 20


def test_a_campaign_whose_building_was_killed_is_built_by_the_worker(
    runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    fill_shelf(runtime, 20)
    with monkeypatch.context() as killed:
        killed.setattr(campaign_queries, "queue_ranked", die)
        with pytest.raises(Killed):
            create_campaign(runtime, actor, "small", CampaignKind.RANDOM, limit=7)
    (campaign,) = list_campaigns(runtime)
    assert (campaign.status, campaign.is_stalled) == (CampaignStatus.BUILDING, False)  # its job may be alive yet
    job = find_unfinished_job(runtime, ["build_campaign"])
    assert job is not None
    change_row(runtime, JobRow, job.id, heartbeat_at=utc_now() - timedelta(hours=1))
    assert work_until_ended(runtime, job.id).status == JobStatus.SUCCEEDED
    built = get_campaign(runtime, campaign.id)
    assert (built.status, built.n_tasks) == (CampaignStatus.ACTIVE, 7)


@pytest.mark.parametrize("ending", [JobStatus.CANCELLED, JobStatus.FAILED])
def test_a_stalled_campaign_is_built_again(
    runtime: Runtime, actor: Actor, ending: JobStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "SMALL", 5)
    fill_shelf(runtime, 20)
    campaign = create_campaign(runtime, actor, "all", CampaignKind.RANDOM, limit=17)
    job = find_unfinished_job(runtime, ["build_campaign"])
    assert job is not None
    with pytest.raises(Conflict):  # it is being built
        resume_campaign(runtime, actor, campaign.id)
    change_row(runtime, JobRow, job.id, status=ending)
    assert get_campaign(runtime, campaign.id).is_stalled
    assert [(one.id, one.is_stalled) for one in list_choices(runtime)] == [(campaign.id, True)]
    with pytest.raises(Forbidden):
        resume_campaign(runtime, annotator(runtime, "Mia"), campaign.id)
    assert not resume_campaign(runtime, actor, campaign.id).is_stalled
    again = find_unfinished_job(runtime, ["build_campaign"])
    assert again is not None
    work_until_ended(runtime, again.id)
    built = get_campaign(runtime, campaign.id)
    assert (built.status, built.n_tasks, built.is_stalled) == (CampaignStatus.ACTIVE, 17, False)


def test_a_build_that_fails_or_is_cancelled_in_place_says_so(
    runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_shelf(runtime, 5)

    def full(*_: object) -> None:
        raise OSError("disk full")

    def cancel(*_: object) -> None:
        raise JobCancelled

    with monkeypatch.context() as broken:
        broken.setattr(campaign_queries, "queue_ranked", full)
        with pytest.raises(AppError, match="disk full"):
            create_campaign(runtime, actor, "full", CampaignKind.RANDOM)
    with pytest.raises(JobCancelled):
        create_campaign(runtime, actor, "cancelled", CampaignKind.RANDOM, on_report=cancel)
    assert [campaign.is_stalled for campaign in list_campaigns(runtime)] == [True, True]


def test_the_choice_of_campaigns_leaves_out_closed_ones_but_not_what_is_asked_for(
    runtime: Runtime, actor: Actor
) -> None:
    shelf = fill_shelf(runtime, 3)
    ids = [add_campaign(runtime, shelf, name=f"c{i}") for i in range(203)]
    close_campaign(runtime, actor, ids[0])
    close_campaign(runtime, actor, ids[1])
    assert [one.id for one in list_choices(runtime)] == ids[:2:-1]
    asked = list_choices(runtime, [str(ids[0]), str(ids[2]), None, "x", "9" * 40, "-1", "²"])
    assert [one.id for one in asked] == [*ids[:4:-1], ids[2], ids[0]]
    assert asked[-1].status == CampaignStatus.CLOSED


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


@pytest.mark.parametrize("small", [0, 1_000])
def test_a_human_baseline_before_any_training_draws_the_folds(
    runtime: Runtime, actor: Actor, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "SMALL", small)
    shelf = fill_shelf(runtime, 40, promoted=False)
    for place, product in enumerate(shelf.products):  # no two read alike
        change_row(runtime, ProductRow, product, title=f"{chr(0xAC00 + 97 * place) * 3} {chr(0xB100 + 31 * place) * 4}")
    kind = CampaignKind.HUMAN_BASELINE
    made = create_campaign(runtime, actor, "people", kind)
    if not small:
        assert (made.status, made.n_tasks) == (CampaignStatus.BUILDING, 0)
        job = find_unfinished_job(runtime, ["build_campaign"])
        assert job is not None
        work_until_ended(runtime, job.id)
    held_out = [row.id for row in list_products(runtime, ADMIN, ready_made(kind).filter, ProductOrder.RANDOM).rows]
    assert 0 < len(held_out) < 16
    assert queue(runtime, made.id, 0) == queue(runtime, made.id, 1) == held_out


@pytest.mark.parametrize("kind", [CampaignKind.RANDOM, CampaignKind.LOW_CONFIDENCE, CampaignKind.MALL_AUDIT])
@pytest.mark.parametrize(("limit", "cap"), [(None, None), (7, None), (None, 3), (5, 2)])
def test_a_preview_is_what_the_queue_becomes(
    runtime: Runtime, actor: Actor, kind: CampaignKind, limit: int | None, cap: int | None
) -> None:
    shelf = fill_shelf(runtime, 30)
    recipe = ready_made(kind, inputs_of(runtime, actor, shelf, kind))
    settings = replace(recipe.settings, max_per_category=cap)
    asked = (recipe.filter, recipe.order)
    seen = preview_queue(runtime, actor, kind, *asked, settings, limit, n_rows=5)
    assert not list_campaigns(runtime)
    made = create_campaign(runtime, actor, "made", kind, *asked, limit=limit, settings=settings)
    found = queue(runtime, made.id)
    assert (seen.n_asked, [one.id for one in seen.rows]) == (len(found), found[:5])
    assert seen.n_found == count_products(runtime, actor, recipe.filter) >= seen.n_asked
    with pytest.raises(Forbidden):
        preview_queue(runtime, annotator(runtime, "Mia"), kind, *asked, settings)
