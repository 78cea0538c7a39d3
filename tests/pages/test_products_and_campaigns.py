"""The pages of products and campaigns: what the URL asks for, what a click changes."""

from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.jobs.queue import find_unfinished_job
from core.labeling.campaigns import CampaignSettings, Stratum, list_campaigns, set_guidelines
from core.people import sign_in_local
from core.runtime import Runtime
from core.settings import ROOT
from core.types import Actor
from db.enums import CampaignOrder, CampaignStatus, Role
from db.tables import CampaignRow
from pages.components.words import LANGUAGE_KEY
from tests.core.labeling.shelf import Shelf, change_row, fill_shelf


@pytest.fixture
def shelf(sqlite_runtime: Runtime) -> Shelf:
    return fill_shelf(sqlite_runtime, 60)


@pytest.fixture
def open_page(sqlite_runtime: Runtime, shelf: Shelf, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(sqlite_runtime.data_dir))
    monkeypatch.setenv("SHELFWRIGHT_PERSON", "tester")
    st.cache_resource.clear()
    st.cache_data.clear()

    def open_(name: str, language: str = "en", who: Actor = actor, **query: str) -> AppTest:
        page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
        page.session_state["app.actor"] = who
        page.session_state[LANGUAGE_KEY] = language
        page.run()
        page.switch_page(f"pages/{name}.py")
        for key, value in query.items():
            page.query_params[key] = value
        page.run()
        assert not page.exception
        return page

    yield open_
    st.cache_resource.clear()


def create(page: AppTest) -> None:
    next(button for button in page.button if button.label == "Create the campaign").click().run()


def titles(page: AppTest) -> list[str]:
    return list(page.dataframe[0].value["Title"])


def test_the_url_is_the_filter(open_page, shelf: Shelf) -> None:  # type: ignore[no-untyped-def]
    page = open_page("products", keyword="trousers", disagrees="1", confidence_below="0.5", order="margin")
    assert page.text_input(key="products.keyword").value == "trousers"
    assert page.number_input(key="products.confidence_below").value == 50
    assert titles(page)[0] == "상품 1 Trousers 100%_면"
    assert any("8 products" in one.value for one in page.markdown)
    page.button(key="products.chip.disagrees").click().run()
    assert "disagrees" not in page.query_params
    assert any("10 products" in one.value for one in page.markdown)


def test_a_change_of_the_filter_goes_into_the_url(open_page) -> None:  # type: ignore[no-untyped-def]
    page = open_page("products", cursor="")
    page.text_input(key="products.keyword").input("shirt").run()
    page.selectbox(key="products.label_source").select("none").run()
    assert page.query_params["keyword"] == "shirt"
    assert page.query_params["label_source"] == "none"
    assert all("shirt" in title for title in titles(page))
    assert not page.exception


def test_pages_turn_both_ways(open_page) -> None:  # type: ignore[no-untyped-def]
    page = open_page("products")
    first = titles(page)
    page.button(key="products.next").click().run()
    assert len(titles(page)) == 10
    assert page.button(key="products.next").disabled
    page.button(key="products.back").click().run()
    assert titles(page) == first


def test_a_broken_url_is_told_and_shows_everything(open_page) -> None:  # type: ignore[no-untyped-def]
    page = open_page("products", label_source="robot", order="sideways")
    assert "robot" in page.warning[0].value
    assert len(titles(page)) == 50
    page = open_page("products", cursor="junk")
    assert page.info


@pytest.mark.parametrize("role", [Role.ANALYST, Role.OPERATOR])
def test_a_link_to_what_somebody_decided_tells_no_score(
    open_page, sqlite_runtime: Runtime, actor: Actor, role: Role
) -> None:  # type: ignore[no-untyped-def]
    query = {"decided_by": str(actor.person_id), "disagrees": "1"}
    admins = open_page("products", **query)  # what an admin just looked at is kept for them alone
    assert (found_in(admins), chips(admins)[-1]) == (["**0 products**"], "Decided by tester")
    for where in ("products", "campaigns", "exports"):
        page = open_page(where, who=sign_in_local(sqlite_runtime, "Ann", role), **query, new="filter")
        assert "Decided by tester" not in chips(page)
        assert "**0 products**" not in found_in(page)
    page = open_page("products", who=sign_in_local(sqlite_runtime, "Ann", role), **query)
    assert "What somebody else decided" in page.warning[0].value
    assert found_in(page) == ["**60 products**"]


def found_in(page: AppTest) -> list[str]:
    return [one.value for one in page.markdown if one.value.endswith("products**")]


def chips(page: AppTest) -> list[str]:
    return [button.label for button in page.button if button.label and (button.key or "").startswith("products.chip.")]


def test_gold_is_a_choice_for_who_reviews(open_page, sqlite_runtime: Runtime) -> None:  # type: ignore[no-untyped-def]
    analyst = sign_in_local(sqlite_runtime, "Ann", Role.ANALYST)
    page = open_page("products", who=analyst, label_source="gold")
    assert "gold is for reviewers" in page.warning[0].value.lower()
    assert "Settled by a reviewer" not in page.selectbox(key="products.label_source").options
    assert "Settled by a reviewer" in open_page("products").selectbox(key="products.label_source").options


