"""A new version of the tree is taken over as one edit: labels follow, nothing is lost, and it can be undone."""

import csv
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.catalogue.products import ProductFilter, count_products
from core.catalogue.taxonomy import SEPARATOR, load_taxonomy
from core.catalogue.taxonomy_edits.undoing import undo_edit
from core.catalogue.taxonomy_importing import TaxonomyOptions
from core.catalogue.taxonomy_versions.apply import apply_version
from core.catalogue.taxonomy_versions.plan import plan_version
from core.errors import InvalidInput, StaleEdit
from core.runtime import Runtime
from core.training.lineage import find_descent
from core.types import Actor
from db.tables import ProductRow
from tests.core.catalogue.taxonomy_edits.trees import decide
from tests.core.catalogue.taxonomy_versions.trees import add_labeled, grow, write_mapping, write_tree
from tests.roles import ADMIN

OLD = ("옷 > 바지", "옷 > 치마", "옷 > 내의", "옷 > 잡화", "신발 > 구두", "신발 > 장화", "식품 > 과일", "식품 > 채소")
NEW = ("의류 > 바지 > 청바지", "의류 > 치마", "의류 > 속옷", "신발 > 구두", "가방 > 지갑", "가방 > 벨트")
MAPPING = (
    ("옷", "의류"),
    ("옷 > 내의", "의류 > 속옷"),
    ("옷 > 잡화", "가방 > 지갑"),
    ("옷 > 잡화", "가방 > 벨트"),
    ("신발 > 장화", "신발 > 구두"),
)
REASON = "the tree of 2027"


def label_paths(runtime: Runtime) -> dict[int, str]:
    """Product -> path of its label."""
    categories = load_taxonomy(runtime).categories
    with runtime.sessions.read() as session:
        rows = session.execute(sa.select(ProductRow.id, ProductRow.category_id)).all()
    return {product: categories[category].path for product, category in rows}


def paths_in_use(runtime: Runtime) -> set[str]:
    return {node.path for node in load_taxonomy(runtime).categories.values() if node.retired_at is None}


