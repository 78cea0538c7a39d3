"""Strata, caps, members and targets: how a campaign asks, whom, and when it ends by itself."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from core.catalogue.products import ProductFilter
from core.errors import Conflict, Forbidden, InvalidInput, NotFound, StaleEdit, UnknownCategory
from core.labeling.campaigns import (
    CampaignSettings,
    Inputs,
    Stratum,
    create_campaign,
    get_campaign,
    list_choices,
    set_guidelines,
)
from core.labeling.decisions import record_decision, undo_decision
from core.labeling.members import set_members
from core.labeling.queue import claim_task
from core.labeling.targets import checks_needed, close_if_reached, measure_errors
from core.revisions import revision
from core.runtime import Runtime
from core.training.intervals import wilson_interval
from core.types import Actor, utc_now
from db.enums import CampaignKind, CampaignOrder, CampaignStatus, DecisionKind, LabelSource
from db.tables import AuditRow, DailyProgressRow, DecisionRow, MallCategoryRow, MallRow, ProductRow, TaskRow
from tests.core.labeling.shelf import Shelf, annotator, change_row, count, fill_shelf
from tests.core.labeling.test_campaigns import queue
from tests.core.labeling.test_decisions import label

RANDOM = CampaignKind.RANDOM


def overlaps(runtime: Runtime, campaign: int) -> dict[int, int]:
    """Product -> how many people are to decide it."""
    query = sa.select(TaskRow.product_id, sa.func.count()).where(TaskRow.campaign_id == campaign)
    with runtime.sessions.read() as session:
        return dict(session.execute(query.group_by(TaskRow.product_id)).all())  # type: ignore[arg-type]


def test_the_first_stratum_that_takes_a_product_says_how_many_decide_it(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 20)
    change_row(runtime, ProductRow, shelf.products[0], category_id=shelf.leaves[2], label_source=LabelSource.HUMAN)
    strata = (
        Stratum(4, label_source="none"),
        Stratum(3, category_ids=(shelf.leaves[2],)),
        Stratum(2, category_ids=(shelf.men,), share=0.5),
    )
    campaign = create_campaign(runtime, actor, "all", RANDOM, settings=CampaignSettings(strata=strata))
    assert get_campaign(runtime, campaign.id).settings.strata == strata
    found = overlaps(runtime, campaign.id)
    assert len(found) == 20
    assert [found[id_] for id_ in shelf.products[4::5]] == [4] * 4
    assert found[shelf.products[0]] == 3
    rest = [found[id_] for i, id_ in enumerate(shelf.products) if i and i % 5 != 4]
    assert set(rest) == {1, 2}
    assert campaign.n_tasks == sum(found.values())
    assert len(queue(runtime, campaign.id, 0)) == 20


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"overlap": 0},
        {"overlap": 2, "share": 0},
        {"overlap": 2, "shape": 1},
        {"overlap": 2, "mall_id": "x"},
        {"overlap": 2, "label_source": "robot"},
    ],
)
def test_a_stratum_that_cannot_be(stored: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        Stratum.from_dict(stored)


def test_a_cap_takes_the_first_of_each_category(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 20)
    for product in shelf.products[:5]:
        change_row(runtime, ProductRow, product, category_id=shelf.leaves[2])
    capped = CampaignSettings(max_per_category=2, overlap=2)
    campaign = create_campaign(runtime, actor, "few", RANDOM, ProductFilter(), CampaignOrder.MARGIN, settings=capped)
    # labeled as women's: 0 and 1 (of 0 to 4), as men's: 5 and 6; without a label by the answer: 9, 19
    positions = [shelf.products.index(id_) for id_ in queue(runtime, campaign.id, 1)]
    assert positions == [0, 1, 5, 6, 9, 19]
    first = create_campaign(
        runtime, actor, "first", RANDOM, ProductFilter(), CampaignOrder.MARGIN, limit=3, settings=capped
    )
    assert [shelf.products.index(id_) for id_ in queue(runtime, first.id)] == [0, 1, 5]


def test_an_audit_takes_a_few_of_each_mall_category(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 20)
    with runtime.sessions.write() as session:
        mall = session.query(MallRow).one().id
        rows = [MallCategoryRow(mall_id=mall, path=path) for path in ("A", "B")]
        session.add_all(rows)
        session.flush()
        ids = [row.id for row in rows]
    of_mall = [id_ for i, id_ in enumerate(shelf.products) if i % 3]
    for place, product in enumerate(of_mall):
        change_row(runtime, ProductRow, product, mall_category_id=ids[0] if place < 3 else ids[1])
    made = create_campaign(
        runtime,
        actor,
        "audit",
        CampaignKind.MALL_AUDIT,
        inputs=Inputs(mall_id=mall),
        settings=CampaignSettings(max_per_category=4),
    )
    asked = queue(runtime, made.id)
    assert len(asked) == 3 + 4
    assert set(of_mall[:3]) < set(asked) < set(of_mall)


def test_members_only(runtime: Runtime, actor: Actor) -> None:
    fill_shelf(runtime, 5)
    mia, jun = annotator(runtime, "Mia"), annotator(runtime, "Jun")
    made = create_campaign(runtime, actor, "hers", RANDOM, settings=CampaignSettings(member_ids=(mia.person_id,)))
    assert made.members == ((mia.person_id, "Mia"),)
    assert claim_task(runtime, mia, made.id) is not None
    with pytest.raises(Forbidden):
        claim_task(runtime, jun, made.id)
    assert [len(list_choices(runtime, person_id=person.person_id)) for person in (mia, jun)] == [1, 0]
    set_members(runtime, actor, made.id, [jun.person_id])
    assert claim_task(runtime, jun, made.id) is not None
    assert claim_task(runtime, mia, made.id) is not None  # what she holds she may still decide
    set_members(runtime, actor, made.id, [])
    assert get_campaign(runtime, made.id).members == ()
    with pytest.raises(InvalidInput):
        set_members(runtime, actor, made.id, [10**6])
    with pytest.raises(Forbidden):
        set_members(runtime, mia, made.id, [mia.person_id])


def test_it_ends_after_so_many_decisions(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 5)
    made = create_campaign(runtime, actor, "two", RANDOM, settings=CampaignSettings(target_decisions=2))
    task = undo_decision(runtime, actor, label(runtime, actor, made.id, shelf.leaves[0]).id, "u1")
    record_decision(runtime, actor, task.id, DecisionKind.LABEL, shelf.leaves[0], "again")
    assert get_campaign(runtime, made.id).status == CampaignStatus.ACTIVE
    label(runtime, actor, made.id, shelf.leaves[0])
    closed = get_campaign(runtime, made.id)
    assert (closed.status, closed.closed_reason) == (CampaignStatus.CLOSED, "target")
    assert count(runtime, AuditRow, AuditRow.action == "reach_target", AuditRow.entity_id == made.id) == 1


def decide(runtime: Runtime, shelf: Shelf, actor: Actor, campaign: int, changed: list[bool]) -> None:
    """A standing check of one product after the other."""
    now = utc_now()
    with runtime.sessions.write() as session:
        session.add_all(
            DecisionRow(
                idempotency_key=f"{campaign}-{i}",
                kind=DecisionKind.LABEL,
                campaign_id=campaign,
                product_id=shelf.products[i],
                person_id=actor.person_id,
                category_id=shelf.leaves[1] if is_changed else shelf.leaves[0],
                previous_category_id=shelf.leaves[0],
                created_at=now,
            )
            for i, is_changed in enumerate(changed)
        )
        session.add(
            DailyProgressRow(
                campaign_id=campaign, person_id=actor.person_id, day=now.date(), n_decisions=len(changed), n_gold=0
            )
        )


@pytest.mark.parametrize(("n", "n_changed", "closes"), [(20, 0, False), (40, 0, True), (41, 0, False), (40, 4, False)])
def test_it_ends_when_surely_few_labels_change(
    runtime: Runtime, actor: Actor, n: int, n_changed: int, closes: bool
) -> None:
    shelf = fill_shelf(runtime, 45)
    made = create_campaign(runtime, actor, "good", RANDOM, settings=CampaignSettings(target_error=0.1))
    decide(runtime, shelf, actor, made.id, [i < n_changed for i in range(n)])
    error = measure_errors(runtime, {made.id: 0.1})[made.id]
    assert (error.n, error.high) == (n, wilson_interval(n_changed, n)[1])
    with runtime.sessions.write() as session:
        assert close_if_reached(session, made.id, utc_now()) == closes
    assert (get_campaign(runtime, made.id).status == CampaignStatus.CLOSED) == closes


def test_a_check_is_the_first_standing_label_of_a_product_that_had_one(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 5)
    made = create_campaign(runtime, actor, "check", RANDOM, settings=CampaignSettings(overlap=2))
    mia = annotator(runtime, "Mia")

    def measured() -> tuple[float | None, int]:
        error = measure_errors(runtime, {made.id: None})[made.id]
        return error.value, error.n

    had_label = [label(runtime, actor, made.id, shelf.leaves[1]).previous_category_id for _ in range(5)].count(
        shelf.leaves[0]
    )
    assert measured() == (1.0, had_label)
    again = label(runtime, mia, made.id, shelf.leaves[1])  # a second opinion is no check of the imported label
    assert measured() == (1.0, had_label)
    undo_decision(runtime, mia, again.id, "u")
    assert measured() == (1.0, had_label)


def test_so_many_checks_that_a_target_could_be_shown_to_be_met() -> None:
    for target in (0.005, 0.01, 0.05, 0.3):
        assert wilson_interval(0, checks_needed(target) // 2)[1] < target
    assert checks_needed(None) == 300


def test_settings_that_cannot_be(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 5)
    plain = CampaignSettings()
    for settings in (
        replace(plain, gold_rate=0.9),
        replace(plain, target_error=0.0),
        replace(plain, target_decisions=0),
        replace(plain, max_per_category=0),
        replace(plain, overlap=11),
        replace(plain, member_ids=(10**6,)),
        replace(plain, strata=(Stratum(0),)),
    ):
        with pytest.raises(InvalidInput):
            create_campaign(runtime, actor, "a", RANDOM, settings=settings)
    with pytest.raises(InvalidInput):
        create_campaign(
            runtime, actor, "a", CampaignKind.HUMAN_BASELINE, ProductFilter(), settings=replace(plain, is_blind=False)
        )
    pair = Inputs(category_ids=(shelf.leaves[1], shelf.men))
    with pytest.raises((UnknownCategory, InvalidInput)):
        create_campaign(runtime, actor, "a", CampaignKind.AMBIGUOUS_PAIR, ProductFilter(), inputs=pair)
    with pytest.raises(InvalidInput, match="two categories"):
        create_campaign(runtime, actor, "a", CampaignKind.AMBIGUOUS_PAIR)
    create_campaign(runtime, actor, "a", RANDOM)
    with pytest.raises(Conflict):
        create_campaign(runtime, actor, "a", RANDOM)


def test_guidelines_change_while_people_work(runtime: Runtime, actor: Actor) -> None:
    fill_shelf(runtime, 5)
    made = create_campaign(runtime, actor, "guided", RANDOM)
    before = revision(runtime, "campaigns")
    changed = set_guidelines(runtime, actor, made.id, " Sets go\r\nby the first thing. ", None)
    assert revision(runtime, "campaigns") > before
    assert changed.guidelines == "Sets go\nby the first thing."
    assert list_choices(runtime)[0].guidelines == changed.guidelines
    with pytest.raises(StaleEdit):
        set_guidelines(runtime, actor, made.id, "Mine", None)
    with pytest.raises(InvalidInput):
        set_guidelines(runtime, actor, made.id, "x" * 20_001, changed.guidelines)
    with pytest.raises(Forbidden):
        set_guidelines(runtime, annotator(runtime, "Mia"), made.id, "Mine", changed.guidelines)
    with pytest.raises(NotFound):
        set_guidelines(runtime, actor, made.id + 1, "Mine", None)
    assert count(runtime, AuditRow, AuditRow.action == "set_guidelines") == 1
    assert set_guidelines(runtime, actor, made.id, "", changed.guidelines).guidelines is None


@pytest.mark.parametrize(
    ("settings", "is_one_by_one"),
    [
        (CampaignSettings(), False),
        (CampaignSettings(strata=(Stratum(1, share=0.5),)), False),
        (CampaignSettings(is_blind=True), True),
        (CampaignSettings(gold_rate=0.1), True),
        (CampaignSettings(overlap=2), True),
        (CampaignSettings(strata=(Stratum(2, share=0.5),)), True),
    ],
)
def test_what_is_decided_one_by_one(
    sqlite_runtime: Runtime, actor: Actor, settings: CampaignSettings, is_one_by_one: bool
) -> None:
    fill_shelf(sqlite_runtime, 5)
    create_campaign(sqlite_runtime, actor, "one", RANDOM, settings=settings)
    assert list_choices(sqlite_runtime)[0].is_one_by_one == is_one_by_one
