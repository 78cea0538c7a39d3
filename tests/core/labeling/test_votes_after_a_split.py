"""Votes, checks and answers of before a split: the part that the label went to is meant, and where there is none
nobody is judged."""

import pytest
import sqlalchemy as sa

from core.analysis.error_rates import get_error_rates
from core.catalogue.products import ProductFilter, list_products
from core.catalogue.taxonomy import load_categories
from core.catalogue.taxonomy_edits.acts import NewLeaf, merge_categories, split_category, undo_edit
from core.labeling.agreement_job import measure
from core.labeling.annotator_quality import Standing, list_quality
from core.labeling.disputes import list_disputes
from core.labeling.settling import settle
from core.labeling.unanimous import preview_unanimous, settle_unanimous
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import LabelSource, Role
from db.tables import DecisionRow, LabelRow, ProductRow
from tests.core.analysis.gold_shelf import Case, make_shelf
from tests.core.labeling.crowd.votes_in import give_votes
from tests.core.labeling.shelf import add_campaign, fill_shelf, product_label
from tests.core.labeling.test_annotator_quality import answer_checks

PARTS = [NewLeaf("rest", (), is_default=True), NewLeaf("jeans", ("jeans",))]


@pytest.fixture
def reviewer(runtime: Runtime) -> Actor:
    return sign_in_local(runtime, "reviewer", Role.REVIEWER)


def title_all(runtime: Runtime, title: str) -> None:
    with runtime.sessions.write() as session:
        session.execute(sa.update(ProductRow).values(title=title))


def label_votes(runtime: Runtime) -> None:
    """The labels that the votes have left, as the card would have written them."""
    with runtime.sessions.write() as session:
        has_label = sa.exists().where(LabelRow.decision_id == DecisionRow.id)
        query = sa.select(DecisionRow).where(DecisionRow.category_id.is_not(None), ~has_label)
        for one in session.scalars(query.order_by(DecisionRow.id)).all():
            said = {"product_id": one.product_id, "category_id": one.category_id, "person_id": one.person_id}
            session.add(LabelRow(**said, source=LabelSource.HUMAN, decision_id=one.id, created_at=utc_now()))


@pytest.mark.parametrize("keep_as_parent", [False, True])
def test_votes_mean_the_part_that_their_label_went_to(
    runtime: Runtime, actor: Actor, reviewer: Actor, keep_as_parent: bool
) -> None:
    shelf = fill_shelf(runtime, 40)
    campaign = add_campaign(runtime, shelf, [], overlap=2)
    first, a = shelf.leaves[0], shelf.leaves[1]
    give_votes(runtime, campaign, {product: [("x", first), ("y", a)] for product in shelf.products})
    title_all(runtime, "blue jeans")
    label_votes(runtime)
    merge_categories(runtime, actor, first, a, reason="one thing")
    split = split_category(runtime, actor, a, PARTS, keep_as_parent, reason="two things")
    meant = {one.category_id for one in preview_unanimous(runtime, reviewer, campaign)}
    tree = load_categories(runtime)
    assert [tree[id_].name for id_ in meant] == ["jeans"]
    assert not list_disputes(runtime, reviewer, campaign).disputes
    assert not list_products(runtime, actor, ProductFilter(people_disagree=True)).rows
    measured, _, _ = measure(runtime, campaign, lambda *_: None)
    assert (measured["whole"]["same"]["value"], measured["categories"][0]["category_id"]) == (1.0, *meant)
    assert settle_unanimous(runtime, reviewer, campaign, "lot") == 40
    assert {product_label(runtime, product)[0] for product in shelf.products} == meant
    undo_edit(runtime, actor, split.id, "back")
    assert {product_label(runtime, product)[0] for product in shelf.products} == {a}


def test_what_left_no_label_makes_no_gold(runtime: Runtime, actor: Actor, reviewer: Actor) -> None:
    shelf = fill_shelf(runtime, 8)
    campaign = add_campaign(runtime, shelf, [], overlap=2)
    a = shelf.leaves[0]
    give_votes(runtime, campaign, {product: [("x", a), ("y", a)] for product in shelf.products})
    split = split_category(runtime, actor, a, PARTS, reason="two things")
    assert not preview_unanimous(runtime, reviewer, campaign)
    undo_edit(runtime, actor, split.id, "back")
    assert len(preview_unanimous(runtime, reviewer, campaign)) == 8


@pytest.mark.parametrize(("has_labels", "n_judged"), [(True, 40), (False, 0)])
def test_hidden_checks_are_right_after_a_split_or_not_judged(
    runtime: Runtime, actor: Actor, reviewer: Actor, has_labels: bool, n_judged: int
) -> None:
    shelf = fill_shelf(runtime, 40)
    title_all(runtime, "blue jeans")
    for product in shelf.products:
        settle(runtime, reviewer, product, shelf.leaves[0], f"gold-{product}")
    answer_checks(runtime, shelf, "ann", [0] * 40)
    if has_labels:
        label_votes(runtime)
    split_category(runtime, actor, shelf.leaves[0], PARTS, reason="two things")
    (ann,) = list_quality(runtime, reviewer)
    assert (ann.right.n, ann.right.value) == (n_judged, 1.0 if n_judged else None)
    assert ann.standing == (Standing.GOOD if n_judged else Standing.TOO_FEW)


@pytest.mark.parametrize("has_labels", [True, False])
def test_nobody_errs_by_a_split(runtime: Runtime, actor: Actor, has_labels: bool) -> None:
    shelf = make_shelf(runtime, actor)
    a = shelf.leaf["바지"]
    products = shelf.add([Case(None, [a, a, a], shelf.leaf["셔츠"]) for _ in range(40)])
    title_all(runtime, "blue jeans")
    if has_labels:
        label_votes(runtime)
    with runtime.sessions.write() as session:
        chosen = ProductRow.id.in_(products)
        session.execute(sa.update(ProductRow).where(chosen).values(category_id=a, label_source=LabelSource.HUMAN))
        if not has_labels:
            session.add_all(
                LabelRow(product_id=id_, category_id=a, source=LabelSource.IMPORT, created_at=utc_now())
                for id_ in products
            )
    split_category(runtime, actor, a, PARTS, reason="two things")
    jeans = product_label(runtime, products[0])[0]
    assert jeans is not None
    for product in products:
        settle(runtime, shelf.reviewer, product, jeans, f"gold-{product}")
    found = get_error_rates(runtime, actor)
    assert found is not None
    people, _, _ = found.overall()
    assert (people.value, people.n) == ((0.0, 40) if has_labels else (None, 0))
    assert found.left_out.get("undecided", 0) == (0 if has_labels else 40)


def test_a_model_is_not_judged_by_what_was_split(runtime: Runtime, actor: Actor) -> None:
    shelf = make_shelf(runtime, actor)
    trousers, skirts, shirts = (shelf.leaf[name] for name in ("바지", "치마", "셔츠"))
    shelf.add([Case(skirts, [skirts], trousers) for _ in range(40)])
    shelf.add([Case(skirts, [skirts], shirts) for _ in range(40)])
    merge_categories(runtime, actor, shirts, trousers, reason="one thing, so that both were split")
    split_category(runtime, actor, trousers, PARTS, reason="two things")
    found = get_error_rates(runtime, actor)
    assert found is not None
    assert found.left_out == {"not_answered": 80}