def test_labels_follow_and_it_can_be_undone(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    ids = grow(runtime, *OLD)
    products = {path: add_labeled(runtime, ids[path], 2) for path in OLD if path not in ("식품 > 과일", "옷 > 치마")}
    before, paths_before = label_paths(runtime), paths_in_use(runtime)
    plan = plan_version(runtime, actor, write_tree(tmp_path, *NEW), write_mapping(tmp_path, *MAPPING))
    edit = apply_version(runtime, actor, plan, "new.csv", reason=REASON)
    became = {
        "옷 > 바지": "의류 > 바지 > 바지",  # a leaf no more: they wait in one of its name
        "옷 > 내의": "의류 > 속옷",
        "옷 > 잡화": "의류 > 잡화",  # split: people decide
        "신발 > 구두": "신발 > 구두",
        "신발 > 장화": "신발 > 구두",
        "식품 > 채소": "식품 > 채소",  # nobody said what becomes of it
    }
    assert label_paths(runtime) == {product: became[path] for path, found in products.items() for product in found}
    assert paths_in_use(runtime) == {
        node for path in (*NEW, "의류 > 바지 > 바지", "의류 > 잡화", "식품 > 채소") for node in prefixes(path)
    }
    taxonomy = load_taxonomy(runtime).categories
    assert taxonomy[ids["옷 > 내의"]].path == "의류 > 속옷"  # the id stays
    assert all(
        node.is_leaf == (not load_taxonomy(runtime).children.get(node.id))
        for node in taxonomy.values()
        if not node.retired_at
    )
    assert edit.n_to_review == 4
    assert count_products(runtime, ADMIN, ProductFilter(edit_id=edit.id), 100) == 4
    leaf = next(node.id for node in taxonomy.values() if node.path == "의류 > 바지 > 바지")
    assert find_descent(runtime, [leaf, ids["신발 > 구두"]]) == {
        leaf: [ids["옷 > 바지"]],
        ids["신발 > 구두"]: [ids["신발 > 장화"]],
    }
    undo_edit(runtime, actor, edit.id, "too early")
    assert label_paths(runtime) == before
    assert paths_in_use(runtime) == paths_before


def prefixes(path: str) -> list[str]:
    names = path.split(SEPARATOR)
    return [SEPARATOR.join(names[:depth]) for depth in range(1, len(names) + 1)]


def test_names_may_change_places(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    ids = grow(runtime, "x > a", "y > b")
    first, second = add_labeled(runtime, ids["x > a"]), add_labeled(runtime, ids["y > b"])
    mapping = write_mapping(tmp_path, ("x > a", "y > b"), ("y > b", "x > a"), ("x", "y"), ("y", "x"))
    plan = plan_version(runtime, actor, write_tree(tmp_path, "x > a", "y > b"), mapping)
    apply_version(runtime, actor, plan, "new.csv", reason=REASON)
    assert label_paths(runtime) == {first[0]: "y > b", second[0]: "x > a"}


def test_a_plan_of_another_tree_is_refused(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    grow(runtime, "a")
    plan = plan_version(runtime, actor, write_tree(tmp_path, "b"))
    with pytest.raises(InvalidInput):
        apply_version(runtime, actor, plan, "new.csv", reason=" ")
    grow(runtime, "c")
    with pytest.raises(StaleEdit):
        apply_version(runtime, actor, plan, "new.csv", reason=REASON)
    assert paths_in_use(runtime) == {"a", "c"}


def test_a_label_given_since_the_plan_is_not_left_on_what_is_a_leaf_no_more(
    runtime: Runtime, actor: Actor, tmp_path: Path
) -> None:
    ids = grow(runtime, "옷 > 바지", "옷 > 치마")
    product = add_labeled(runtime, ids["옷 > 치마"])[0]
    plan = plan_version(runtime, actor, write_tree(tmp_path, "옷 > 바지 > 청바지", "옷 > 치마"))
    decide(runtime, actor, product, ids["옷 > 바지"])
    edit = apply_version(runtime, actor, plan, "new.csv", reason=REASON)
    assert label_paths(runtime) == {product: "옷 > 바지 > 바지"}
    undo_edit(runtime, actor, edit.id, "back")
    assert label_paths(runtime) == {product: "옷 > 바지"}


def test_done_again_it_changes_nothing(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    ids = grow(runtime, *OLD)
    add_labeled(runtime, ids["신발 > 장화"])
    tree, mapping = write_tree(tmp_path, *NEW), write_mapping(tmp_path, *MAPPING)
    apply_version(runtime, actor, plan_version(runtime, actor, tree, mapping), "new.csv", reason=REASON)
    paths, labels = paths_in_use(runtime), label_paths(runtime)
    again = plan_version(runtime, actor, tree, mapping)
    counts = again.counts
    assert (counts["moved"], counts["merged"], counts["added"], counts["dropped"]) == (0, 0, 0, 0)
    apply_version(runtime, actor, again, "new.csv", reason=REASON)
    assert (paths_in_use(runtime), label_paths(runtime)) == (paths, labels)


@pytest.mark.real_data
def test_a_real_version_with_ten_thousand_categories(
    sqlite_runtime: Runtime, actor: Actor, real_data: Path, tmp_path: Path
) -> None:
    runtime, folder = sqlite_runtime, real_data / "shopify-taxonomy"
    tree, mapping = folder / "categories_en_ko_ja.csv", folder / "map_shopify_shopify_2024-10_to_shopify_2025-08.csv"
    with mapping.open(encoding="utf-8", newline="") as file:
        pairs = [(row["src"], row["dst"]) for row in csv.DictReader(file)]
    with tree.open(encoding="utf-8", newline="") as file:
        now = [row["path_en"] for row in csv.DictReader(file)]
    came_of: dict[str, list[str]] = {}
    for src, dst in pairs:
        came_of.setdefault(dst, []).append(src)
    ids = grow(runtime, *[old for path in now for old in came_of.get(path, [path])])
    leaves = [src for src, _ in pairs if not any(path.startswith(f"{src} > ") for path in ids)]
    for src in leaves:
        add_labeled(runtime, ids[src], 2)
    n_labeled, paths_before = len(label_paths(runtime)), paths_in_use(runtime)
    plan = plan_version(runtime, actor, tree, mapping, TaxonomyOptions(language="en"))
    counts = plan.counts
    assert (counts["rejects"], counts["unmapped"]) == (0, 0)
    assert counts["kept"] > 10_000
    edit = apply_version(runtime, actor, plan, tree.name, reason=REASON)
    assert paths_in_use(runtime) == set(now)
    after = label_paths(runtime)
    assert len(after) == n_labeled
    assert set(after.values()) <= set(now)
    undo_edit(runtime, actor, edit.id, "back")
    assert paths_in_use(runtime) == paths_before
