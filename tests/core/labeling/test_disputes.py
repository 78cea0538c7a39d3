"""Disputes: worst first, as they are now, and gone once they are settled."""

import pytest

from core.errors import Forbidden, InvalidInput
from core.labeling.agreement import enqueue_agreement
from core.labeling.disputes import find_most_disputed, list_campaigns, list_disputes
from core.labeling.review_card import get_review_card
from core.labeling.settling import set_aside, settle, undo_settlement
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import DecisionKind, Role
from db.tables import DecisionRow
from tests.core.labeling.crowd.votes_in import give_votes
from tests.core.labeling.shelf import Shelf, add_campaign, annotator, fill_shelf
from tests.core.training.test_train import run_next
from tests.roles import of_role


@pytest.fixture
def shelf(runtime: Runtime) -> Shelf:
    return fill_shelf(runtime, 10)


@pytest.fixture
def reviewer(runtime: Runtime) -> Actor:
    return sign_in_local(runtime, "reviewer", Role.REVIEWER)


@pytest.fixture
def campaign(runtime: Runtime, shelf: Shelf) -> int:
    """Product 0: siblings; 1: departments apart; 2: agreed; 3: one cannot tell; 4: 2 of 3 agree, the third far off;
    5: decided once; 6: nobody can tell."""
    campaign = add_campaign(runtime, shelf, [], overlap=3)
    a, b, c, _ = shelf.leaves
    said: list[list[int | None]] = [[a, b], [a, c], [b, b], [a, None], [a, a, c], [a], [None, None]]
    votes = {
        product: [(f"p{j}", category) for j, category in enumerate(given)]
        for product, given in zip(shelf.products, said, strict=False)
    }
    give_votes(runtime, campaign, votes)
    return campaign


def places(runtime: Runtime, actor: Actor, shelf: Shelf, campaign: int, category_id: int | None = None) -> list[int]:
    page = list_disputes(runtime, actor, campaign, category_id)
    return [shelf.products.index(one.product_id) for one in page.disputes]


def measure(runtime: Runtime, actor: Actor, campaign: int) -> None:
    enqueue_agreement(runtime, actor, campaign)
    assert run_next(runtime).status == "succeeded"


@pytest.mark.parametrize("is_measured", [False, True])
def test_the_worst_come_first(
    runtime: Runtime, shelf: Shelf, reviewer: Actor, campaign: int, is_measured: bool
) -> None:
    if is_measured:
        measure(runtime, reviewer, campaign)
    page = list_disputes(runtime, reviewer, campaign)
    assert [shelf.products.index(one.product_id) for one in page.disputes] == [1, 4, 0, 3]
    assert [one.apart for one in page.disputes] == pytest.approx([1, 2 / 3, 0.5, 0.5], abs=1e-4)
    assert page.disputes[1].category_ids == (shelf.leaves[0], shelf.leaves[2])
    assert page.titles[shelf.products[1]].startswith("상품 1")
    assert (page.is_measured, page.n_unseen, page.next_after) == (is_measured, 0, None)


@pytest.mark.parametrize("is_measured", [False, True])
def test_what_is_settled_is_gone_and_an_undo_brings_it_back(
    runtime: Runtime, shelf: Shelf, reviewer: Actor, campaign: int, is_measured: bool
) -> None:
    if is_measured:
        measure(runtime, reviewer, campaign)
    settled = settle(runtime, reviewer, shelf.products[1], shelf.leaves[0], "1", campaign_id=campaign)
    aside = set_aside(runtime, reviewer, shelf.products[3], DecisionKind.BAD_LISTING, "2", campaign_id=campaign)
    assert places(runtime, reviewer, shelf, campaign) == [4, 0]
    undo_settlement(runtime, reviewer, settled.id, "3")
    undo_settlement(runtime, reviewer, aside.id, "4")
    assert sorted(places(runtime, reviewer, shelf, campaign)) == [0, 1, 3, 4]


