"""The settings of the Training page: all of them, what has no effect switched off, what cannot be used said."""

from collections.abc import Callable
from dataclasses import fields

import pytest
from streamlit.testing.v1 import AppTest

from core.curation.exclusions import add_rule, list_rules
from core.jobs.queue import find_unfinished_job
from core.runtime import Runtime
from core.training.training_settings import TrainingSettings
from core.types import Actor
from db.enums import KeywordMatch, RuleAction
from pages.components.training_words import NAMES
from tests.core.training.shelf import category_id, fill_shelf


@pytest.fixture
def page(open_page: Callable[[str], AppTest], sqlite_runtime: Runtime, actor: Actor) -> AppTest:
    fill_shelf(sqlite_runtime)
    page = open_page("app.py")
    page.session_state["app.actor"] = actor
    page.run()
    page.switch_page("pages/training.py").run()
    assert not page.exception, page.exception
    return page


def said(page: AppTest) -> str:
    return "\n".join(part.value for part in [*page.caption, *page.text, *page.error]).replace("\\", "")


def test_every_setting_of_a_training_is_on_the_page() -> None:
    assert set(NAMES) == {part.name for part in fields(TrainingSettings)}


def test_untouched_the_form_asks_for_the_defaults(page: AppTest, sqlite_runtime: Runtime) -> None:
    page.button(key="training.start").click().run()
    job = find_unfinished_job(sqlite_runtime, ["train"])
    assert job
    assert TrainingSettings.from_dict(job.payload) == TrainingSettings()


def test_what_is_chosen_reaches_the_job(page: AppTest, sqlite_runtime: Runtime) -> None:
    page.selectbox(key="training.cap").set_value("log").run()
    page.number_input(key="training.cap_constant").set_value(5)
    page.checkbox(key="training.even_months").check()
    page.number_input(key="training.target_precision").set_value(90.0)
    page.text_area(key="training.own").input("vocabulary_size = 500\n\ndropout=0.1").run()
    assert "The cap leaves about 33 % of the rows." in said(page)  # 5 x ln 60 = 20 of 60
    usual = "Not as usual: vocabulary_size=500 · dropout=0.1 · Cap per category: log · Constant of the cap: 5"
    assert usual in said(page)
    assert "Every month of the year counts the same: on · Target precision, %: 90" in said(page)
    page.button(key="training.start").click().run()
    job = find_unfinished_job(sqlite_runtime, ["train"])
    assert job
    asked = TrainingSettings.from_dict(job.payload)
    assert asked.model == {"vocabulary_size": 500, "dropout": 0.1}
    assert (asked.cap, asked.cap_constant, asked.even_months, asked.target_precision) == ("log", 5, True, 0.9)


def test_what_has_no_effect_is_switched_off(page: AppTest) -> None:
    assert page.number_input(key="training.cap_constant").disabled
    assert page.checkbox(key="training.warm_start").disabled
    assert "No version is in use." in said(page)
    page.selectbox(key="training.encoder").set_value("ngrams").run()  # linear: one head, no epochs
    assert page.selectbox(key="training.head").disabled
    assert page.number_input(key="training.epochs").disabled
    page.selectbox(key="training.encoder").set_value("gru").run()
    assert not page.selectbox(key="training.head").disabled


def test_what_images_can_be_told_is_listed_where_they_are_used(page: AppTest) -> None:
    listed = "\n".join(part.value for part in page.code).splitlines()
    assert any(line.startswith("vocabulary_size=") for line in listed)
    assert not any(line.startswith("image.") for line in listed)
    page.checkbox(key="training.use_images").check().run()
    assert "image.fc_dim=512" in "\n".join(part.value for part in page.code).splitlines()


def test_what_cannot_be_used_is_said_before_the_job_starts(page: AppTest, sqlite_runtime: Runtime) -> None:
    page.text_area(key="training.own").input("wings=2").run()
    assert page.button(key="training.start").disabled
    assert "The encoder 'joint' has no setting 'wings'." in said(page)
    page.text_area(key="training.own").input("dropout=7").run()
    assert "dropout must be from 0 to below 1" in said(page)
    assert find_unfinished_job(sqlite_runtime, ["train"]) is None


def test_rules_are_added_with_what_they_do_and_ended(page: AppTest, sqlite_runtime: Runtime, actor: Actor) -> None:
    page.session_state["training.rule.category"] = category_id(sqlite_runtime, "바지")
    page.text_input(key="training.rule.keyword").input("청바지").run()
    assert "training products." in said(page)
    assert "→" in said(page)
    page.button(key="training.rule.add").click().run()
    (rule,) = list_rules(sqlite_runtime)
    assert (rule.keyword, rule.action, rule.match) == ("청바지", RuleAction.DROP_WORD, KeywordMatch.WHOLE_WORD)
    page.text_input(key="training.rule.keyword").input(" ㅡ!").run()
    add_rule(sqlite_runtime, actor, rule.category_id, "슬랙스", RuleAction.DROP_ROW, KeywordMatch.SUBSTRING)
    page.text_input(key="training.rule.keyword").input("!!").run()
    assert "A keyword needs a letter or a digit." in said(page)
    page.selectbox(key="training.rule.chosen").set_value(rule.id)
    page.button(key="training.rule.end").click().run()
    assert [one.keyword for one in list_rules(sqlite_runtime)] == ["슬랙스"]