def test_a_campaign_from_a_filter(open_page, sqlite_runtime: Runtime) -> None:  # type: ignore[no-untyped-def]
    page = open_page("campaigns", new="filter", keyword="shirt", disagrees="1", order="disagreement")
    assert any("shirt" in one.value for one in page.markdown)
    page = open_page("campaigns", new="filter", keyword="trousers", order="margin")
    page.text_input(key="campaigns.name.low_confidence.0").input("Mine *now*")
    create(page)
    assert not page.exception
    (made,) = list_campaigns(sqlite_runtime)
    assert (made.name, made.n_tasks, made.filter.keyword) == ("Mine *now*", 30, "trousers")
    assert any("Mine \\*now\\*" in one.value for one in page.markdown)


def test_after_a_campaign_the_form_is_empty_and_proposes_another_name(open_page, sqlite_runtime: Runtime) -> None:  # type: ignore[no-untyped-def]
    page = open_page("campaigns")
    page.number_input(key="campaigns.limit.0").set_value(3)
    page.text_area(key="campaigns.guidelines.0").input("Only these three.")
    create(page)
    create(page)
    assert not page.exception
    assert not page.error
    newest, first = list_campaigns(sqlite_runtime)
    assert (first.name, first.n_tasks, first.guidelines) == ("Low confidence", 3, "Only these three.")
    assert (newest.name, newest.n_tasks > 3, newest.guidelines) == ("Low confidence 2", True, None)


def test_the_name_of_the_first_run_is_read_in_ones_own_language(open_page, sqlite_runtime: Runtime) -> None:  # type: ignore[no-untyped-def]
    page = open_page("campaigns")
    create(page)
    page = open_page("campaigns", language="ko")
    assert any("낮은 확신도" in one.value for one in page.markdown)
    assert page.text_input(key="campaigns.name.low_confidence.0").value == "낮은 확신도 2"


def test_pause_resume_close_by_button(open_page, sqlite_runtime: Runtime) -> None:  # type: ignore[no-untyped-def]
    page = open_page("campaigns")
    create(page)
    (made,) = list_campaigns(sqlite_runtime)
    for name, status in (
        ("pause", CampaignStatus.PAUSED),
        ("resume", CampaignStatus.ACTIVE),
        ("close", CampaignStatus.CLOSED),
    ):
        page.button(key=f"campaigns.{name}.{made.id}").click().run()
        assert not page.exception
        assert list_campaigns(sqlite_runtime)[0].status == status


def test_a_campaign_whose_building_was_broken_off_is_built_again_by_button(open_page, sqlite_runtime: Runtime) -> None:  # type: ignore[no-untyped-def]
    page = open_page("campaigns")
    create(page)
    (made,) = list_campaigns(sqlite_runtime)
    change_row(sqlite_runtime, CampaignRow, made.id, status=CampaignStatus.BUILDING)
    page = open_page("campaigns")
    assert any("not fully built" in one.value for one in page.markdown)
    page.button(key=f"campaigns.resume.{made.id}").click().run()
    assert not page.exception
    assert find_unfinished_job(sqlite_runtime, ["build_campaign"]) is not None
    assert not any(button.key == f"campaigns.resume.{made.id}" for button in page.button)


def test_what_cannot_be_made_is_said(open_page) -> None:  # type: ignore[no-untyped-def]
    page = open_page("campaigns", new="filter", keyword="nowhere to be found")
    create(page)
    assert "No product matches" in page.error[0].value


def test_a_kind_is_told_what_it_needs(open_page, shelf: Shelf, sqlite_runtime: Runtime) -> None:  # type: ignore[no-untyped-def]
    a, b = shelf.leaves[1], shelf.leaves[2]
    page = open_page("campaigns", new="kind", kind="ambiguous_pair", a=str(a))
    assert any("Choose the two categories" in one.value for one in page.caption)
    assert not any(button.label == "Create the campaign" for button in page.button)
    page = open_page("campaigns", new="kind", kind="ambiguous_pair", a=str(a), b=str(b))
    assert any("30 products" in one.label for one in page.get("page_link"))
    page.toggle(key="campaigns.sample").set_value(True).run()
    assert len(titles(page)) == 5
    create(page)
    assert not page.exception
    assert "Choose the two categories" in " ".join(one.value for one in page.caption)  # open still, for the next pair
    assert page.expander[0].proto.expanded
    (made,) = list_campaigns(sqlite_runtime)
    assert (made.settings.choices, made.n_tasks, made.filter.pair_ids) == ((a, b), 30, (a, b))


