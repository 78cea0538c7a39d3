"""Votes, checks and answers of before a merge: who said what became one category said the same."""

import pytest

from core.analysis.error_rates import get_error_rates
from core.analysis.fair_sample import draw_fair_sample
from core.analysis.sampling import Part
from core.catalogue.products import ProductFilter, list_products
from core.catalogue.taxonomy_edits.acts import NewLeaf, merge_categories, split_category, undo_edit
from core.labeling.agreement import enqueue_agreement, find_agreement
from core.labeling.annotator_quality import list_quality
from core.labeling.disputes import list_disputes
from core.labeling.targets import measure_error
from core.labeling.unanimous import preview_unanimous
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import Role
from db.tables import AcceptedAlternativeRow, CampaignRow
from tests.core.analysis.gold_shelf import Case, make_shelf
from tests.core.labeling.crowd.votes_in import give_votes
from tests.core.labeling.shelf import add_campaign, change_row, fill_shelf
from tests.core.labeling.test_annotator_quality import answer_checks, gold_shelf
from tests.core.training.test_train import run_next
from tests.roles import ADMIN


@pytest.fixture
def reviewer(runtime: Runtime) -> Actor:
    return sign_in_local(runtime, "reviewer", Role.REVIEWER)


def test_two_votes_agree_from_the_merge_on_and_differ_again_when_it_is_undone(
    runtime: Runtime, actor: Actor, reviewer: Actor
) -> None:
    shelf = fill_shelf(runtime, 40)
    campaign = add_campaign(runtime, shelf, [], overlap=2)
    a, b, c = shelf.leaves[0], shelf.leaves[1], shelf.leaves[2]
    give_votes(runtime, campaign, {product: [("ann", a), ("ben", b)] for product in shelf.products})

    def state() -> tuple[int, int, int, float, int]:
        """(disputes, unanimous, products that people disagree on, agreement, disputes as measured)."""
        enqueue_agreement(runtime, reviewer, campaign)
        assert run_next(runtime).status == "succeeded"
        found = find_agreement(runtime, reviewer, campaign)
        assert found is not None
        disputes = list_disputes(runtime, reviewer, campaign, limit=100).disputes
        filtered = list_products(runtime, ADMIN, ProductFilter(people_disagree=True), limit=100)
        unanimous = preview_unanimous(runtime, reviewer, campaign)
        return len(disputes), len(unanimous), len(filtered.rows), found.whole.same.value, found.n_disputed

    assert state() == (40, 0, 40, 0.0, 40)
    merge = merge_categories(runtime, actor, a, b, reason="one thing")
    assert state() == (0, 40, 0, 1.0, 0)
    further = merge_categories(runtime, actor, b, c, reason="and another")
    assert state() == (0, 40, 0, 1.0, 0)
    undo_edit(runtime, actor, further.id)
    undo_edit(runtime, actor, merge.id)
    assert state() == (40, 0, 40, 0.0, 40)
    parts = [NewLeaf("긴바지", ("long",)), NewLeaf("반바지", is_default=True)]
    split_category(runtime, actor, a, parts, keep_as_parent=True, reason="two things")
    assert state() == (40, 0, 40, 0.0, 40)


def test_a_hidden_check_is_right_when_it_named_what_was_merged_since(
    runtime: Runtime, actor: Actor, reviewer: Actor
) -> None:
    shelf = gold_shelf(runtime, reviewer)
    answer_checks(runtime, shelf, "ann", [1] * 40)
    answer_checks(runtime, shelf, "ben", [2] * 40)
    with runtime.sessions.write() as session:  # of the products of gold leaf 0 leaf 3 is right as well
        for product in shelf.products:
            values = {"product_id": product, "category_id": shelf.leaves[3], "person_id": reviewer.person_id}
            session.add(AcceptedAlternativeRow(created_at=utc_now(), **values))

    def right() -> dict[str, float]:
        return {one.name: round(one.right.value, 2) for one in list_quality(runtime, reviewer)}

    assert right() == {"ann": 0.0, "ben": 0.0}
    merge_categories(runtime, actor, shelf.leaves[1], shelf.leaves[0], reason="one thing")
    assert right() == {"ann": 1.0, "ben": 0.0}
    merge_categories(runtime, actor, shelf.leaves[2], shelf.leaves[3], reason="what was accepted")
    assert right() == {"ann": 1.0, "ben": 1.0}


def test_a_label_that_was_changed_into_the_same_category_was_no_error(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 40)
    campaign = add_campaign(runtime, shelf, [])
    said = {product: [("ann", shelf.leaves[1])] for product in shelf.products}
    give_votes(runtime, campaign, said, previous_category_id=shelf.leaves[0])

    def error() -> tuple[float, int]:
        with runtime.sessions.read() as session:
            found = measure_error(session, campaign)
        return found.value, found.n

    assert error() == (1.0, 40)
    merge_categories(runtime, actor, shelf.leaves[0], shelf.leaves[1], reason="one thing")
    assert error() == (0.0, 40)


def test_error_rates_part_voted_products_by_what_votes_mean_today(runtime: Runtime, actor: Actor) -> None:
    shelf = make_shelf(runtime, actor)
    trousers, skirts, shirts = (shelf.leaf[name] for name in ("바지", "치마", "셔츠"))
    shelf.add([Case(trousers, [trousers, skirts], skirts) for _ in range(30)])
    others = shelf.add([Case(None, [trousers, skirts], skirts) for _ in range(30)])
    shelf.add([Case(shirts, [shirts, shirts], trousers) for _ in range(30)])

    def parts() -> tuple[dict[Part, tuple[int, int]], float, set[int]]:
        found = get_error_rates(runtime, ADMIN)
        assert found is not None
        drawn = set(draw_fair_sample(runtime, actor, found, limit=100).product_ids)
        people = found.overall()[0]
        return {one.part: (one.n_voted, one.n_settled) for one in found.sampling.parts}, people.value, drawn & {*others}

    before, error, drawn = parts()
    assert before == {Part.DISPUTED: (60, 30), Part.AGREED_MODEL_DIFFERS: (30, 30)}
    assert (error > 0.3, drawn) == (True, set())
    merge_categories(runtime, actor, skirts, trousers, reason="one thing")
    after, error, drawn = parts()
    assert after == {Part.AGREED: (60, 30), Part.AGREED_MODEL_DIFFERS: (30, 30)}
    assert (error, drawn) == (0.0, set(others))


def test_people_who_agree_on_nothing_are_measured_too(runtime: Runtime, reviewer: Actor) -> None:
    shelf = fill_shelf(runtime, 6, promoted=False)
    campaign = add_campaign(runtime, shelf, [], overlap=2)
    change_row(runtime, CampaignRow, campaign, model_version_id=None)
    a, b = shelf.leaves[:2]
    give_votes(runtime, campaign, {product: [("ann", a), ("ben", b)] for product in shelf.products})
    enqueue_agreement(runtime, reviewer, campaign)
    assert run_next(runtime).status == "succeeded"
    found = find_agreement(runtime, reviewer, campaign)
    assert found is not None
    assert (found.n_disputed, len(found.people)) == (6, 2)
