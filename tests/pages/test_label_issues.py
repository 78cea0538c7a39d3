"""Label issues on the screen: the box on the Campaigns page, and why the card asks."""

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from core.curation.label_issues import create_issue_campaign
from core.jobs.queue import find_unfinished_job
from core.labeling.campaigns import list_campaigns
from core.runtime import Runtime
from core.training import registry
from core.types import Actor
from db.enums import CampaignKind, LabelSource, NoiseMethod
from pages.components.words import LANGUAGE_KEY
from tests.core.curation.suspects import add_suspects
from tests.core.labeling.shelf import product_label
from tests.core.training.answers import add_version
from tests.core.training.shelf import category_id

OpenPage = Callable[[str], AppTest]


def opened(open_page: OpenPage, actor: Actor, name: str) -> AppTest:
    """The page inside the app, in English."""
    page = open_page("app.py")
    page.session_state["app.actor"] = actor
    page.session_state[LANGUAGE_KEY] = "en"
    page.run()
    page.switch_page(f"pages/{name}.py").run()
    assert not page.exception
    return page


def button(page: AppTest, label: str) -> AppTest:
    return next(found for found in page.button if found.label == label)  # type: ignore[return-value]


def test_a_search_is_asked_for_and_then_watched(open_page: OpenPage, sqlite_runtime: Runtime, actor: Actor) -> None:
    page = opened(open_page, actor, "campaigns")
    button(page, "Find suspicious labels").click().run()  # type: ignore[attr-defined]
    assert find_unfinished_job(sqlite_runtime, ["find_label_issues"])
    assert not [found for found in page.button if found.label == "Find suspicious labels"]


def test_people_are_asked_and_the_card_says_why(open_page: OpenPage, sqlite_runtime: Runtime, actor: Actor) -> None:
    add_suspects(sqlite_runtime, [0.25, 0.05])
    page = opened(open_page, actor, "campaigns")
    assert [metric.value for metric in page.metric] == ["2", "none decided yet"]
    button(page, "Ask people about them").click().run()  # type: ignore[attr-defined]
    assert not page.exception
    assert [campaign.kind for campaign in list_campaigns(sqlite_runtime)] == [CampaignKind.LABEL_ISSUES]

    card = opened(open_page, actor, "label")
    reason = next(found.value for found in card.caption if "looks wrong" in found.value)
    assert "suspicion 95" in reason
    assert "Perhaps meant" in reason
    assert any("신발" in found.label for found in card.button)


def test_enter_means_yes_it_is_what_the_search_suggests(
    open_page: OpenPage, sqlite_runtime: Runtime, actor: Actor
) -> None:
    (doubted,) = add_suspects(sqlite_runtime, [0.0001])
    trousers, shoes = category_id(sqlite_runtime, "바지"), category_id(sqlite_runtime, "신발")
    version = add_version(sqlite_runtime, actor, {doubted: trousers})  # the model learned the wrong label
    registry.promote(sqlite_runtime, actor, version, "the first")
    create_issue_campaign(sqlite_runtime, actor, NoiseMethod.CONFIDENT_LEARNING, "doubted")
    card = opened(open_page, actor, "label")
    assert any("suspicion > 99 %" in found.value.replace("\\", "") for found in card.caption)
    first, accept = (
        next(found for found in card.button if (found.key or "").startswith(f"label.{name}."))
        for name in ("take.1", "accept")
    )
    assert "신발" in first.label
    assert any("label now" in found.label and "바지" in found.label for found in card.button)
    accept.click().run()
    assert product_label(sqlite_runtime, doubted) == (shoes, LabelSource.HUMAN)
