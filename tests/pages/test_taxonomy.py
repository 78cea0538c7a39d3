"""The taxonomy page: empty, browsed, edited, and fed with a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.catalogue.taxonomy import ensure_categories, get_category, load_categories, set_guidelines
from core.people import sign_in_local
from core.runtime import Runtime
from core.settings import ROOT
from core.types import utc_now
from db.enums import Role
from pages.components.context import ACTOR_KEY

PATHS = [("패션의류", "남성의류", "바지"), ("패션의류", "여성의류", "*원피스*"), ("식품", "사과")]


@pytest.fixture
def page(sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    st.cache_resource.clear()
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(sqlite_runtime.data_dir))
    monkeypatch.setenv("SHELFWRIGHT_PERSON", "tester")
    yield AppTest.from_file(str(ROOT / "pages" / "taxonomy.py"), default_timeout=20)
    st.cache_resource.clear()


@pytest.fixture
def ids(sqlite_runtime: Runtime) -> dict[tuple[str, ...], int]:
    with sqlite_runtime.sessions.write() as session:
        return ensure_categories(session, PATHS, utc_now())


def texts(page: AppTest) -> str:
    return "\n".join([*(part.value for part in page.caption), *(part.value for part in page.markdown)])


def test_an_empty_database_says_what_to_do(page: AppTest) -> None:
    page.run()
    assert not page.exception
    assert "Import a taxonomy file here" in page.info[0].value


def test_the_tree_is_browsed_by_the_address(page: AppTest, ids: dict[tuple[str, ...], int]) -> None:
    page.run()
    assert "7 categories, 3 of them leaves" in texts(page)
    assert list(page.dataframe[0].value["Category"]) == ["패션의류", "식품"]
    assert list(page.dataframe[0].value["Leaves"]) == [2, 1]
    page.query_params["category"] = str(ids[PATHS[1]])
    page.run()
    assert not page.exception
    assert "\\*원피스\\*" in texts(page)  # a name is text, not Markdown
    page.button("taxonomy.top").click().run()
    assert list(page.dataframe[0].value["Category"]) == ["패션의류", "식품"]


@pytest.mark.parametrize("address", ["nonsense", "-1", "99999", "9" * 30, "٣"])
def test_a_wrong_address_shows_the_roots(page: AppTest, ids: dict[tuple[str, ...], int], address: str) -> None:
    page.query_params["category"] = address
    page.run()
    assert not page.exception
    assert len(page.dataframe[0].value) == 2


def test_guidelines_are_saved(page: AppTest, sqlite_runtime: Runtime, ids: dict[tuple[str, ...], int]) -> None:
    trousers = ids[PATHS[0]]
    page.query_params["category"] = str(trousers)
    page.run()
    page.text_area[0].set_value("긴바지만")
    next(button for button in page.button if button.label == "Save").click()
    page.run()
    assert not page.exception
    assert page.success[0].value == "Saved."
    assert get_category(sqlite_runtime, trousers).guidelines == "긴바지만"
    assert page.text_area[0].value == "긴바지만"


def test_somebody_elses_guidelines_are_kept_and_so_is_what_was_typed(
    page: AppTest, sqlite_runtime: Runtime, ids: dict[tuple[str, ...], int]
) -> None:
    trousers = ids[PATHS[0]]
    page.query_params["category"] = str(trousers)
    page.run()
    set_guidelines(sqlite_runtime, sign_in_local(sqlite_runtime, "other"), trousers, "먼저", None)
    page.text_area[0].set_value("나중")
    next(button for button in page.button if button.label == "Save").click()
    page.run()
    assert "changed after you opened it" in page.error[0].value
    assert page.code[0].value == "나중"
    assert get_category(sqlite_runtime, trousers).guidelines == "먼저"


def test_an_annotator_reads_only(page: AppTest, sqlite_runtime: Runtime, ids: dict[tuple[str, ...], int]) -> None:
    page.session_state[ACTOR_KEY] = sign_in_local(sqlite_runtime, "ann", Role.ANNOTATOR)
    page.query_params["category"] = str(ids[PATHS[0]])
    page.run()
    assert not page.exception
    assert not page.text_area
    assert not page.file_uploader
    assert not any("Import" in box.label or "Take over" in box.label for box in page.expander)


def test_a_file_is_imported_with_its_rejects(page: AppTest, sqlite_runtime: Runtime, tmp_path: Path) -> None:
    page.run()
    page.file_uploader[0].set_value(("tree.csv", "level1,level2\n의류,바지\n,양말\n".encode(), "text/csv"))
    next(button for button in page.button if button.label == "Import").click()
    page.run()
    assert not page.exception
    assert "2 categories made" in page.success[0].value
    assert "1 rows rejected" in page.success[0].value
    rejects = next(frame.value for frame in page.dataframe if "Reason" in frame.value)
    assert list(rejects["Reason"]) == ["The level above '양말' is empty."]
    assert {category.path for category in load_categories(sqlite_runtime).values()} == {"의류", "의류 > 바지"}


def test_a_file_that_is_no_taxonomy_says_so(page: AppTest) -> None:
    page.run()
    page.file_uploader[0].set_value(("prices.csv", b"price\n1\n", "text/csv"))
    next(button for button in page.button if button.label == "Import").click()
    page.run()
    assert "no column with category paths" in page.error[0].value
