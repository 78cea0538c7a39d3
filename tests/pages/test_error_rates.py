"""The page 'People and model': first steps, the sentence, verdicts, filters, products, a campaign, a refresh."""

from collections.abc import Callable

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.analysis import error_rates
from core.analysis.fair_sample import draw_fair_sample, missing
from core.jobs.queue import list_jobs
from core.labeling.campaigns import list_campaigns
from core.labeling.settling import settle
from core.runtime import Runtime
from core.types import Actor
from db.enums import CampaignKind
from pages.components.error_rate_sample import QUEUE
from pages.components.words import LANGUAGE_KEY
from tests.core.analysis.gold_shelf import Case, Shelf, make_shelf
from tests.roles import ADMIN

OpenPage = Callable[[str], AppTest]


def words(page: AppTest) -> str:
    parts = [*page.text, *page.caption, *page.markdown, *page.info, *page.warning]
    return "\n".join(part.value for part in parts).replace("\\", "")


def framed(open_page: OpenPage, actor: Actor, language: str = "en", **query: str) -> AppTest:
    page = open_page("app.py")
    page.session_state["app.actor"] = actor
    page.session_state[LANGUAGE_KEY] = language
    page.run()
    page.query_params.update(query)
    page.switch_page("pages/error_rates.py").run()
    assert not page.exception, page.exception
    return page


@pytest.fixture
def shelf(sqlite_runtime: Runtime, actor: Actor) -> Shelf:
    return make_shelf(sqlite_runtime, actor)


@pytest.fixture
def judged(shelf: Shelf) -> Shelf:
    right, wrong, third = shelf.leaf["바지"], shelf.leaf["치마"], shelf.leaf["청소기"]
    shelf.add([Case(right, [wrong if n < 20 else right, right], right) for n in range(60)])
    shelf.add([Case(third, [third], shelf.leaf["선풍기"] if n < 25 else third) for n in range(40)])
    shelf.add([Case(right, [right], right, fold=5) for _ in range(7)])
    return shelf


def test_without_gold_it_says_what_to_do(open_page: OpenPage, shelf: Shelf, actor: Actor) -> None:
    said = words(framed(open_page, actor))
    assert "nobody's error is known" in said
    assert "Make a campaign of the kind 'Human baseline'" in said
    shelf.add([Case(None, [shelf.leaf["바지"]], shelf.leaf["바지"])])
    st.cache_resource.clear()
    assert "voted blind on 1 products; none of them is settled" in words(framed(open_page, actor))


def test_one_sentence_says_it_all(open_page: OpenPage, judged: Shelf, actor: Actor) -> None:
    page = framed(open_page, actor)
    said = words(page)
    assert "No error rates" not in said
    assert "People err: 10.0 % (" in said
    assert "; the model v1: 25.0 % (" in said
    assert "People err less than the model." in said
    assert "7 that the model may have learned from" in said
    verdicts = page.button_group(key="error_rates.verdicts")
    assert {"◆ model is better: 1", "● people are better: 1"} <= set(verdicts.options)
    table = page.dataframe[0].value
    assert list(table["Category"]) == ["의류 > 바지", "가전 > 청소기"]
    assert list(table["Verdict"]) == ["◆ model is better", "● people are better"]
    assert table.iloc[0]["● People's error"].startswith("16.7 % (")


def test_in_korean(open_page: OpenPage, judged: Shelf, actor: Actor) -> None:
    assert "사람의 오류율: 10.0 %" in words(framed(open_page, actor, "ko"))


def test_filters_stand_in_the_url(open_page: OpenPage, judged: Shelf, actor: Actor) -> None:
    page = framed(open_page, actor, department=str(judged.root["가전"]), level="1")
    assert page.selectbox(key="error_rates.level").value == 1
    assert list(page.dataframe[0].value["Category"]) == ["가전"]
    page.selectbox(key="error_rates.department").set_value(0).run()
    assert "department" not in page.query_params
    assert len(page.dataframe[0].value) == 2


def test_down_to_the_products_and_on_to_a_campaign(open_page: OpenPage, judged: Shelf, actor: Actor) -> None:
    page = framed(open_page, actor)
    look = next(box for box in page.selectbox if box.label == "Look into a category")
    look.select("의류 > 바지").run()
    assert not page.exception
    taken_for, products = page.dataframe[1].value, page.dataframe[2].value
    assert list(taken_for["Taken for"]) == ["의류 > 치마"]
    assert list(taken_for["● Votes"]) == [20]
    assert len(products) == 20
    assert "voter 0: ✗ 의류 > 치마" in products.iloc[0]["● Votes"]
    judged.add([Case(None, [], judged.leaf["바지"]), Case(None, [], judged.leaf["치마"])], second=judged.leaf["치마"])
    page.button(key="error_rates.ask").click().run()
    assert not page.exception
    (found,) = [one for one in list_campaigns(judged.runtime) if one.kind == CampaignKind.AMBIGUOUS_PAIR]
    assert (found.settings.choices, found.n_tasks) == ((judged.leaf["바지"], judged.leaf["치마"]), 1)


def test_agreed_products_without_gold_are_warned_of(open_page: OpenPage, judged: Shelf, actor: Actor) -> None:
    right = judged.leaf["바지"]
    judged.add([Case(None, [right, right, right], right) for _ in range(400)])
    page = framed(open_page, actor)
    assert "No error rates yet" in words(page)
    assert "People err" not in words(page)
    page.toggle(key="error_rates.sampling").set_value(True).run()
    assert not page.exception
    assert "drawn at random" in words(page)
    shown = page.session_state["error_rates.sample"][0][0]
    page.button(key="error_rates.later").click().run()
    assert page.session_state["error_rates.sample"][0][0] != shown


def test_a_large_catalogue_is_worked_out_by_a_job(
    open_page: OpenPage, judged: Shelf, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_rates, "LIVE_DECISIONS", 10)
    page = framed(open_page, actor)
    assert "worked out in the background" in words(page)
    page.button(key="error_rates.refresh").click().run()
    assert [job.kind for job in list_jobs(judged.runtime)] == [error_rates.JOB]


def test_settling_the_sample_brings_the_rates(open_page: OpenPage, judged: Shelf, actor: Actor) -> None:
    right = judged.leaf["바지"]
    judged.add([Case(None, [right, right, right], right) for _ in range(400)])
    page = framed(open_page, actor)
    page.toggle(key="error_rates.sampling").set_value(True).run()
    queue = page.session_state[QUEUE]
    assert len(queue) == len({key for _, key in queue}) == 20
    found = error_rates.get_error_rates(judged.runtime, ADMIN)
    assert found is not None
    for product_id in draw_fair_sample(judged.runtime, actor, found, missing(found)).product_ids:
        settle(judged.runtime, actor, product_id, right, f"fair-{product_id}")
    page.run()
    assert "People err: " in words(page)
