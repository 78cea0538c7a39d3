"""The simulated crowd: on demo data only, with the errors that were asked for, in the rows that people leave."""

import random
from collections import Counter
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.analysis.error_rates import get_error_rates
from core.catalogue.demo import load_demo
from core.catalogue.taxonomy import load_categories
from core.errors import Conflict, InvalidInput, NotReady
from core.labeling.annotator_quality import Standing, list_quality
from core.labeling.campaigns import list_campaigns
from core.labeling.crowd_votes import Confusion, make_crowd
from core.labeling.decisions import record_decision
from core.labeling.queue import claim_task
from core.labeling.settling import settle
from core.labeling.simulated_crowd import (
    BASELINE,
    PRACTICE,
    CrowdPlan,
    CrowdSummary,
    is_anything_decided,
    simulate_crowd,
)
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor
from db.enums import CampaignStatus, DecisionKind, LabelSource, Role, TaskStatus
from db.tables import (
    AuditRow,
    CampaignRow,
    DailyProgressRow,
    DecisionRow,
    DemoTruthRow,
    LabelRow,
    PersonRow,
    ProductRow,
    TaskRow,
)
from tests.core.training.shelf import add_products
from tests.roles import ADMIN


@pytest.fixture
def demo(runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    monkeypatch.setattr("core.catalogue.demo.loading.draw_images", lambda folder, products: [])
    load_demo(runtime, actor, 900)
    return runtime


def rows(runtime: Runtime, query: Any) -> list[Any]:
    with runtime.sessions.read() as session:
        return list(session.execute(query))


def test_an_average_person_is_as_right_as_asked() -> None:
    crowd = make_crowd(random.Random(1), {n: [n + 1, n + 2] for n in range(0, 3000, 3)}, 5, 0.75)
    errors = [crowd.error(category, person) for category in range(0, 3000, 3) for person in range(5)]
    assert sum(errors) / len(errors) == pytest.approx(0.25, abs=0.01)
    assert crowd.error(0, 0) < crowd.error(0, 4) < crowd.error(0, 4, is_ambiguous=True) <= 0.95


def test_a_confusion_holds_for_everybody() -> None:
    crowd = make_crowd(random.Random(1), {1: [2, 3], 2: [1]}, 3, 0.9, [Confusion(1, 3, 0.4)])
    rng, said = random.Random(2), Counter[int | None]()
    for n in range(6000):
        said[crowd.vote(rng, 1, n % 3, is_ambiguous=n % 2 == 0)[1]] += 1
    decided = said[1] + said[3]
    assert said[2] == 0
    assert said[3] / decided == pytest.approx(0.4, abs=0.025)
    assert said[None] / 6000 == pytest.approx(0.03, abs=0.01)


def test_it_leaves_what_people_leave(demo: Runtime, actor: Actor) -> None:
    assert not is_anything_decided(demo)
    made = simulate_crowd(demo, actor, CrowdPlan(n_people=4, n_unsettled=40, settled=0.5))
    assert is_anything_decided(demo)
    assert made.n_votes == 3 * made.n_products
    n_baseline = made.n_products - 40
    assert made.n_settled == round(0.5 * n_baseline)
    gold = sa.select(sa.func.count()).where(ProductRow.label_source == LabelSource.GOLD)
    assert rows(demo, gold) == [(made.n_settled,)]
    votes = rows(demo, sa.select(DecisionRow).where(DecisionRow.kind != DecisionKind.SETTLE))
    assert all(vote.is_blind and vote.model_version_id is None for (vote,) in votes)
    assert sum(vote.is_gold_check for (vote,) in votes) == made.n_checks > 0
    people = {row.name: row.role.value for (row,) in rows(demo, sa.select(PersonRow))}
    assert people["Demo annotator 4"] == "annotator"
    assert people["Demo reviewer"] == "reviewer"
    asked = sa.select(TaskRow.product_id, sa.func.count()).where(~TaskRow.is_gold)
    tasks = rows(demo, asked.group_by(TaskRow.product_id))
    assert {n for _, n in tasks} == {3}
    counters = sa.func.sum(DailyProgressRow.n_decisions), sa.func.sum(DailyProgressRow.n_gold)
    assert rows(demo, sa.select(*counters)) == [(made.n_votes + made.n_checks, made.n_checks)]
    by_name = {campaign.name: campaign for campaign in list_campaigns(demo)}
    assert by_name[BASELINE].status == CampaignStatus.CLOSED
    assert (by_name[BASELINE].n_tasks, by_name[BASELINE].n_done) == (3 * n_baseline, 3 * n_baseline)
    wrong = rows(
        demo,
        sa.select(ProductRow.id)
        .join(DemoTruthRow, DemoTruthRow.product_id == ProductRow.id)
        .where(ProductRow.label_source == LabelSource.GOLD, ProductRow.category_id != DemoTruthRow.category_id),
    )
    assert wrong == []
    assert simulate_crowd(demo, actor) == CrowdSummary()


def test_a_settlement_of_the_crowd_is_like_a_real_one(demo: Runtime, actor: Actor) -> None:
    simulate_crowd(demo, actor, CrowdPlan(n_unsettled=20))
    product = rows(demo, sa.select(ProductRow.id).where(ProductRow.label_source == LabelSource.HUMAN))[0][0]
    category = rows(demo, sa.select(DemoTruthRow.category_id).where(DemoTruthRow.product_id == product))[0][0]
    real = settle(demo, actor, product, category, "by hand")
    simulated = rows(demo, sa.select(DecisionRow).where(DecisionRow.kind == DecisionKind.SETTLE))[0][0]
    with demo.sessions.read() as session:
        pair = [session.get_one(DecisionRow, id_) for id_ in (real.id, simulated.id)]
        gold = [session.scalars(sa.select(LabelRow).where(LabelRow.decision_id == one.id)).one() for one in pair]
        audits = [
            session.scalars(
                sa.select(AuditRow).where(AuditRow.action == "settle", AuditRow.entity_id == one.product_id)
            ).one()
            for one in pair
        ]
        products = [session.get_one(ProductRow, one.product_id) for one in pair]
    for name in (
        "task_id",
        "is_blind",
        "is_gold_check",
        "copied_from_id",
        "batch_key",
        "undoes_id",
        "model_version_id",
    ):
        assert getattr(pair[0], name) == getattr(pair[1], name), name
    assert [one.source for one in gold] == [LabelSource.GOLD] * 2
    assert set(audits[0].before or {}) == set(audits[1].before or {})
    assert set(audits[0].after or {}) == set(audits[1].after or {})
    assert [one.label_source for one in products] == [LabelSource.GOLD] * 2


def test_a_hidden_check_of_the_crowd_is_like_a_real_one(demo: Runtime, actor: Actor) -> None:
    simulate_crowd(demo, actor, CrowdPlan(n_unsettled=60))
    labeled = (DecisionRow.is_gold_check, DecisionRow.kind == DecisionKind.LABEL)
    simulated = rows(demo, sa.select(DecisionRow).where(*labeled))[0][0]
    with demo.sessions.write() as session:
        practice = session.get_one(CampaignRow, simulated.campaign_id)
        practice.status, practice.gold_rate = CampaignStatus.ACTIVE, 1.0
        open_task = TaskRow(campaign_id=practice.id, product_id=_untouched(session), slot=0, position=999)
        session.add(open_task)
    person = sign_in_local(demo, "Somebody", Role.ANNOTATOR)
    task = claim_task(demo, person, simulated.campaign_id)
    assert task is not None
    real = record_decision(demo, person, task.id, DecisionKind.LABEL, simulated.category_id, "real")
    with demo.sessions.read() as session:
        pair = [session.get_one(DecisionRow, id_) for id_ in (real.id, simulated.id)]
        tasks = [session.get_one(TaskRow, one.task_id) for one in pair]
        labels = [session.scalars(sa.select(LabelRow).where(LabelRow.decision_id == one.id)).one() for one in pair]
        products = [session.get_one(ProductRow, one.product_id) for one in pair]
        imported = [
            session.scalars(
                sa.select(LabelRow.category_id).where(
                    LabelRow.product_id == one.product_id, LabelRow.source == LabelSource.IMPORT
                )
            ).one()
            for one in pair
        ]
    for name in ("is_blind", "is_gold_check", "copied_from_id", "batch_key", "model_version_id", "suggestion_rank"):
        assert getattr(pair[0], name) == getattr(pair[1], name), name
    assert [one.previous_category_id for one in pair] == imported
    assert [(one.is_gold, one.status, one.slot < 0) for one in tasks] == [(True, TaskStatus.DONE, True)] * 2
    assert [one.source for one in labels] == [LabelSource.HUMAN] * 2
    assert [one.label_source for one in products] == [LabelSource.GOLD] * 2


def _untouched(session: Session) -> int:
    """A product that is in no queue."""
    asked = sa.exists().where(TaskRow.product_id == ProductRow.id)
    return int(session.scalars(sa.select(ProductRow.id).where(~asked).limit(1)).one())


def test_gold_checks_find_who_errs_most(demo: Runtime, actor: Actor) -> None:
    made = simulate_crowd(demo, actor, CrowdPlan(n_unsettled=400))
    found = {person.name: person for person in list_quality(demo, actor)}
    assert len(found) == made.n_people
    assert sum(person.right.n + person.n_cannot_tell for person in found.values()) == made.n_checks
    standings = {name[-1]: person.standing for name, person in found.items()}
    assert [name for name, standing in standings.items() if standing == Standing.BELOW] == ["5"]
    progress = {row.name: row for row in list_campaigns(demo)}[PRACTICE]
    assert (progress.n_tasks, progress.n_done) == (3 * 400, 3 * 400)  # checks are no part of it


def test_departments_differ_as_planned(demo: Runtime, actor: Actor) -> None:
    simulate_crowd(demo, actor, CrowdPlan(n_unsettled=0, departments=(("패션의류", 2.5), ("디지털/가전", 0.0))))
    found = get_error_rates(demo, ADMIN)
    assert found is not None
    errors = {}
    for name in ("패션의류", "디지털/가전"):
        of_it = [sums for leaf, sums in found.sums.items() if found.categories[leaf].path.startswith(name)]
        errors[name] = sum(sums.w_people for sums in of_it) / sum(sums.w for sums in of_it)
    assert errors["패션의류"] > 0.4
    assert errors["디지털/가전"] == 0


def test_its_errors_are_found_again(demo: Runtime, actor: Actor) -> None:
    plan = CrowdPlan(n_people=6, votes=4, settled=0.8, n_unsettled=0, accuracy=0.7, seed=3)
    simulate_crowd(demo, actor, plan)
    found = get_error_rates(demo, ADMIN)
    assert found is not None
    rate, _, _ = found.overall()
    votes = rows(
        demo,
        sa.select(DecisionRow.category_id == DemoTruthRow.category_id)
        .join(DemoTruthRow, DemoTruthRow.product_id == DecisionRow.product_id)
        .where(DecisionRow.kind == DecisionKind.LABEL),
    )
    truth = sum(not right for (right,) in votes) / len(votes)  # of all votes, settled or not
    assert rate.low <= truth <= rate.high
    assert rate.low <= 0.33 and rate.high >= 0.27  # noqa: PT018 - ambiguous titles are harder than the mean


def test_a_known_confusion_shows(demo: Runtime, actor: Actor) -> None:
    categories = load_categories(demo)
    largest = rows(
        demo,
        sa.select(DemoTruthRow.category_id)
        .group_by(DemoTruthRow.category_id)
        .order_by(sa.func.count().desc())
        .limit(1),
    )[0][0]
    other = next(
        one.id
        for one in categories.values()
        if one.is_leaf and one.id != largest and one.name != categories[largest].name
    )
    plan = CrowdPlan(confusions=(Confusion(largest, other, 1.0),), n_unsettled=0, settled=1.0, accuracy=1.0)
    simulate_crowd(demo, actor, plan)
    found = get_error_rates(demo, ADMIN)
    assert found is not None
    if not found.sums.get(largest):
        pytest.fail("the largest category has no held-out product: take another seed")
    row = next(row for row in found.rows() if largest in row.leaf_ids)
    assert found.confused(row, "people")[0].category_id == other
    assert {leaf for leaf, sums in found.sums.items() if sums.people_wrong} == {largest}


def test_it_refuses_real_products_and_impossible_crowds(runtime: Runtime, actor: Actor) -> None:
    with pytest.raises(NotReady):
        simulate_crowd(runtime, actor)
    add_products(runtime, "바지", ["면 바지"], source="my shop")
    with pytest.raises(Conflict, match="my shop"):
        simulate_crowd(runtime, actor)
    for plan in (CrowdPlan(n_people=2, votes=3), CrowdPlan(accuracy=1.2), CrowdPlan(n_people=1000)):
        with pytest.raises(InvalidInput):
            simulate_crowd(runtime, actor, plan)
