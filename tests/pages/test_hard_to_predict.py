"""'Hard to predict' on the screens: the card, the list and its filter, the diagram; flags on the taxonomy page."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from core.catalogue.taxonomy import ensure_categories, get_category, load_categories
from core.runtime import Runtime
from core.training import registry
from core.types import Actor, utc_now
from db.people import raise_revision
from db.tables import ModelVersionRow, PredictionRow
from pages.components.words import LANGUAGE_KEY
from tests.browser.shelf import Queue, make_queue
from tests.core.training.answers import add_version, put_in_fold
from tests.core.training.shelf import category_id, fill_shelf

OpenPage = Callable[[str], AppTest]
RATE = {"value": 0.6, "low": 0.5, "high": 0.7, "n": 100}
METRICS = {
    "test": {
        **dict.fromkeys(("p_at_1", "p_at_2", "p_at_4"), RATE),
        "macro_f1": 0.5,
        "ece": 0.012,
        "n_categories": 3,
    },
    "ece_cleaned": {"ece": 0.034, "n": 90, "n_aside": 10},
    "reliability": [
        {"low": 0.4, "high": 0.47, "n": 40, "confidence": 0.45, "n_right": 18},
        {"low": 0.93, "high": 1.0, "n": 60, "confidence": 0.97, "n_right": 42},
    ],
    "abstention": {
        "target": 0.95,
        "n_calibration": 200,
        **dict.fromkeys(("coverage", "precision", "backed_off", "back_off_precision"), RATE),
        "n_categories": 40,
        "n_missed": 3,
    },
}


def words(page: AppTest) -> str:
    parts = [*page.text, *page.caption, *page.markdown]
    return "\n".join(part.value for part in parts).replace("\\", "")


def framed(open_page: OpenPage, actor: Actor, name: str, language: str = "en", **query: str) -> AppTest:
    page = open_page("app.py")
    page.session_state["app.actor"] = actor
    page.session_state[LANGUAGE_KEY] = language
    page.run()
    page.query_params.update(query)
    page.switch_page(f"pages/{name}.py").run()
    assert not page.exception, page.exception
    return page


def make_hard(runtime: Runtime, within: int | None, products: list[int] | None = None) -> None:
    chosen = sa.true() if products is None else PredictionRow.product_id.in_(products)
    with runtime.sessions.write() as session:
        session.execute(sa.update(PredictionRow).where(chosen).values(abstained=True, back_off_category_id=within))
        raise_revision(session, "predictions")


@pytest.fixture
def queue(sqlite_runtime: Runtime) -> Queue:
    return make_queue(sqlite_runtime, n=3)


def test_the_card_says_where_the_model_is_sure(open_page: OpenPage, sqlite_runtime: Runtime, queue: Queue) -> None:
    assert "hard to predict" not in words(open_page("pages/label.py").run())
    parent = get_category(sqlite_runtime, queue.leaf_ids[0]).parent_id
    assert parent is not None
    make_hard(sqlite_runtime, parent)
    page = open_page("pages/label.py").run()
    assert not page.exception
    assert f"hard to predict: surely within {get_category(sqlite_runtime, parent).path}" in words(page)
    make_hard(sqlite_runtime, None)
    page = open_page("pages/label.py")
    page.session_state[LANGUAGE_KEY] = "ko"
    assert "예측 곤란" in words(page.run())


def test_the_list_shows_and_filters_them(open_page: OpenPage, sqlite_runtime: Runtime, actor: Actor) -> None:
    ids = fill_shelf(sqlite_runtime, 5)["바지"]
    trousers = category_id(sqlite_runtime, "바지")
    version = add_version(sqlite_runtime, actor, dict.fromkeys(ids, trousers))
    registry.promote(sqlite_runtime, actor, version, "the first")
    above = get_category(sqlite_runtime, trousers).parent_id
    make_hard(sqlite_runtime, above, ids[:2])
    page = framed(open_page, actor, "products", hard_to_predict="1")
    assert list(page.dataframe[0].value["Is it sure?"]) == ["hard to predict: surely within 상품"] * 2
    page.button(key="products.chip.hard_to_predict").click().run()
    assert len(page.dataframe[0].value) == 15


def test_the_diagram_says_n_and_what_is_sure(open_page: OpenPage, sqlite_runtime: Runtime, actor: Actor) -> None:
    ids = fill_shelf(sqlite_runtime, 5)["바지"]
    put_in_fold(sqlite_runtime, ids, 0)
    for _ in range(2):
        version = add_version(sqlite_runtime, actor, dict.fromkeys(ids, category_id(sqlite_runtime, "바지")))
    with sqlite_runtime.sessions.write() as session:
        session.execute(sa.update(ModelVersionRow).where(ModelVersionRow.id == version).values(metrics=METRICS))
    page = framed(open_page, actor, "training")
    assert "60.0 % (50.0 to 70.0, n = 100)" in str(page.dataframe[0].value["Answers surely"].tolist())
    judged = page.dataframe[0].value["Calibration error"].tolist()
    assert "1.2 % against all labels, 3.4 % without 10 suspected ones" in judged
    columns = list(page.dataframe[0].value)
    assert max(map(columns.index, ("Calibration error", "Answers surely"))) < columns.index("Snapshot")
    page.toggle(key="training.reliability").set_value(True).run()
    assert not page.exception
    (chart,) = page.get("plotly_chart")
    assert "n=60" in chart.proto.spec
    said = words(page)
    assert "calibration error 1.2 % on 100 held-out products" in said
    assert "3.4 % on the 90 products without 10 suspected labels" in said
    assert "3 of 40 categories; about 2 would by chance" in said
    page = framed(open_page, actor, "compare", a="1", b="2")
    page.toggle(key="compare.reliability").set_value(True).run()
    assert not page.exception
    assert "v1 was judged before there was a reliability diagram" in words(page)
    assert len(page.get("plotly_chart")) == 1


def test_flags_are_set_on_the_taxonomy_page(open_page: OpenPage, sqlite_runtime: Runtime, actor: Actor) -> None:
    with sqlite_runtime.sessions.write() as session:
        ids = ensure_categories(session, [("신발", "기타"), ("신발", "구두")], utc_now())
    page = framed(open_page, actor, "taxonomy", category=str(ids["신발", "구두"]))
    page.toggle(key=f"taxonomy.is_recommended.{ids['신발', '구두']}").set_value(False).run()
    assert not get_category(sqlite_runtime, ids["신발", "구두"]).is_recommended
    assert "not suggested" in words(page)
    page.button(key="taxonomy.mark_catch_alls").click().run()
    assert not page.exception
    assert [node.name for node in load_categories(sqlite_runtime).values() if node.is_catch_all] == ["기타"]
    assert "No leaf is named like a catch-all" in words(page)
