"""The Import page: a file chosen, read, mapped, started; what came of it; Korean."""

import io
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.catalogue.import_options import options_from
from core.catalogue.import_runs import list_import_runs
from core.catalogue.importing import JOB, import_file
from core.catalogue.uploads import Upload, store_upload
from core.jobs.queue import find_unfinished_job
from core.runtime import Runtime
from core.types import Actor
from pages.components.import_file import FILE_KEY
from pages.components.words import LANGUAGE_KEY
from tests.core.catalogue.importing_help import category_paths, do_import, run_next, titles

PAGE = "pages/import_data.py"


@pytest.fixture
def upload(sqlite_runtime: Runtime, actor: Actor) -> Upload:
    content = "id,상품명,카테고리,가격\n1,*모자*,남성 > 모자,1000\n2,양말,남성 > 양말,문의\n".encode("cp949")
    return store_upload(sqlite_runtime, actor, "여름.csv", io.BytesIO(content))


def test_nothing_yet(open_page: Callable[[str], AppTest]) -> None:
    page = open_page(PAGE).run()
    assert not page.exception
    assert [text.value for text in page.text] == ["Nothing was imported yet."]


def test_a_file_is_read_mapped_and_started(
    open_page: Callable[[str], AppTest], sqlite_runtime: Runtime, actor: Actor, upload: Upload
) -> None:
    page = open_page(PAGE)
    page.session_state[FILE_KEY] = upload.key
    page.run()
    assert not page.exception
    assert {
        box.label: box.value for box in page.selectbox if box.label in ("Title", "Price", "Product id", "Brand")
    } == {
        "Title": "상품명",
        "Price": "가격",
        "Product id": "id",
        "Brand": "",
    }
    assert page.multiselect[0].value == ["카테고리"]
    assert "Of the first 2 rows 1 would be rejected" in page.warning[0].value.replace("\\", "")
    page.button(key="import.start").click().run()
    assert not page.exception
    job = find_unfinished_job(sqlite_runtime, [JOB])
    assert job
    run_next(sqlite_runtime)
    page.run()
    assert not page.exception
    assert titles(sqlite_runtime) == ["*모자*"]
    assert {metric.label: metric.value for metric in page.metric} == {
        "Rows read": "2",
        "New products": "1",
        "Updated": "0",
        "Unchanged": "0",
        "Rejected": "1",
    }


def test_changed_boxes_are_what_is_imported(
    open_page: Callable[[str], AppTest], sqlite_runtime: Runtime, upload: Upload
) -> None:
    page = open_page(PAGE)
    page.session_state[FILE_KEY] = upload.key
    page.run()
    next(box for box in page.selectbox if box.label == "Title").select("카테고리").run()
    next(box for box in page.selectbox if box.label == "Price").select("none").run()
    page.multiselect[0].set_value([]).run()
    assert [box.value for box in page.warning] == []
    page.button(key="import.start").click().run()
    assert run_next(sqlite_runtime).result["rows_imported"] == 2
    assert titles(sqlite_runtime) == ["남성 > 모자", "남성 > 양말"]


def test_codes_are_named_by_an_uploaded_taxonomy(
    open_page: Callable[[str], AppTest], sqlite_runtime: Runtime, actor: Actor
) -> None:
    tree = store_upload(sqlite_runtime, actor, "tree.csv", io.BytesIO(b"code,level1,level2\n00,Food,Fruit\n"))
    items = store_upload(sqlite_runtime, actor, "items.csv", io.BytesIO(b"id,name,category_code\n1,Apple,00\n"))
    page = open_page(PAGE)
    page.session_state[FILE_KEY] = items.key
    page.run()
    next(box for box in page.selectbox if box.label.startswith("Taxonomy file")).select(str(tree.path)).run()
    assert not page.exception
    page.button(key="import.start").click().run()
    assert run_next(sqlite_runtime).result["rows_imported"] == 1
    assert set(category_paths(sqlite_runtime).values()) == {"Food", "Food > Fruit"}


def test_what_is_wrong_is_said_and_nothing_can_be_started(
    open_page: Callable[[str], AppTest], sqlite_runtime: Runtime, actor: Actor
) -> None:
    page = open_page(PAGE)
    upload = store_upload(sqlite_runtime, actor, "a.csv", io.BytesIO(b"sku,cost\n1,2\n"))
    page.session_state[FILE_KEY] = upload.key
    page.run()
    assert not page.exception
    assert page.button(key="import.start").disabled
    assert "No column is chosen for the title. The file has: sku, cost." in [text.value for text in page.text]


def test_a_file_that_cannot_be_read_is_said(
    open_page: Callable[[str], AppTest], sqlite_runtime: Runtime, actor: Actor
) -> None:
    page = open_page(PAGE)
    page.session_state[FILE_KEY] = store_upload(sqlite_runtime, actor, "b.csv", io.BytesIO(b"")).key
    page.run()
    assert not page.exception
    assert page.error[0].value.replace("\\", "") == "b.csv is empty."


def test_mended_rejects_go_to_the_source_they_came_from(
    open_page: Callable[[str], AppTest], sqlite_runtime: Runtime, actor: Actor
) -> None:
    for source in ("summer", "summer-sale"):
        first = store_upload(sqlite_runtime, actor, "first.csv", io.BytesIO(b"id,name\n1,Cap\n"))
        import_file(sqlite_runtime, actor, first.path, source, options_from({}))
        run_next(sqlite_runtime)
    mended = store_upload(sqlite_runtime, actor, "summer-sale-rejects-2.csv", io.BytesIO(b"id,name\n2,Socks\n"))
    page = open_page(PAGE)
    page.session_state[FILE_KEY] = mended.key
    page.run()
    assert not page.exception
    assert next(box for box in page.selectbox if box.label == "Source").value == "summer-sale"
    page.button(key="import.start").click().run()
    assert page.session_state[FILE_KEY] is None  # the field is empty for the next file


def test_in_korean_with_past_runs(
    open_page: Callable[[str], AppTest], sqlite_runtime: Runtime, actor: Actor, upload: Upload
) -> None:
    earlier = store_upload(sqlite_runtime, actor, "first.csv", io.BytesIO(b"id,name\n1,Cap\n"))
    do_import(sqlite_runtime, actor, earlier.path, **options_from({}).to_json())
    assert len(list_import_runs(sqlite_runtime)) == 1
    page = open_page(PAGE)
    page.session_state[LANGUAGE_KEY] = "ko"
    page.session_state[FILE_KEY] = store_upload(sqlite_runtime, actor, "b.csv", io.BytesIO(b"id,name\n1,Cap\n")).key
    page.run()
    assert not page.exception
    assert [metric.label for metric in page.metric] == ["읽은 행", "새 상품", "바뀜", "그대로", "들어오지 못함"]
    assert page.button(key="import.start").label == "가져오기 시작"
    assert any("파일 선택" in one.proto.body for one in page.get("html"))  # Streamlit's own field speaks English
