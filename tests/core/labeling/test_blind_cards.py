"""Blind campaigns: no way to a card shows a suggestion, a label or what follows from one; A-or-B and new-leaf cards."""

import pytest

from core.labeling.card import get_card
from core.labeling.decisions import list_my_decisions, record_decision
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import CampaignKind, DecisionKind, LabelSource, NoiseMethod, NoiseVerdict
from db.tables import CategoryExampleRow, DecisionRow, LabelIssueRow
from tests.core.labeling.gold import group, set_campaign
from tests.core.labeling.shelf import add_campaign, count, fill_shelf, product_label
from tests.core.labeling.test_queue import claim

LABEL = DecisionKind.LABEL


def test_a_blind_card_knows_nothing_that_could_sway(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 4)
    group(runtime, shelf.products[:3])
    campaign = add_campaign(runtime, shelf)
    with runtime.sessions.write() as session:
        session.add(
            LabelIssueRow(
                product_id=shelf.products[0],
                method=NoiseMethod.CONFIDENT_LEARNING,
                verdict=NoiseVerdict.ISSUE,
                given_category_id=shelf.leaves[0],
                suggested_category_id=shelf.leaves[1],
                label_quality_score=0.1,
                created_at=utc_now(),
            )
        )
    task = claim(runtime, actor, campaign)
    seeing = get_card(runtime, task)
    assert seeing.issue is not None
    assert len(seeing.neighbours) == 2
    set_campaign(runtime, campaign, choices=shelf.leaves[2:4])
    assert get_card(runtime, task).issue is None  # 'perhaps a third one' is no answer to 'which of the two'
    set_campaign(runtime, campaign, choices=None, is_blind=True)
    card = get_card(runtime, task)
    assert card.is_blind
    assert (card.suggestions, card.neighbours, card.issue, card.margin) == ((), (), None, None)
    assert (card.model_version_id, card.model_version_name, card.back_off_category_id) == (None, None, None)
    assert not card.is_hard_to_predict
    assert not card.is_about_issue
    assert (card.product.category_id, card.product.label_source, card.product.labeled_at) == (None, None, None)
    assert card.product.title == seeing.product.title


def test_a_blind_decision_says_so_and_tells_no_label_of_before(runtime: Runtime, actor: Actor) -> None:
    shelf = fill_shelf(runtime, 2)
    campaign = add_campaign(runtime, shelf)
    set_campaign(runtime, campaign, is_blind=True)
    task = claim(runtime, actor, campaign)
    said = {"suggestion_rank": 1, "model_version_id": shelf.version}
    made = record_decision(runtime, actor, task.id, LABEL, shelf.leaves[2], "k1", **said)
    again = record_decision(runtime, actor, task.id, LABEL, shelf.leaves[2], "k1")
    listed = list_my_decisions(runtime, actor, campaign)[0].decision
    for seen in (made, again, listed):
        assert seen.is_blind
        assert (seen.model_version_id, seen.suggestion_rank, seen.previous_category_id) == (None, None, None)
    # kept all the same: a campaign's measured error is read from it
    assert count(runtime, DecisionRow, DecisionRow.previous_category_id == shelf.leaves[0]) == 1
    assert product_label(runtime, task.product_id) == (shelf.leaves[2], LabelSource.HUMAN)


@pytest.mark.parametrize("is_blind", [True, False])
def test_a_card_shows_the_categories_it_asks_about(runtime: Runtime, actor: Actor, is_blind: bool) -> None:
    shelf = fill_shelf(runtime, 8)
    campaign = add_campaign(runtime, shelf)
    asked = [shelf.leaves[2], shelf.leaves[1]]
    set_campaign(runtime, campaign, kind=CampaignKind.AMBIGUOUS_PAIR, choices=asked, is_blind=is_blind)
    with runtime.sessions.write() as session:
        session.add_all(
            CategoryExampleRow(
                category_id=asked[0],
                product_id=product,
                is_counterexample=product == shelf.products[1],
                note="long" if product == shelf.products[2] else None,
                person_id=actor.person_id,
                created_at=utc_now(),
            )
            for product in shelf.products[:7]
        )
    card = get_card(runtime, claim(runtime, actor, campaign))
    assert [choice.category_id for choice in card.choices] == asked
    assert card.kind == CampaignKind.AMBIGUOUS_PAIR
    examples = card.choices[0].examples
    assert [one.product_id for one in examples] == shelf.products[2:6]  # never the product itself; four; examples first
    assert (examples[0].note, examples[0].is_counterexample) == ("long", False)
    assert card.choices[1].examples == ()
    assert bool(card.suggestions) == (not is_blind)
