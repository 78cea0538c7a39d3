"""The labeling page in AppTest: states, callbacks, languages. Keys and races: tests/browser/test_label_page.py."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from core.jobs.queue import cancel_job, enqueue
from core.labeling.campaigns import close_campaign, pause_campaign
from core.labeling.decisions import list_my_decisions, record_decision
from core.labeling.queue import claim_task, release_all
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import utc_now
from db.enums import CampaignStatus, DecisionKind
from db.tables import CampaignRow, ProductRow, TaskRow
from pages.components.lease import HELD_KEY
from pages.components.words import LANGUAGE_KEY
from tests.browser.shelf import Queue, decisions, make_queue

PAGE = "pages/label.py"
OpenPage = Callable[[str], AppTest]


@pytest.fixture
def queue(sqlite_runtime: Runtime) -> Queue:
    return make_queue(sqlite_runtime, n=3)


def title(page: AppTest) -> str:
    return page.text[0].value


def press(page: AppTest, name: str) -> AppTest:
    """Press the one button whose key says `name`, such as 'label.skip.'."""
    (button,) = (button for button in page.button if (button.key or "").startswith(name))
    return button.click().run()


def open_framed(open_page: OpenPage) -> AppTest:
    """Within the frame, so that links to other pages lead somewhere."""
    page = open_page("app.py").run()
    page.switch_page(PAGE).run()
    assert not page.exception
    return page


def test_the_card_shows_what_is_known_and_decides(open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue) -> None:
    page = open_page(PAGE).run()
    assert not page.exception
    assert title(page) == queue.title(1)
    assert any("잡화 \\> 신발 \\> 운동화" in text.value for text in page.markdown)
    labels = [button.label for button in page.button if (button.key or "").startswith("label.take.")]
    assert "60 %" in labels[0]
    assert "**바지**" in labels[0]
    assert len(labels) == 6
    assert "label now" in labels[5]
    press(page, "label.accept.")
    assert title(page) == queue.title(2)
    (row,) = decisions(sqlite_runtime, queue)
    assert (row.category_id, row.suggestion_rank, row.kind) == (queue.leaf_ids[0], 1, DecisionKind.LABEL)
    assert row.seconds_spent is not None


def test_every_way_out_of_a_card(open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue) -> None:
    page = open_framed(open_page)
    press(page, "label.skip.")
    press(page, "label.cannot_tell.")
    press(page, "label.bad_listing.")
    assert title(page) == queue.title(1)  # what was skipped comes last
    press(page, "label.take.2.")
    assert page.subheader[0].value == "Done. Nothing is left in this campaign."
    assert "None" not in " ".join(text.value for text in page.markdown)
    assert [row.kind for row in decisions(sqlite_runtime, queue)] == [
        DecisionKind.CANNOT_TELL,
        DecisionKind.BAD_LISTING,
        DecisionKind.LABEL,
    ]
    press(page, "label.undo_last.")
    assert title(page) == queue.title(1)


def test_what_others_hold_is_not_called_done(open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue) -> None:
    other = sign_in_local(sqlite_runtime, "other")
    assert claim_task(sqlite_runtime, other, queue.campaign_id)
    page = open_framed(open_page)
    press(page, "label.take.1.")
    press(page, "label.take.1.")
    assert page.subheader[0].value == "Nothing for you right now"
    release_all(sqlite_runtime, other)
    press(page, "label.look_again")
    assert title(page) == queue.title(1)


def test_a_note_is_kept_as_draft_and_recorded(open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue) -> None:
    page = open_page(PAGE).run()
    page.text_input[0].input("looks *odd*").run()
    again = open_page(PAGE).run()
    assert (title(again), again.text_input[0].value) == (queue.title(1), "looks *odd*")
    press(again, "label.take.1.")
    assert [row.note for row in decisions(sqlite_runtime, queue)] == ["looks *odd*"]


def test_what_somebody_else_took_is_told_calmly(open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue) -> None:
    page = open_page(PAGE).run()
    long_ago = utc_now() - timedelta(hours=1)
    with sqlite_runtime.sessions.write() as session:
        session.execute(sa.update(TaskRow).where(TaskRow.status == "leased").values(lease_expires_at=long_ago))
    other = sign_in_local(sqlite_runtime, "other")
    taken = claim_task(sqlite_runtime, other, queue.campaign_id)
    assert taken is not None
    assert taken.product_id == queue.product_ids[0]
    press(page, "label.take.1.")
    assert "went back into the queue" in page.toast[0].value
    assert title(page) == queue.title(2)
    assert decisions(sqlite_runtime, queue) == []


def test_a_second_tab_that_was_faster_makes_no_second_row(
    open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue
) -> None:
    one, two = open_page(PAGE).run(), open_page(PAGE).run()
    press(one, "label.take.1.")
    press(two, "label.take.2.")
    assert title(two) == queue.title(2)
    assert len(decisions(sqlite_runtime, queue)) == 1


def test_without_a_campaign_it_says_how_to_make_one(open_page: OpenPage) -> None:
    page = open_framed(open_page)
    assert page.subheader[0].value == "Nothing to label yet"
    assert "campaign create --kind low-confidence" in page.code[0].value


def test_a_paused_campaign_says_so_and_another_can_be_chosen(
    open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue
) -> None:
    other = make_queue(sqlite_runtime, n=1)
    tester = sign_in_local(sqlite_runtime, "tester")
    page = open_page(PAGE)
    page.query_params["campaign"] = str(other.campaign_id)
    page.run()
    assert title(page) == other.title(1)
    pause_campaign(sqlite_runtime, tester, other.campaign_id)
    page.run()
    assert title(page) == other.title(1)  # what is on the table may be finished
    press(page, "label.accept.")
    assert "paused" in page.info[0].value
    page.selectbox[0].set_value(str(queue.campaign_id)).run()
    assert title(page) == queue.title(1)
    assert page.query_params["campaign"] in (str(queue.campaign_id), [str(queue.campaign_id)])


def test_a_campaign_that_is_being_built_is_not_called_done(
    open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue
) -> None:
    with sqlite_runtime.sessions.write() as session:
        session.execute(sa.delete(TaskRow))
        session.execute(sa.update(CampaignRow).values(status=CampaignStatus.BUILDING))
    key = f"build_campaign:{queue.campaign_id}"
    job = enqueue(sqlite_runtime, sign_in_local(sqlite_runtime, "tester"), "build_campaign", {}, key)
    page = open_framed(open_page)
    assert page.subheader[0].value == "This campaign is still being built"
    cancel_job(sqlite_runtime, sign_in_local(sqlite_runtime, "tester"), job)
    page.run()
    assert page.subheader[0].value == "This campaign was not fully built"


def test_a_closed_campaign_opens_by_its_url_and_is_offered_no_more(
    open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue
) -> None:
    other = make_queue(sqlite_runtime, n=1)
    close_campaign(sqlite_runtime, sign_in_local(sqlite_runtime, "tester"), other.campaign_id)
    page = open_page(PAGE)
    page.query_params["campaign"] = str(other.campaign_id)
    page.run()
    assert "closed" in page.info[0].value
    page.selectbox[0].set_value(str(queue.campaign_id)).run()
    assert title(page) == queue.title(1)
    assert len(open_page(PAGE).run().selectbox[0].options) == 1


def test_a_strange_campaign_in_the_url_falls_back(open_page: OpenPage, queue: Queue) -> None:
    page = open_page(PAGE)
    page.query_params["campaign"] = "'; DROP TABLE tasks"
    page.run()
    assert title(page) == queue.title(1)
    assert "This is another one" in page.toast[0].value
    assert not page.run().toast


def test_text_from_outside_loses_its_markdown(open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue) -> None:
    evil = "<b>x</b> **y** :red[z] [l](javascript:1) | $q$"
    with sqlite_runtime.sessions.write() as session:
        session.execute(sa.update(ProductRow).values(title=evil, brand=evil))
    page = open_page(PAGE).run()
    assert title(page) == evil  # st.text reads no markup
    press(page, "label.take.1.")
    shown = [m.value for m in page.markdown] + [b.label for b in page.button if "label.undo." in (b.key or "")]
    with_it = [text for text in shown if "javascript" in text]
    assert len(with_it) == 2  # the brand, and the line of the last decision
    assert all(
        "<b>" not in text.replace("\\<b", "") and " **y**" not in text and ":red[" not in text for text in with_it
    )


def test_an_image_url_is_not_fetched_and_the_card_says_why(
    open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue
) -> None:
    with sqlite_runtime.sessions.write() as session:
        session.execute(sa.update(ProductRow).values(image="https://example.com/a.jpg"))
    page = open_page(PAGE).run()
    assert any("Images from the web are switched off" in text.value for text in page.markdown)


def test_korean(open_page: OpenPage, queue: Queue) -> None:
    page = open_page(PAGE)
    page.session_state[LANGUAGE_KEY] = "ko"
    page.run()
    labels = [button.label for button in page.button]
    assert "건너뛰기" in labels
    assert "판단 불가" in labels


def test_the_lease_is_renewed_while_the_card_is_open(
    open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue
) -> None:
    page = open_page(PAGE).run()
    held = page.session_state[HELD_KEY]
    page.session_state[HELD_KEY] = replace(held, renewed_at=held.renewed_at - timedelta(minutes=5))
    page.run()
    assert title(page) == queue.title(1)
    assert page.session_state[HELD_KEY].renewed_at >= held.renewed_at


def test_my_list_shows_twenty(open_page: OpenPage, sqlite_runtime: Runtime) -> None:
    queue = make_queue(sqlite_runtime, n=23)
    tester = sign_in_local(sqlite_runtime, "tester")
    for n in range(22):
        task = claim_task(sqlite_runtime, tester, queue.campaign_id)
        assert task is not None
        record_decision(sqlite_runtime, tester, task.id, DecisionKind.LABEL, queue.leaf_ids[0], f"key-{n}")
    page = open_page(PAGE).run()
    lines = [button for button in page.button if (button.key or "").startswith("label.undo.")]
    assert len(lines) == len(list_my_decisions(sqlite_runtime, tester, queue.campaign_id)) == 20
