"""Lots: similar products found, taken and decided in one go, what others took left out, one undo for all."""

import pytest

from core.errors import Forbidden, InvalidInput, NotFound, NotReady, UnknownCategory
from core.labeling import bulk
from core.labeling.bulk import (
    LotAnswer,
    decide_lot,
    get_window,
    list_alike,
    list_groups,
    list_suggested,
    reject_lot,
)
from core.labeling.decisions import list_my_decisions, record_decision, undo_decision
from core.labeling.last_lot import find_last_lot, undo_last_lot
from core.labeling.lots import LeftOutBecause
from core.labeling.members import set_members
from core.labeling.progress import get_progress
from core.labeling.queue import claim_task
from core.labeling.undoing import undo_lot
from core.runtime import Runtime
from core.types import Actor
from db.enums import CampaignStatus, DecisionKind, LabelSource, TaskStatus
from db.tables import DecisionRow, ProductRow, TaskRow
from tests.core.labeling.gold import make_gold, set_campaign
from tests.core.labeling.shelf import Shelf, add_campaign, annotator, change_row, count, fill_shelf, product_label
from tests.core.labeling.test_queue import claim, run_together

LABEL = DecisionKind.LABEL


@pytest.fixture
def shelf(runtime: Runtime) -> Shelf:
    return fill_shelf(runtime, 12)


def accept(products: list[int], category: int) -> list[LotAnswer]:
    return [LotAnswer(product, LABEL, category) for product in products]


