"""Many at once: a page of similar products, accepted with exceptions, rejected, taken back."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from core.labeling.campaigns import pause_campaign
from core.labeling.queue import claim_task, skip_task
from core.people import sign_in_local
from core.runtime import Runtime
from db.enums import DecisionKind, Role
from db.tables import PredictionRow
from pages.components.words import LANGUAGE_KEY
from tests.browser.shelf import Queue, decisions, make_queue
from tests.core.labeling.gold import set_campaign
from tests.pages.test_label import press

PAGE = "pages/bulk.py"
OpenPage = Callable[[str], AppTest]


@pytest.fixture
def queue(sqlite_runtime: Runtime) -> Queue:
    return make_queue(sqlite_runtime, n=5)


def labels(page: AppTest, begin: str) -> list[str]:
    return [button.label for button in page.button if (button.key or "").startswith(begin)]


def test_what_is_ticked_is_accepted_and_exceptions_are_kept(
    open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue
) -> None:
    page = open_page(PAGE).run()
    assert not page.exception
    assert len(page.checkbox) == 5
    assert "남성 \\> 바지" in "".join(text.value for text in page.markdown)
    page.checkbox[0].uncheck()
    page.selectbox[3].set_value("cannot_tell")  # of the second product; before it campaign, group and the first
    page.selectbox[4].set_value(str(queue.leaf_ids[2]))
    page.run()
    assert labels(page, "bulk.accept.") == ["Accept 4"]
    other = sign_in_local(sqlite_runtime, "other", Role.ANNOTATOR)
    while held := claim_task(sqlite_runtime, other, queue.campaign_id):  # takes the fourth meanwhile
        if held.product_id == queue.product_ids[3]:
            break
        skip_task(sqlite_runtime, other, held.id)
    press(page, "bulk.accept.")
    assert page.toast[0].value.replace("\\", "") == "3 products are decided. 1 left out: somebody else has it."
    made_by_me = [row for row in decisions(sqlite_runtime, queue) if row.batch_key]
    assert [(row.product_id, row.kind, row.category_id) for row in made_by_me] == [
        (queue.product_ids[1], DecisionKind.CANNOT_TELL, None),
        (queue.product_ids[2], DecisionKind.LABEL, queue.leaf_ids[2]),
        (queue.product_ids[4], DecisionKind.LABEL, queue.leaf_ids[0]),
    ]
    assert len(page.checkbox) == 1
    page = open_page(PAGE).run()  # after a reload the lot can still be taken back
    press(page, "bulk.undo.")
    assert "3 decisions are taken back" in page.toast[0].value
    assert len(page.checkbox) == 4


def test_undo_shows_the_group_that_it_took_back(open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue) -> None:
    small, large = queue.leaf_ids[1], queue.leaf_ids[0]
    with sqlite_runtime.sessions.write() as session:
        session.execute(
            sa.update(PredictionRow)
            .where(PredictionRow.product_id.in_(queue.product_ids[:2]))
            .values(category_id=small, top=[[small, 0.6], [large, 0.2]])
        )
    page = open_page(PAGE).run()
    page.selectbox(key="bulk.group").set_value(small).run()
    press(page, "bulk.accept.")
    assert page.selectbox(key="bulk.group").value == large
    press(page, "bulk.undo.")
    assert not page.exception
    assert page.selectbox(key="bulk.group").value == small
    assert len(page.checkbox) == 2


def test_a_rejected_page_is_gone_and_nothing_is_decided(
    open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue
) -> None:
    page = open_page(PAGE).run()
    press(page, "bulk.reject.")
    assert page.subheader[0].value == "Nothing to decide together"
    assert decisions(sqlite_runtime, queue) == []
    press(page, "bulk.undo.")
    assert page.toast[0].value.replace("\\", "") == "5 products are back."
    page.selectbox[2].set_value(str(queue.leaf_ids[2])).run()
    (reject,) = (button for button in page.button if (button.key or "").startswith("bulk.reject."))
    assert reject.help.startswith("1 product of which you say something else is decided as you say. Nothing is decided")
    press(page, "bulk.reject.")
    assert page.toast[0].value.replace("\\", "").startswith("1 product is decided. 4 products are put off")
    assert [row.category_id for row in decisions(sqlite_runtime, queue)] == [queue.leaf_ids[2]]
    press(page, "bulk.undo.")
    assert page.toast[0].value.replace("\\", "") == "1 decision is taken back. 4 products are back."
    assert len(page.checkbox) == 5


def test_products_that_read_alike_and_the_way_back(open_page: OpenPage, queue: Queue) -> None:
    page = open_page(PAGE).run()
    alike = [button for button in page.button if (button.key or "").startswith("bulk.alike.")]
    alike[2].click().run()
    assert not page.exception
    assert queue.title(3) in page.checkbox[0].label
    press(page, "bulk.groups")
    assert queue.title(1) in page.checkbox[0].label


def test_blind_campaigns_are_decided_one_by_one(open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue) -> None:
    set_campaign(sqlite_runtime, queue.campaign_id, is_blind=True)
    page = open_page(PAGE)
    page.session_state[LANGUAGE_KEY] = "ko"
    page.run()
    assert "블라인드" in page.info[0].value
    assert not page.checkbox


def test_a_paused_campaign_says_who_can_resume_it(open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue) -> None:
    page = open_page(PAGE)
    page.query_params["campaign"] = str(queue.campaign_id)
    page.run()
    pause_campaign(sqlite_runtime, sign_in_local(sqlite_runtime, "tester"), queue.campaign_id)
    page.run()
    assert page.info[0].value == "This campaign is paused\\. Somebody who runs campaigns can resume it\\."
    assert not page.checkbox


def test_a_campaign_with_hidden_checks_offers_the_card(
    open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue
) -> None:
    set_campaign(sqlite_runtime, queue.campaign_id, gold_rate=0.1)
    page = open_page(PAGE).run()
    assert "hidden checks" in page.info[0].value
    assert not page.checkbox
