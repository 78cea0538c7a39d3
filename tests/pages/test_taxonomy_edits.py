"""The Taxonomy page edits the tree: preview, reason, result, undo, history, examples."""

import pytest
from streamlit.testing.v1 import AppTest

from core.catalogue.taxonomy import load_categories
from core.catalogue.taxonomy_edits.acts import merge_categories, rename_category
from core.labeling.campaigns import create_campaign, delete_campaign
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor
from db.enums import CampaignKind, Role
from pages.components.context import ACTOR_KEY
from tests.core.catalogue.taxonomy_edits.trees import Shop, decide, fill_shop, labels_now


@pytest.fixture
def shop(sqlite_runtime: Runtime) -> Shop:
    return fill_shop(sqlite_runtime)


@pytest.fixture
def page(open_page, shop: Shop) -> AppTest:  # type: ignore[no-untyped-def]
    page = open_page("pages/taxonomy.py")
    page.query_params["category"] = str(shop.leaves[0])
    return page.run()


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception
    return page


def texts(page: AppTest) -> str:
    return "\n".join(part.value for part in [*page.markdown, *page.caption, *page.text, *page.success, *page.error])


def choose(page: AppTest, shop: Shop, act: str) -> None:
    page.button_group(f"taxonomy.edit.act.{shop.leaves[0]}").set_value(act).run()


def test_a_split_is_shown_done_and_undone(page: AppTest, shop: Shop, sqlite_runtime: Runtime) -> None:
    before = labels_now(sqlite_runtime)
    choose(page, shop, "split")
    page.text_area(f"taxonomy.edit.split.{shop.leaves[0]}.leaves").set_value("청바지: jeans\n나머지").run()
    press(page, "See what it touches")
    assert "Of these" in texts(page)
    assert labels_now(sqlite_runtime) == before
    press(page, "Do it")
    assert "Say why" in texts(page)
    page.text_input("taxonomy.edit.reason").set_value("too broad").run()
    press(page, "Do it")
    assert "2 products went along" in texts(page)
    assert "is made, with" in texts(page)  # the tick for its campaign was set
    assert "taxonomy.result.campaign.1" not in {button.key for button in page.button}
    assert [one.value for one in page.info if "split into" in one.value] == [
        "It was split into '옷 \\> 청바지', '옷 \\> 나머지'."
    ]
    press(page, "Undo")
    assert labels_now(sqlite_runtime) == before
    assert "too broad" in texts(page)


def test_what_is_refused_says_why(page: AppTest, shop: Shop) -> None:
    choose(page, shop, "rename")
    page.text_input(f"taxonomy.edit.rename.{shop.leaves[0]}.name").set_value("셔츠").run()
    press(page, "See what it touches")
    assert "Merge the two instead" in page.error[0].value


def test_english_pages_name_paths_in_english(page: AppTest, shop: Shop, actor: Actor, sqlite_runtime: Runtime) -> None:
    for id_, name in ((shop.clothes, "Clothes"), (shop.leaves[0], "Trousers"), (shop.leaves[1], "Shirts")):
        rename_category(sqlite_runtime, actor, id_, load_categories(sqlite_runtime)[id_].name, name)
    merge_categories(sqlite_runtime, actor, shop.leaves[0], shop.leaves[1], reason="x")
    page.run()
    assert "'Clothes \\> Trousers' becomes a part of 'Clothes \\> Shirts'" in texts(page)


def test_a_deleted_campaign_is_offered_until_it_is_restored(open_page, shop: Shop, sqlite_runtime: Runtime) -> None:  # type: ignore[no-untyped-def]
    actor = sign_in_local(sqlite_runtime, "tester")
    made = create_campaign(sqlite_runtime, actor, "x", CampaignKind.RANDOM)
    delete_campaign(sqlite_runtime, actor, made.id, "y")
    audit = open_page("pages/audit.py").run()
    press(audit, "Restore this campaign")
    assert "Restore this campaign" not in [button.label for button in audit.button]
    assert "campaign deleted" in texts(audit)


def test_a_new_leaf_from_the_first_level(page: AppTest, sqlite_runtime: Runtime) -> None:
    del page.query_params["category"]
    page.run()
    page.text_input("taxonomy.edit.add.0.name").set_value("*새 가지*").run()
    press(page, "See what it touches")
    press(page, "Do it")
    assert "*새 가지*" in {one.path for one in load_categories(sqlite_runtime).values()}
    assert "\\*새 가지\\*" in texts(page)


def test_examples_are_added_and_removed(page: AppTest, shop: Shop) -> None:
    key = f"taxonomy.example.{shop.leaves[0]}"
    page.text_input(f"{key}.product").set_value("p3").run()
    press(page, "Add")
    assert "Belongs here: 청바지 slim" in texts(page)
    page.text_input(f"{key}.product").set_value("nothing").run()
    press(page, "Add")
    assert "no product 'nothing'" in texts(page).replace("\\", "")
    press(page, "Remove")
    assert "Belongs here:" not in texts(page)


def test_who_may_not_edit_sees_no_buttons(page: AppTest, shop: Shop, sqlite_runtime: Runtime) -> None:
    decide(sqlite_runtime, sign_in_local(sqlite_runtime, "tester"), shop.products[0], shop.leaves[0])
    page.session_state[ACTOR_KEY] = sign_in_local(sqlite_runtime, "ann", Role.ANNOTATOR)
    page.run()
    assert not page.exception
    assert not [button for button in page.button if button.label in ("See what it touches", "Add", "Undo")]


def test_products_list_what_is_gold_and_what_was_merged(open_page, sqlite_runtime: Runtime) -> None:  # type: ignore[no-untyped-def]
    from core.catalogue.taxonomy_edits.acts import merge_categories
    from core.labeling.settling import settle

    shop = fill_shop(sqlite_runtime)
    me = sign_in_local(sqlite_runtime, "tester")
    settle(sqlite_runtime, me, shop.products[0], shop.leaves[0], "gold")
    merge_categories(sqlite_runtime, me, shop.leaves[0], shop.leaves[1], reason="x")
    page = open_page("app.py")
    page.session_state[ACTOR_KEY] = me
    page.run()
    page.switch_page("pages/products.py")
    page.query_params["category_ids"] = str(shop.leaves[0])
    page.run()
    assert not page.exception
    table = page.dataframe[0].value
    assert set(table["Current label"]) == {"옷 > 셔츠"}
    assert list(table["Labeled by"]).count("Settled by a reviewer") == 1
    page.session_state[ACTOR_KEY] = sign_in_local(sqlite_runtime, "ana", Role.ANALYST)
    page.run()
    assert "Settled by a reviewer" not in list(page.dataframe[0].value["Labeled by"])
