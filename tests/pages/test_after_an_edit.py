"""Pages about versions of before an edit of the tree: nothing falls over, categories are named as they are today."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.catalogue.taxonomy_edits.acts import (
    NewLeaf,
    merge_categories,
    rename_category,
    retire_category,
    split_category,
)
from core.runtime import Runtime
from core.training.compare import compare_versions
from core.types import Actor
from pages.components.words import LANGUAGE_KEY
from tests.core.analysis.gold_shelf import Case, make_shelf
from tests.core.training.answers import add_version
from tests.roles import ADMIN

OLD, NEW = "의류 > 치마", "의류 > 바지"


@pytest.fixture
def show(open_page: Callable[[str], AppTest], sqlite_runtime: Runtime, actor: Actor) -> Callable[..., AppTest]:
    """After four edits between two versions: skirts merged into trousers, vacuums split, fans retired, and a name."""
    shelf = make_shelf(sqlite_runtime, actor)
    leaf = shelf.leaf
    right, wrong = leaf["바지"], leaf["치마"]
    ids = shelf.add([Case(right, [wrong, right], wrong) for _ in range(40)])
    more = shelf.add([Case(leaf["청소기"], [leaf["청소기"]], leaf["청소기"]) for _ in range(40)])
    fans = shelf.add([Case(None, [leaf["선풍기"]], leaf["선풍기"]) for _ in range(3)])
    merge_categories(sqlite_runtime, actor, wrong, right, reason="one thing")
    parts = [NewLeaf("로봇청소기", ("robot",)), NewLeaf("유선청소기", is_default=True)]
    split_category(sqlite_runtime, actor, leaf["청소기"], parts, reason="two things")
    retire_category(sqlite_runtime, actor, leaf["선풍기"], leaf["셔츠"], reason="not sold")
    rename_category(sqlite_runtime, actor, leaf["셔츠"], "남방")
    later = add_version(sqlite_runtime, actor, dict.fromkeys([*ids, *more, *fans], right))
    versions = {"a": str(shelf.version_id), "b": str(later)}

    def run(name: str, **query: str) -> AppTest:
        page = open_page("app.py")
        page.session_state["app.actor"] = actor
        page.session_state[LANGUAGE_KEY] = "en"
        page.run()
        page.query_params.update(versions if name == "compare" else query)
        page.switch_page(f"pages/{name}.py").run()
        assert not page.exception, page.exception
        return page

    return run


def cells(page: AppTest) -> str:
    return "\n".join(frame.value.to_string() for frame in page.dataframe)


def test_compare_judges_and_names_as_today(show: Callable[..., AppTest], sqlite_runtime: Runtime) -> None:
    page = show("compare")
    said = cells(page)
    assert OLD not in said
    assert "로봇청소기" not in said
    assert "유선청소기" in said
    assert "남방" in said
    found = compare_versions(sqlite_runtime, ADMIN, 1, 2)
    by_path = {one.path: (one.n_right_a, one.n_right_b) for one in found.categories}
    assert by_path == {NEW: (40, 40), "가전 > 유선청소기": (40, 0)}
    assert (found.n_both, found.n_changed) == (83, 43)
    assert found.a.macro_f1 == 1.0


@pytest.mark.parametrize("name", ["training", "products", "error_rates"])
def test_other_pages_name_as_today(show: Callable[..., AppTest], name: str) -> None:
    page = show(name)
    said = cells(page) + "\n".join(part.value for part in [*page.text, *page.caption, *page.markdown])
    assert OLD not in said
    if name == "products":
        assert "Current label" in said
        assert NEW in said
    if name == "error_rates":
        assert not page.error
