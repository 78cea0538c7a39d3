"""The Review page: settling one after another, undo, setting aside, agreement, annotators, gold, and who may."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.labeling.agreement import enqueue_agreement
from core.labeling.settling import count_gold
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor
from db.enums import LabelSource, Role
from pages.components.words import LANGUAGE_KEY
from tests.core.labeling.crowd.votes_in import give_votes
from tests.core.labeling.shelf import Shelf, add_campaign, fill_shelf, product_label
from tests.core.labeling.test_annotator_quality import answer_checks
from tests.core.training.test_train import run_next

OpenPage = Callable[[str], AppTest]


@pytest.fixture
def shelf(sqlite_runtime: Runtime) -> Shelf:
    return fill_shelf(sqlite_runtime, 40)


@pytest.fixture
def campaign(sqlite_runtime: Runtime, shelf: Shelf) -> int:
    """Product 0: departments apart; 1: siblings; on the others two people agree."""
    campaign = add_campaign(sqlite_runtime, shelf, [], overlap=2)
    a, b, c, _ = shelf.leaves
    votes: dict[int, list[tuple[str, int | None]]] = {product: [("anna", a), ("ben", a)] for product in shelf.products}
    votes[shelf.products[0]] = [("anna", a), ("*ben*", c)]
    votes[shelf.products[1]] = [("anna", a), ("ben", b)]
    give_votes(sqlite_runtime, campaign, votes, note="because <b>")
    return campaign


def words(page: AppTest) -> str:
    parts = [*page.text, *page.caption, *page.markdown, *page.info, *page.warning, *page.success]
    return "\n".join(part.value for part in parts)


def review(open_page: OpenPage, view: str = "settle", actor: Actor | None = None, language: str = "en") -> AppTest:
    page = open_page("pages/review.py")
    if actor:
        page.session_state["app.actor"] = actor
    page.session_state[LANGUAGE_KEY] = language
    page.query_params["view"] = view
    page.run()
    assert not page.exception, page.exception
    return page


def press(page: AppTest, begin: str) -> AppTest:
    """The first button whose key begins so."""
    next(button for button in page.button if (button.key or "").startswith(begin)).click()
    page.run()
    assert not page.exception, page.exception
    return page


def title(page: AppTest) -> str:
    return page.text[0].value


def test_disagreements_are_settled_one_after_another(
    open_page: OpenPage, sqlite_runtime: Runtime, shelf: Shelf, campaign: int
) -> None:
    page = review(open_page)
    assert title(page).startswith("상품 0 ")
    said = words(page)
    assert "because \\<b\\>" in said
    assert "\\*ben\\*" in said
    page.text_input[0].set_value("the picture shows it")
    press(page, f"review.take.{shelf.leaves[2]}.")
    assert product_label(sqlite_runtime, shelf.products[0]) == (shelf.leaves[2], LabelSource.GOLD)
    assert title(page).startswith("상품 1 ")
    press(page, "review.bad.")
    assert "Nothing is left to settle" in words(page)
    press(page, "review.undo.")
    assert title(page).startswith("상품 1 ")
    press(page, "review.undo.")
    assert title(page).startswith("상품 0 ")
    assert count_gold(sqlite_runtime) == 0
    press(page, f"review.take.{shelf.leaves[0]}.")  # the same product again: a key of its own
    assert product_label(sqlite_runtime, shelf.products[0]) == (shelf.leaves[0], LabelSource.GOLD)


def test_the_card_shows_the_measured_consensus(
    open_page: OpenPage, sqlite_runtime: Runtime, actor: Actor, shelf: Shelf, campaign: int
) -> None:
    assert "All votes weighed" not in words(review(open_page))
    enqueue_agreement(sqlite_runtime, actor, campaign)
    assert run_next(sqlite_runtime).status == "succeeded"
    assert "All votes weighed, with the model's answer (CROWDLAB): " in words(review(open_page))


def test_later_goes_on_and_comes_back(open_page: OpenPage, shelf: Shelf, campaign: int) -> None:
    page = press(review(open_page), "review.later.")
    assert title(page).startswith("상품 1 ")
    press(page, "review.later.")
    assert "You have been through" in words(page)
    assert title(press(page, "review.restart")).startswith("상품 0 ")


def test_a_subtree_narrows_it(open_page: OpenPage, shelf: Shelf, campaign: int) -> None:
    page = open_page("pages/review.py")
    page.query_params["category"] = str(shelf.leaves[1])
    page.run()
    assert title(page).startswith("상품 1 ")
    assert title(press(page, "review.filter_off")).startswith("상품 0 ")


def test_what_all_agree_on_becomes_gold_and_goes_back(
    open_page: OpenPage, sqlite_runtime: Runtime, shelf: Shelf, campaign: int
) -> None:
    page = review(open_page)
    page.toggle[0].set_value(True).run()
    assert "**38** products would become gold." in words(page)
    press(page, "review.settle_all.")
    assert count_gold(sqlite_runtime) == 38
    press(page, "review.undo_lot.")
    assert count_gold(sqlite_runtime) == 0


@pytest.mark.parametrize(("language", "alpha"), [("en", "Krippendorff"), ("ko", "크리펜도르프")])
def test_agreement_is_shown_with_its_age(
    open_page: OpenPage, sqlite_runtime: Runtime, shelf: Shelf, campaign: int, actor: Actor, language: str, alpha: str
) -> None:
    page = review(open_page, "agreement", language=language)
    press(page, "review.measure")
    enqueue_agreement(sqlite_runtime, actor, campaign)  # the page's job waits: the same one
    assert run_next(sqlite_runtime).status == "succeeded"
    page = review(open_page, "agreement", language=language)
    said = words(page).replace("\\", "")
    assert alpha in said
    assert "95.0 %" in said
    assert "n = 40" in said
    people = page.dataframe[1].value
    assert set(people.iloc[:, 0]) == {"anna", "ben", "*ben*"}
    assert "n = 1" in people.iloc[list(people.iloc[:, 0]).index("*ben*"), 1]  # too few: no share is said


def test_annotators_are_judged_by_gold(open_page: OpenPage, sqlite_runtime: Runtime, shelf: Shelf) -> None:
    from core.labeling.settling import settle

    reviewer = sign_in_local(sqlite_runtime, "reviewer", Role.REVIEWER)
    assert "hidden gold check" in words(review(open_page, "people", reviewer))
    settle(sqlite_runtime, reviewer, shelf.products[0], shelf.leaves[0], "k")
    one = Shelf(shelf.leaves, shelf.men, shelf.products[:1], shelf.version)
    answer_checks(sqlite_runtime, one, "weak", [1] * 20 + [0] * 20)
    page = review(open_page, "people", reviewer)
    assert "weak" in page.warning[0].value
    assert page.dataframe[0].value.iloc[0, 1] == "✕ below"


def test_gold_is_listed_and_taken_back(
    open_page: OpenPage, sqlite_runtime: Runtime, shelf: Shelf, campaign: int
) -> None:
    assert "Nothing is gold yet" in words(review(open_page, "gold"))
    press(review(open_page), "review.take.")
    page = review(open_page, "gold")
    assert "1 gold products" in words(page)
    press(page, "review.take_back.")
    assert "Nothing is gold yet" in words(page)


def test_without_overlap_it_says_what_to_do(open_page: OpenPage, shelf: Shelf) -> None:
    assert "overlap of 2 or more" in words(review(open_page))


def test_before_two_people_decided_nothing_is_called_settled(
    open_page: OpenPage, sqlite_runtime: Runtime, shelf: Shelf
) -> None:
    once = [("anna", shelf.leaves[0])]
    one = add_campaign(sqlite_runtime, shelf, [], overlap=2)
    give_votes(sqlite_runtime, one, {product: [*once] for product in shelf.products[:2]})
    assert "no product of this campaign was decided by two people" in words(review(open_page))
    give_votes(sqlite_runtime, one, {shelf.products[2]: [*once, ("ben", shelf.leaves[0])]})
    assert "they agree or it is settled" in words(review(open_page))


def test_who_may(open_page: OpenPage, sqlite_runtime: Runtime, shelf: Shelf, campaign: int) -> None:
    anna = sign_in_local(sqlite_runtime, "curious", Role.ANNOTATOR)
    page = review(open_page, actor=anna)
    assert "Only reviewers" in words(page)
    assert not page.button
    operator = sign_in_local(sqlite_runtime, "operator", Role.OPERATOR)
    page = review(open_page, "people", operator)  # settles, and sees no scores
    assert title(page).startswith("상품 0 ")