def test_products_are_grouped_by_what_the_model_suggests(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    campaign = add_campaign(runtime, shelf, shelf.products[:11])
    assert [(group.category_id, group.n) for group in list_groups(get_window(runtime, actor, campaign))] == [
        (shelf.leaves[0], 6),
        (shelf.leaves[1], 5),
    ]
    found = list_suggested(get_window(runtime, actor, campaign), shelf.leaves[1])
    assert [one.product_id for one in found] == shelf.products[9:0:-2]  # the surest first
    assert found[0].category_id is None  # every fifth has no label
    assert found[0].suggestions[0][1] == pytest.approx(0.3 + 0.6 * 9 / 12)
    assert len(list_suggested(get_window(runtime, actor, campaign), shelf.leaves[1], limit=2)) == 2
    assert list_suggested(get_window(runtime, actor, campaign), shelf.leaves[3]) == []


def test_what_a_page_looks_at_is_bounded(
    runtime: Runtime, actor: Actor, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where most that comes next is left out."""
    first = add_campaign(runtime, shelf, shelf.products[:3], name="first")
    decide_lot(runtime, actor, first, accept(shelf.products[:3], shelf.leaves[0]), "lot")
    campaign = add_campaign(runtime, shelf)
    monkeypatch.setattr(bulk, "SCANNED", 5)
    assert [one.product_id for one in get_window(runtime, actor, campaign)] == shelf.products[3:5]


def test_products_that_read_alike_are_found(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    for place, title in enumerate(
        ["운동화 나이키 270", "나이키 운동화 280 검정", "green tea 20 bags", "Green Tea 50 bags"]
    ):
        change_row(runtime, ProductRow, shelf.products[place], title=title)
    campaign = add_campaign(runtime, shelf)
    near = list_alike(get_window(runtime, actor, campaign), shelf.products[1])
    assert [one.product_id for one in near[:2]] == [shelf.products[1], shelf.products[0]]
    near = list_alike(get_window(runtime, actor, campaign), shelf.products[2])
    assert [one.product_id for one in near] == [shelf.products[2], shelf.products[3]]
    claim(runtime, actor, campaign)
    with pytest.raises(NotFound):
        list_alike(get_window(runtime, actor, campaign), shelf.products[0])


def test_a_lot_is_one_decision_each_and_one_undo(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    campaign = add_campaign(runtime, shelf)
    answers = accept(shelf.products[:3], shelf.leaves[0])
    answers += [
        LotAnswer(shelf.products[3], DecisionKind.CANNOT_TELL),
        LotAnswer(shelf.products[5], LABEL, shelf.leaves[2]),
    ]
    made = decide_lot(runtime, actor, campaign, answers, "lot-1", seconds_spent=10.0)
    assert made.left_out == ()
    assert [(one.product_id, one.kind, one.category_id, one.suggestion_rank) for one in made.decisions] == [
        (shelf.products[0], LABEL, shelf.leaves[0], 1),
        (shelf.products[1], LABEL, shelf.leaves[0], None),
        (shelf.products[2], LABEL, shelf.leaves[0], 1),
        (shelf.products[3], DecisionKind.CANNOT_TELL, None, None),
        (shelf.products[5], LABEL, shelf.leaves[2], None),
    ]
    assert {(one.batch_key, one.seconds_spent, one.model_version_id) for one in made.decisions} == {
        ("lot-1", 2.0, shelf.version)
    }
    assert product_label(runtime, shelf.products[1]) == (shelf.leaves[0], LabelSource.HUMAN)
    assert get_progress(runtime, actor, campaign).n_done == 5
    assert claim(runtime, actor, campaign).product_id == shelf.products[4]
    again = decide_lot(runtime, actor, campaign, answers, "lot-1")
    assert again.decisions == made.decisions
    assert undo_lot(runtime, actor, "lot-1", "u1") == 5
    assert undo_lot(runtime, actor, "lot-1", "u2") == 0
    assert product_label(runtime, shelf.products[1]) == (shelf.leaves[0], LabelSource.IMPORT)
    assert count(runtime, TaskRow, TaskRow.status == TaskStatus.OPEN) == 11
    assert get_progress(runtime, actor, campaign).n_done == 0


def test_from_the_list_of_my_decisions_the_whole_lot_is_undone(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    campaign = add_campaign(runtime, shelf)
    made = decide_lot(runtime, actor, campaign, accept(shelf.products[:3], shelf.leaves[2]), "lot-1")
    named = made.decisions[1]
    assert undo_decision(runtime, actor, named.id, "u1").product_id == named.product_id
    assert count(runtime, DecisionRow, DecisionRow.kind == DecisionKind.UNDO) == 3
    assert claim(runtime, actor, campaign).product_id == named.product_id
    assert all(line.is_undone for line in list_my_decisions(runtime, actor, campaign))


def test_what_others_took_meanwhile_is_left_out_and_named(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    campaign = add_campaign(runtime, shelf, shelf.products[:6])
    mia = annotator(runtime, "Mia")
    done = claim(runtime, mia, campaign)
    record_decision(runtime, mia, done.id, LABEL, shelf.leaves[1], "mia")
    held = claim(runtime, mia, campaign)
    mine = claim(runtime, actor, campaign)
    make_gold(runtime, [shelf.products[3]], shelf.leaves[3])
    made = decide_lot(runtime, actor, campaign, accept(shelf.products[:7], shelf.leaves[2]), "lot-1")
    assert [one.product_id for one in made.decisions] == [mine.product_id, *shelf.products[4:6]]
    assert {one.product_id: one.reason for one in made.left_out} == {
        done.product_id: LeftOutBecause.DECIDED,
        held.product_id: LeftOutBecause.TAKEN,
        shelf.products[3]: LeftOutBecause.DECIDED,
        shelf.products[6]: LeftOutBecause.NOT_QUEUED,
    }
    assert claim(runtime, mia, campaign).id == held.id


def test_a_rejected_page_stays_undecided_and_comes_at_the_end(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    campaign = add_campaign(runtime, shelf, shelf.products[:4])
    assert reject_lot(runtime, actor, campaign, shelf.products[:2], "lot-1").n_put_off == 2
    assert [(group.category_id, group.n) for group in list_groups(get_window(runtime, actor, campaign))] == [
        (shelf.leaves[0], 1),
        (shelf.leaves[1], 1),
    ]
    seen = []
    while task := claim_task(runtime, actor, campaign):
        seen.append(task.product_id)
        record_decision(runtime, actor, task.id, LABEL, shelf.leaves[0], f"k{task.id}")
    assert seen == [*shelf.products[2:4], *shelf.products[:2]]


def test_what_is_rejected_together_comes_back_together_and_before_what_was_accepted(
    runtime: Runtime, actor: Actor, shelf: Shelf
) -> None:
    campaign = add_campaign(runtime, shelf)
    assert find_last_lot(runtime, actor, campaign) is None
    decide_lot(runtime, actor, campaign, accept(shelf.products[:3], shelf.leaves[0]), "accepted")
    said = accept(shelf.products[4:5], shelf.leaves[3])
    made = reject_lot(runtime, actor, campaign, shelf.products[3:8], "rejected", said, seconds_spent=10.0)
    assert [(one.product_id, one.category_id, one.seconds_spent) for one in made.decisions] == [
        (shelf.products[4], shelf.leaves[3], 2.0)
    ]
    assert made.n_put_off == 4
    assert sum(group.n for group in list_groups(get_window(runtime, actor, campaign))) == 4
    last = find_last_lot(runtime, actor, campaign)
    assert last is not None
    assert (last.batch_key, last.n_decided, last.n_put_off) == ("rejected", 1, 4)
    assert find_last_lot(runtime, annotator(runtime, "Mia"), campaign) is None
    assert undo_last_lot(runtime, actor, last, "u1") == (1, 4)
    assert undo_last_lot(runtime, actor, last, "u2") == (0, 0)
    assert sum(group.n for group in list_groups(get_window(runtime, actor, campaign))) == 9
    last = find_last_lot(runtime, actor, campaign)
    assert last is not None
    assert (last.batch_key, last.n_decided, last.n_put_off) == ("accepted", 3, 0)
    only_later = reject_lot(runtime, actor, campaign, shelf.products[5:7], "later")
    assert (only_later.decisions, only_later.n_put_off) == ((), 2)
    last = find_last_lot(runtime, actor, campaign)
    assert last is not None
    assert (last.batch_key, last.n_put_off) == (None, 2)
    assert undo_last_lot(runtime, actor, last, "u3") == (0, 2)
    assert count(runtime, DecisionRow, DecisionRow.kind != DecisionKind.UNDO) == 4


def test_where_each_is_to_look_there_are_no_lots(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    twice = add_campaign(runtime, shelf, overlap=2, name="twice")
    assert list_groups(get_window(runtime, actor, twice)) == []
    made = decide_lot(runtime, actor, twice, accept(shelf.products[:1], shelf.leaves[0]), "lot-0")
    assert [one.reason for one in made.left_out] == [LeftOutBecause.SEVERAL]
    campaign = add_campaign(runtime, shelf)
    answers = accept(shelf.products[:2], shelf.leaves[0])
    for values in (
        {"is_blind": True},
        {"is_blind": False, "gold_rate": 0.1},
        {"gold_rate": 0.0, "status": CampaignStatus.PAUSED},
    ):
        set_campaign(runtime, campaign, **values)
        with pytest.raises(NotReady):
            list_groups(get_window(runtime, actor, campaign))
        with pytest.raises(NotReady):
            decide_lot(runtime, actor, campaign, answers, "lot-1")
    set_campaign(runtime, campaign, status=CampaignStatus.ACTIVE)
    set_members(runtime, actor, campaign, [annotator(runtime, "Mia").person_id])
    with pytest.raises(Forbidden):
        decide_lot(runtime, actor, campaign, answers, "lot-1")
    with pytest.raises(NotFound):
        list_groups(get_window(runtime, actor, 10**6))
    assert count(runtime, DecisionRow) == 0


def test_a_lot_that_cannot_be_writes_nothing(runtime: Runtime, actor: Actor, shelf: Shelf) -> None:
    campaign = add_campaign(runtime, shelf)
    wrong = [*accept(shelf.products[:1], shelf.leaves[0]), *accept(shelf.products[1:2], shelf.men)]
    with pytest.raises(UnknownCategory):
        decide_lot(runtime, actor, campaign, wrong, "lot-1")
    for answers in ([], accept(shelf.products[:1] * 2, shelf.leaves[0]), accept(list(range(99)), shelf.leaves[0])):
        with pytest.raises(InvalidInput):
            decide_lot(runtime, actor, campaign, answers, "lot-1")
    with pytest.raises(NotFound):
        undo_lot(runtime, actor, "lot-1", "u1")
    assert count(runtime, DecisionRow) == 0
    assert count(runtime, TaskRow, TaskRow.status == TaskStatus.OPEN) == 12


def test_two_people_and_double_presses_share_no_product(runtime: Runtime, shelf: Shelf) -> None:
    campaign = add_campaign(runtime, shelf)
    people = [annotator(runtime, name) for name in ("Mia", "Jun")]
    results = []

    def press(person: Actor) -> None:
        answers = accept(shelf.products, shelf.leaves[person.person_id % 4])
        results.append((person, decide_lot(runtime, person, campaign, answers, f"lot of {person.name}")))

    run_together([lambda person=person: press(person) for person in [*people, *people]])
    made = {(person.name, one.id, one.product_id) for person, result in results for one in result.decisions}
    assert len({product for _, _, product in made}) == len(made) == count(runtime, DecisionRow)
    assert count(runtime, TaskRow, TaskRow.status == TaskStatus.DONE) == len(made)
    assert made
