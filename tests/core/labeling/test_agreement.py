"""A campaign measured: what is known of a simulated crowd comes back, with its age, to those who may see it."""

import pytest

from core.errors import Forbidden, NotFound
from core.labeling.agreement import enqueue_agreement, find_agreement, list_agreement_of_people
from core.labeling.disputes import list_disputes
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor
from db.enums import Role
from tests.core.labeling.crowd.known_people import simulate
from tests.core.labeling.crowd.votes_in import give_votes
from tests.core.labeling.shelf import Shelf, add_campaign, annotator, fill_shelf
from tests.core.training.test_train import run_next

ACCURACIES = [0.95, 0.85, 0.6]


@pytest.fixture
def reviewer(runtime: Runtime) -> Actor:
    return sign_in_local(runtime, "reviewer", Role.REVIEWER)


def crowd_votes(shelf: Shelf, seed: int = 1) -> dict[int, list[tuple[str, int | None]]]:
    """Everybody votes on every product; the four leaves are as frequent as each other."""
    _, votes = simulate(ACCURACIES, len(shelf.products), 4, 3, seed)
    said: dict[int, list[tuple[str, int | None]]] = {product: [] for product in shelf.products}
    for product, person, category in votes:
        said[shelf.products[product]].append((f"p{person - 100}", shelf.leaves[category - 1000]))
    return {product: sorted(votes) for product, votes in said.items()}


def measured(runtime: Runtime, reviewer: Actor, campaign: int):  # type: ignore[no-untyped-def]
    enqueue_agreement(runtime, reviewer, campaign)
    assert run_next(runtime).status == "succeeded"
    return find_agreement(runtime, reviewer, campaign)


def test_a_campaign_of_known_people_is_measured(runtime: Runtime, reviewer: Actor) -> None:
    shelf = fill_shelf(runtime, 300)
    campaign = add_campaign(runtime, shelf, [])
    assert find_agreement(runtime, reviewer, campaign) is None
    said = crowd_votes(shelf)
    said[shelf.products[0]][0] = ("p0", None)
    give_votes(runtime, campaign, said)
    found = measured(runtime, reviewer, campaign)
    assert (found.n_products, found.n_votes, found.n_people) == (300, 899, 3)
    assert (found.n_untold, found.n_untold_products, found.n_newer) == (1, 1, 0)
    by_name = {person.name: person for person in found.people}
    for name, accuracy in zip(["p0", "p1", "p2"], ACCURACIES, strict=True):
        assert by_name[name].accuracy.low <= accuracy <= by_name[name].accuracy.high
    assert by_name["p0"].quality > by_name["p1"].quality > by_name["p2"].quality
    expected = 0.95 * 0.85 + 0.05 * 0.15 / 3
    pair = next(one for one in found.pairs if {found.names[id_] for id_ in one.person_ids} == {"p0", "p1"})
    assert pair.same.low <= expected <= pair.same.high
    assert pair.same.n == 299
    assert {one.category_id for one in found.categories} == set(shelf.leaves)
    assert len(found.departments) == 2
    assert found.departments[0].same.value > found.whole.same.value  # departments are easier than leaves
    assert found.whole.closeness.value > found.whole.same.value
    assert found.model_version_id == shelf.version


def test_newer_decisions_are_counted_and_do_not_change_it(runtime: Runtime, reviewer: Actor) -> None:
    shelf = fill_shelf(runtime, 40)
    campaign, other = (add_campaign(runtime, shelf, [], name=name) for name in ("one", "other"))
    give_votes(
        runtime,
        campaign,
        {product: [("a", shelf.leaves[0]), ("b", shelf.leaves[0])] for product in shelf.products[:35]},
    )
    first = measured(runtime, reviewer, campaign)
    give_votes(
        runtime,
        campaign,
        {product: [("a", shelf.leaves[0]), ("b", shelf.leaves[1])] for product in shelf.products[35:]},
    )
    give_votes(runtime, other, {product: [("a", shelf.leaves[0])] for product in shelf.products})
    again = find_agreement(runtime, reviewer, campaign)
    assert (again.n_newer, again.whole, again.measured_at) == (10, first.whole, first.measured_at)
    assert measured(runtime, reviewer, campaign).whole.same.value == pytest.approx(35 / 40)