def test_what_is_decided_after_the_measurement_counts_at_once(
    runtime: Runtime, shelf: Shelf, reviewer: Actor, campaign: int
) -> None:
    measure(runtime, reviewer, campaign)
    give_votes(runtime, campaign, {shelf.products[7]: [("p0", shelf.leaves[0]), ("p1", shelf.leaves[3])]})
    with runtime.sessions.write() as session:  # the odd vote on product 4 is taken back
        odd = session.query(DecisionRow).filter_by(product_id=shelf.products[4], category_id=shelf.leaves[2]).one()
        undo = {"undoes_id": odd.id, "product_id": odd.product_id, "person_id": odd.person_id}
        session.add(
            DecisionRow(idempotency_key="u", kind=DecisionKind.UNDO, campaign_id=campaign, created_at=utc_now(), **undo)
        )
    assert sorted(places(runtime, reviewer, shelf, campaign)) == [0, 1, 3, 7]


def test_pages_follow_one_another_without_a_gap(runtime: Runtime, shelf: Shelf, reviewer: Actor, campaign: int) -> None:
    found, after = [], None
    for _ in range(3):
        page = list_disputes(runtime, reviewer, campaign, limit=1, after=after)
        found += [shelf.products.index(one.product_id) for one in page.disputes]
        after = page.next_after
    rest = list_disputes(runtime, reviewer, campaign, limit=5, after=after)
    assert found + [shelf.products.index(one.product_id) for one in rest.disputes] == [1, 4, 0, 3]
    assert rest.next_after is None
    with pytest.raises(InvalidInput):
        list_disputes(runtime, reviewer, campaign, after="elsewhere")


def test_a_subtree_shows_where_somebody_said_it(runtime: Runtime, shelf: Shelf, reviewer: Actor, campaign: int) -> None:
    assert places(runtime, reviewer, shelf, campaign, shelf.leaves[1]) == [0]
    assert places(runtime, reviewer, shelf, campaign, shelf.leaves[2]) == [1, 4]
    assert sorted(places(runtime, reviewer, shelf, campaign, shelf.men)) == [0, 1, 3, 4]


def test_campaigns_with_several_votes_are_offered(
    runtime: Runtime, shelf: Shelf, reviewer: Actor, campaign: int
) -> None:
    add_campaign(runtime, shelf, name="alone")
    assert list_campaigns(runtime, reviewer) == [(campaign, "check")]


def test_annotators_see_no_votes_of_others(runtime: Runtime, campaign: int) -> None:
    anna = annotator(runtime, "anna")
    with pytest.raises(Forbidden):
        list_disputes(runtime, anna, campaign)
    with pytest.raises(Forbidden):
        list_campaigns(runtime, anna)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.OPERATOR, Role.ADMIN])
def test_reviewers_and_admins_read_who_voted_what(runtime: Runtime, shelf: Shelf, campaign: int, role: Role) -> None:
    card = get_review_card(runtime, of_role(role), campaign, shelf.products[0])
    names = ["", ""] if role == Role.OPERATOR else ["p0", "p1"]
    assert sorted(vote.person for vote in card.votes) == names
    assert [n for _, n in card.said] == [1, 1]


def test_everybody_knows_their_own_vote(runtime: Runtime, shelf: Shelf, campaign: int) -> None:
    operator = sign_in_local(runtime, "p0", Role.OPERATOR)
    card = get_review_card(runtime, Actor(operator.person_id, "p0", Role.OPERATOR), campaign, shelf.products[0])
    assert sorted(vote.person for vote in card.votes) == ["", "p0"]


def test_the_campaign_with_most_to_settle_is_found(
    runtime: Runtime, shelf: Shelf, reviewer: Actor, campaign: int
) -> None:
    quiet = add_campaign(runtime, shelf, [], overlap=2, name="newer, nothing to settle")
    newest_first = [id_ for id_, _name in list_campaigns(runtime, reviewer)]
    assert newest_first == [quiet, campaign]
    assert find_most_disputed(runtime, reviewer, newest_first) == campaign
    assert find_most_disputed(runtime, reviewer, [quiet]) == quiet
    assert find_most_disputed(runtime, reviewer, []) is None
    with pytest.raises(Forbidden):
        find_most_disputed(runtime, annotator(runtime, "p0"), [quiet])
