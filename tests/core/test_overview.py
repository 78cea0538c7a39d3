"""The overview counts what is there, and says of demo data how many planted errors were found."""

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from core.catalogue.demo import load_demo
from core.catalogue.products import ProductFilter
from core.labeling.campaigns import create_campaign, delete_campaign
from core.labeling.decisions import record_decision, undo_decision
from core.labeling.members import set_members
from core.labeling.queue import claim_task
from core.overview import Overview, PersonProgress, get_overview
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import CampaignKind, CampaignOrder, DecisionKind, Role
from db.tables import DailyProgressRow, DemoTruthRow
from tests.core.labeling.shelf import add_campaign, fill_shelf


def test_an_empty_catalogue(runtime: Runtime, actor: Actor) -> None:
    assert get_overview(runtime, actor) == Overview(0, 0, 0, 0, 0, 0, [], [], None, [], None)


def test_what_people_did_shows(runtime: Runtime, actor: Actor) -> None:
    load_demo(runtime, actor, 300)
    campaign = create_campaign(
        runtime, actor, "All", CampaignKind.RANDOM, ProductFilter(seed=1), CampaignOrder.RANDOM
    )  # fmt: skip
    task = claim_task(runtime, actor, campaign.id)
    assert task
    with runtime.sessions.read() as session:
        truth = session.get_one(DemoTruthRow, task.product_id).category_id
        n_planted = session.scalar(
            sa.select(sa.func.count()).select_from(DemoTruthRow).where(DemoTruthRow.planted == "wrong_label")
        )
    decision = record_decision(runtime, actor, task.id, DecisionKind.LABEL, truth, "key-1")
    view = get_overview(runtime, actor)
    assert (view.n_products, view.n_human, view.n_imported, view.n_unlabeled) == (300, 1, 299, 0)
    assert [(one.name, one.n_tasks, one.n_left) for one in view.waiting] == [("All", 300, 299)]
    assert view.people == [PersonProgress("tester", 1, 1)]
    assert view.planted is not None
    assert view.planted[1] == n_planted

    undo_decision(runtime, actor, decision.id, "key-2")
    view = get_overview(runtime, actor)
    assert (view.n_human, view.n_imported, view.people) == (0, 300, [])


def test_yesterdays_decisions_are_not_todays(runtime: Runtime, actor: Actor) -> None:
    load_demo(runtime, actor, 300)
    campaign = create_campaign(
        runtime, actor, "All", CampaignKind.RANDOM, ProductFilter(seed=1), CampaignOrder.RANDOM
    )  # fmt: skip
    yesterday = (utc_now() - timedelta(days=1)).date()
    with runtime.sessions.write() as session:
        session.add(DailyProgressRow(campaign_id=campaign.id, person_id=actor.person_id, day=yesterday, n_decisions=7))
    assert get_overview(runtime, actor).people == [PersonProgress("tester", 7, 0)]
    assert get_overview(runtime, replace(actor, role=Role.ANNOTATOR)).people, "everybody sees themselves"
    other = sign_in_local(runtime, "other", Role.ANNOTATOR)
    assert not get_overview(runtime, other).people


def test_what_waits_is_what_the_reader_may_work_in(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 8)
    gone, open_to_all, closed_shop = (add_campaign(runtime, shelf, shelf.products[:6], name=name) for name in "abc")
    delete_campaign(runtime, actor, gone, "made twice")
    set_members(runtime, actor, closed_shop, [actor.person_id])
    with runtime.sessions.write() as session:
        checked = {"day": utc_now().date(), "n_decisions": 5, "n_gold": 2}
        session.add(DailyProgressRow(campaign_id=open_to_all, person_id=actor.person_id, **checked))
    other = sign_in_local(runtime, "other", Role.ANNOTATOR)
    assert [(one.name, one.n_left) for one in get_overview(runtime, actor).waiting] == [("c", 6), ("b", 3)]
    assert [one.name for one in get_overview(runtime, other).waiting] == ["b"]