def test_copies_checks_and_lone_votes_are_no_agreement(runtime: Runtime, reviewer: Actor) -> None:
    shelf = fill_shelf(runtime, 9)
    campaign = add_campaign(runtime, shelf, [])
    two = [("a", shelf.leaves[0]), ("b", shelf.leaves[0])]
    give_votes(runtime, campaign, dict.fromkeys(shelf.products[:2], two), is_gold_check=True)
    give_votes(runtime, campaign, dict.fromkeys(shelf.products[2:4], two), copied_from_id=1)
    give_votes(runtime, campaign, dict.fromkeys(shelf.products[4:6], two[:1]))
    found = measured(runtime, reviewer, campaign)
    assert (found.n_products, found.whole.same.n, found.pairs, found.people) == (0, 0, (), ())
    give_votes(runtime, campaign, dict.fromkeys(shelf.products[6:], two))
    assert measured(runtime, reviewer, campaign).n_products == 3


def test_scores_of_people_are_for_those_who_may_see_people(runtime: Runtime, reviewer: Actor) -> None:
    shelf = fill_shelf(runtime, 40)
    campaign = add_campaign(runtime, shelf, [])
    give_votes(runtime, campaign, crowd_votes(shelf))
    assert measured(runtime, reviewer, campaign).people
    seen = find_agreement(runtime, sign_in_local(runtime, "operator", Role.OPERATOR), campaign)
    assert seen is not None
    assert (seen.people, seen.pairs, seen.names) == ((), (), {})
    with pytest.raises(Forbidden):
        find_agreement(runtime, annotator(runtime, "anna"), campaign)
    with pytest.raises(Forbidden):
        enqueue_agreement(runtime, annotator(runtime, "anna"), campaign)
    with pytest.raises(NotFound):
        enqueue_agreement(runtime, reviewer, 10**9)


def test_people_agree_over_the_newest_measurement_of_each_campaign(runtime: Runtime, reviewer: Actor) -> None:
    shelf = fill_shelf(runtime, 60)
    a, b = shelf.leaves[:2]
    one, other = (add_campaign(runtime, shelf, [], name=name) for name in ("one", "other"))
    give_votes(runtime, one, {product: [("x", a), ("y", a)] for product in shelf.products[:20]})
    give_votes(runtime, other, {product: [("x", a), ("z", b)] for product in shelf.products[20:]})
    assert list_agreement_of_people(runtime, reviewer) == {}
    for campaign in (one, one, other):
        measured(runtime, reviewer, campaign)
    found = list_agreement_of_people(runtime, reviewer)
    by_name = {name: found[annotator(runtime, name).person_id] for name in "xyz"}
    assert {name: (same.n, round(same.value or 0, 3)) for name, same in by_name.items()} == {
        "x": (60, 0.333),
        "y": (20, 1.0),
        "z": (40, 0.0),
    }
    assert by_name["x"].low < 1 / 3 < by_name["x"].high
    with pytest.raises(Forbidden):
        list_agreement_of_people(runtime, annotator(runtime, "x"))


def test_the_consensus_is_kept_with_what_people_disagree_on(runtime: Runtime, reviewer: Actor) -> None:
    shelf = fill_shelf(runtime, 40)
    campaign = add_campaign(runtime, shelf, [])
    a, b = shelf.leaves[:2]
    said: dict[int, list[tuple[str, int | None]]] = {
        product: [("x", a), ("y", a), ("z", b if place < 5 else a)] for place, product in enumerate(shelf.products)
    }
    give_votes(runtime, campaign, said)
    assert {one.consensus_id for one in list_disputes(runtime, reviewer, campaign).disputes} == {None}
    measured(runtime, reviewer, campaign)
    found = list_disputes(runtime, reviewer, campaign).disputes
    assert [(one.consensus_id, one.doubt < 0.5) for one in found] == [(a, True)] * 5
