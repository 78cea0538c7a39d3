"""A new version of the tree on the Taxonomy page: files, comparison, act."""

from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.catalogue.taxonomy import load_taxonomy
from core.runtime import Runtime
from pages.components.taxonomy_version import PLAN
from tests.core.catalogue.taxonomy_versions.trees import add_labeled, grow, write_mapping, write_tree


def test_every_category_is_told_before_anything_changes(
    open_page: Callable[[str], AppTest], sqlite_runtime: Runtime, tmp_path: Path
) -> None:
    ids = grow(sqlite_runtime, "옷 > 바지", "옷 > 치마", "신발")
    for path in ("옷 > 바지", "신발"):
        add_labeled(sqlite_runtime, ids[path], 3)
    tree, mapping = write_tree(tmp_path, "의류 > 바지"), write_mapping(tmp_path, ("옷", "의류"), ("모자", "의류"))
    page = open_page("pages/taxonomy.py")
    page.run()
    page.file_uploader("taxonomy.version.tree").set_value((tree.name, tree.read_bytes(), "text/csv"))
    page.file_uploader("taxonomy.version.map").set_value((mapping.name, mapping.read_bytes(), "text/csv"))
    next(button for button in page.button if button.label == "Compare").click().run()
    assert not page.exception
    told = "\n".join(part.value for part in page.markdown)
    assert "Moved or renamed **2**" in told
    assert "Unmapped **1**" in told
    assert "1 rows cannot be used." in page.warning[0].value
    assert "옷 > 바지" in {node.path for node in load_taxonomy(sqlite_runtime).categories.values()}
    page.button("taxonomy.version.do").click().run()
    assert "Say why" in page.toast[0].value
    assert PLAN in page.session_state
    page.text_input("taxonomy.version.reason").set_value("tree of 2027")
    page.button("taxonomy.version.do").click().run()
    assert PLAN not in page.session_state
    assert load_taxonomy(sqlite_runtime).categories[ids["옷 > 바지"]].path == "의류 > 바지"
