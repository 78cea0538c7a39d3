"""Lots, copies and settlements while a category is merged: each is carried whole or refused whole, nobody deadlocks."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.catalogue.taxonomy_edits.acts import merge_categories
from core.errors import UnknownCategory
from core.labeling.bulk import LotAnswer, decide_lot
from core.labeling.copies import record_with_copies
from core.labeling.decisions import record_decision
from core.labeling.lots import LeftOutBecause
from core.labeling.queue import claim_task
from core.labeling.settling import settle
from core.labeling.unanimous import settle_unanimous
from core.labeling.undoing import undo_lot
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import Settings
from core.types import Actor, utc_now
from db import decisions, tasks
from db.enums import DecisionKind, Role
from db.standing_labels import hold_tree_alone
from db.tables import ProductRow, TaskRow
from tests.core.catalogue.taxonomy_edits.trees import check_nothing_lost, labels_now
from tests.core.labeling.gold import group
from tests.core.labeling.shelf import Shelf, add_campaign, annotator, fill_shelf
from tests.core.labeling.test_queue import claim

LABEL = DecisionKind.LABEL


def lots(runtime: Runtime, shelf: Shelf, n: int) -> Callable[[int], None]:
    """The i-th lot of six products, taken back and decided again."""
    campaign = add_campaign(runtime, shelf)
    person = annotator(runtime, "lots")

    def act(i: int) -> None:
        products = shelf.products[6 * i : 6 * i + 6]
        answers = [LotAnswer(product, LABEL, shelf.leaves[2]) for product in products]
        decide_lot(runtime, person, campaign, answers, f"lot{i}")
        undo_lot(runtime, person, f"lot{i}", f"undo{i}")
        decide_lot(runtime, person, campaign, answers, f"again{i}")

    return act


def copies(runtime: Runtime, shelf: Shelf, n: int) -> Callable[[int], None]:
    """The i-th product, copied to its five near-duplicates."""
    for i in range(n):
        group(runtime, shelf.products[6 * i : 6 * i + 6], f"g{i}")
    campaign = add_campaign(runtime, shelf, shelf.products[::6])
    person = annotator(runtime, "copies")

    def act(i: int) -> None:
        task = claim_task(runtime, person, campaign)
        assert task is not None
        start = shelf.products.index(task.product_id)
        targets = shelf.products[start + 1 : start + 6]
        record_with_copies(runtime, person, task.id, shelf.leaves[2], targets, f"copy{i}")

    return act


def settlements(runtime: Runtime, shelf: Shelf, n: int) -> Callable[[int], None]:
    reviewer = sign_in_local(runtime, "Rita", Role.REVIEWER)

    def act(i: int) -> None:
        for product in shelf.products[6 * i : 6 * i + 6]:
            settle(runtime, reviewer, product, shelf.leaves[2], f"gold{product}")

    return act


@pytest.mark.parametrize("work", [lots, copies, settlements])
def test_a_merge_in_the_middle(
    runtime: Runtime, actor: Actor, work: Callable[[Runtime, Shelf, int], Callable[[int], None]]
) -> None:
    n = 8
    shelf = fill_shelf(runtime, 6 * n)
    act = work(runtime, shelf, n)
    landed: list[int] = []
    refused: list[str] = []
    troubles: list[BaseException] = []

    def go() -> None:
        for i in range(n):
            try:
                act(i)
                landed.append(i)
            except UnknownCategory as error:
                refused.append(str(error))
            except BaseException as error:
                troubles.append(error)
                raise

    thread = threading.Thread(target=go)
    thread.start()
    while not landed and not troubles:
        threading.Event().wait(0.002)
    merge_categories(runtime, actor, shelf.leaves[2], shelf.leaves[3], reason="while they work")
    thread.join()
    assert not troubles
    assert len(landed) + len(refused) == n
    assert set(refused) <= {"'여성 > 바지' was merged into '여성 > 치마': choose that."}
    check_nothing_lost(runtime, {})
    now = labels_now(runtime)
    assert shelf.leaves[2] not in {category for category, _ in now.values()}
    for i in landed:
        assert {now[product][0] for product in shelf.products[6 * i : 6 * i + 6]} == {shelf.leaves[3]}


@pytest.fixture
def on_postgres(postgres_emptied: str, tmp_path: Path) -> Iterator[Runtime]:
    runtime = open_runtime(Settings(data_dir=tmp_path, database_url=postgres_emptied, person="tester"))
    yield runtime
    runtime.close()


def test_who_waits_for_an_edit_waits_with_empty_hands(on_postgres: Runtime) -> None:
    runtime = on_postgres
    actor = sign_in_local(runtime, "tester")
    shelf = fill_shelf(runtime, 12)
    group(runtime, shelf.products[:3])
    card = claim(runtime, actor, add_campaign(runtime, shelf, shelf.products[:1], name="card"))
    lot = add_campaign(runtime, shelf, shelf.products[3:6], name="lot")
    voted = add_campaign(runtime, shelf, shelf.products[6:7], overlap=2, name="voted")
    for name in ("ann", "ben"):
        person = annotator(runtime, name)
        record_decision(runtime, person, claim(runtime, person, voted).id, LABEL, shelf.leaves[0], name)
    answers = [LotAnswer(product, LABEL, shelf.leaves[2]) for product in shelf.products[3:6]]
    jobs: list[Callable[[], object]] = [
        lambda: decide_lot(runtime, actor, lot, answers, "lot"),
        lambda: record_with_copies(runtime, actor, card.id, shelf.leaves[2], shelf.products[1:3], "copy"),
        lambda: settle_unanimous(runtime, actor, voted, "all"),
    ]
    threads = [threading.Thread(target=job) for job in jobs]
    with runtime.sessions.write() as editing:
        hold_tree_alone(editing)
        for thread in threads:
            thread.start()
        while n_waiting(runtime) < len(jobs):
            threading.Event().wait(0.005)
        for row in (ProductRow, TaskRow):  # an error where one of them holds a row
            editing.execute(sa.select(row.id).with_for_update(nowait=True, key_share=True))
    for thread in threads:
        thread.join()
    now = labels_now(runtime)
    assert {now[product] for product in shelf.products[:6]} == {(shelf.leaves[2], "human")}
    assert now[shelf.products[6]] == (shelf.leaves[0], "gold")


def n_waiting(runtime: Runtime) -> int:
    """Transactions that wait for the tree."""
    waiting = sa.text(
        "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
        "WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
    )
    with runtime.sessions.read() as session:
        return session.scalar(waiting) or 0


def test_a_lot_leaves_out_the_card_that_is_being_finished_in_another_tab(on_postgres: Runtime) -> None:
    runtime = on_postgres
    shelf = fill_shelf(runtime, 2)
    campaign = add_campaign(runtime, shelf)
    person = annotator(runtime, "ann")
    task = claim(runtime, person, campaign)
    answers = [LotAnswer(task.product_id, LABEL, shelf.leaves[2])]
    with runtime.sessions.write() as session:
        assert tasks.finish_task(session, task.id, person.person_id, utc_now()) is not None
        made = decide_lot(runtime, person, campaign, answers, "lot")  # would wait for the task, and we for the product
        decisions.lock_product(session, task.product_id, None)
    assert [(one.product_id, one.reason) for one in made.left_out] == [(task.product_id, LeftOutBecause.TAKEN)]