def test_more_settings_are_kept(open_page, sqlite_runtime: Runtime, actor: Actor) -> None:  # type: ignore[no-untyped-def]
    page = open_page("campaigns", new="kind", kind="random")
    key = "campaigns.more.random.0"
    for field, value in (("share", 20), ("gold", 10), ("decisions", 40), ("error", 5.0), ("max", 25)):
        page.number_input(key=f"{key}.{field}").set_value(value)
    page.toggle(key=f"{key}.blind").set_value(True)
    page.selectbox(key=f"{key}.order").set_value(CampaignOrder.OLDEST)
    page.multiselect(key=f"{key}.members").set_value([actor.person_id])
    page.number_input(key="campaigns.overlap.random.0").set_value(2)
    create(page)
    assert not page.exception
    (made,) = list_campaigns(sqlite_runtime)
    assert made.settings == CampaignSettings(
        overlap=2,
        strata=(Stratum(3, share=0.2),),
        is_blind=True,
        max_per_category=25,
        gold_rate=0.1,
        target_decisions=40,
        target_error=0.05,
        member_ids=(actor.person_id,),
    )
    assert made.order == CampaignOrder.OLDEST
    shown = " ".join(one.value for one in page.caption)
    for words in ("2 to 3 people per product", "at most 25", "10 % hidden checks", "for tester", "40 decisions"):
        assert words in shown.replace("\\", "")


def test_clone_delete_and_restore_by_button(open_page, sqlite_runtime: Runtime) -> None:  # type: ignore[no-untyped-def]
    page = open_page("campaigns")
    create(page)
    (made,) = list_campaigns(sqlite_runtime)
    page.button(key=f"campaigns.close.{made.id}").click().run()
    page.button(key=f"campaigns.reopen.{made.id}").click().run()
    page.button(key=f"campaigns.clone.{made.id}").click().run()
    assert [one.name for one in list_campaigns(sqlite_runtime)] == ["Low confidence 2", "Low confidence"]
    assert "Low confidence 2" in page.toast[0].value
    clone = list_campaigns(sqlite_runtime)[0]
    assert page.text_input(key=f"campaigns.clone_name.{clone.id}").value == "Low confidence 3"
    page.button(key=f"campaigns.delete.{made.id}").click().run()
    assert len(list_campaigns(sqlite_runtime)) == 2  # no reason was given
    page.text_input(key=f"campaigns.reason.{made.id}").input("a slip")
    page.button(key=f"campaigns.delete.{made.id}").click().run()
    assert not page.exception
    assert [one.name for one in list_campaigns(sqlite_runtime)] == ["Low confidence 2"]
    assert "'Low confidence' is deleted\\. Under 'Deleted campaigns'" in page.toast[0].value
    assert page.text_input(key="campaigns.name.low_confidence.2").value == "Low confidence 3"
    page.button(key=f"campaigns.restore.{made.id}").click().run()
    assert len(list_campaigns(sqlite_runtime)) == 2


def test_the_form_says_how_many_and_which_first(open_page, sqlite_runtime: Runtime) -> None:  # type: ignore[no-untyped-def]
    page = open_page("campaigns", new="kind", kind="random")
    page.number_input(key="campaigns.limit.random.0").set_value(7).run()
    assert any("up to 7 of 60 products" in one.label for one in page.get("page_link"))
    page.toggle(key="campaigns.sample").set_value(True).run()
    shuffled = titles(page)
    page.selectbox(key="campaigns.more.random.0.order").set_value(CampaignOrder.OLDEST).run()
    assert titles(page) != shuffled
    page.number_input(key="campaigns.more.random.0.max").set_value(1).run()
    assert not page.exception
    assert any("of 60 products" in one.label for one in page.get("page_link"))
    assert 1 <= len(titles(page)) <= 5


def test_guidelines_are_changed_and_none_are_lost(open_page, sqlite_runtime: Runtime, actor: Actor) -> None:  # type: ignore[no-untyped-def]
    page = open_page("campaigns")
    create(page)
    (made,) = list_campaigns(sqlite_runtime)
    field, button = f"campaigns.set_guidelines.{made.id}.{hash(None)}", f"campaigns.save_guidelines.{made.id}"
    set_guidelines(sqlite_runtime, actor, made.id, "Theirs.", None)
    page.text_area(key=field).input("Mine.")
    page.button(key=button).click().run()
    assert not page.exception
    assert list_campaigns(sqlite_runtime)[0].guidelines == "Theirs."
    assert [one.value for one in page.code] == ["Mine."]
    page.text_area(key=f"campaigns.set_guidelines.{made.id}.{hash('Theirs.')}").input("Both.")
    page.button(key=button).click().run()
    assert list_campaigns(sqlite_runtime)[0].guidelines == "Both."
    assert "Saved" in page.toast[0].value
    assert not page.code


def test_filters_of_the_products_page(open_page) -> None:  # type: ignore[no-untyped-def]
    page = open_page("products", any_words="shirt,nothing", months="1,12", margin_above="0.1")
    assert page.text_input(key="products.any_words").value == "shirt, nothing"
    assert page.multiselect(key="products.months").value == [1, 12]
    page.multiselect(key="products.months").set_value([3, 2]).run()
    assert page.query_params["months"] == "2,3"
    page.toggle(key="products.people_disagree").set_value(True).run()
    assert page.query_params["people_disagree"] == "1"
    page.button(key="products.chip.any_words").click().run()
    assert "any_words" not in page.query_params
    assert not page.exception
