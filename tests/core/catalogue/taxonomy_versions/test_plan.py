"""A new version of the tree is compared with the one in use: each category is told once what becomes of it."""

from pathlib import Path

import pytest

from core.catalogue.taxonomy import SEPARATOR, load_taxonomy
from core.catalogue.taxonomy_versions.mapping_file import read_mapping
from core.catalogue.taxonomy_versions.plan import VersionPlan, plan_version
from core.errors import Forbidden, InvalidInput
from core.runtime import Runtime
from core.types import Actor
from db.enums import Role
from tests.core.catalogue.taxonomy_versions.trees import add_labeled, grow, write_csv, write_mapping, write_tree

OLD = ("옷 > 바지", "옷 > 치마", "옷 > 내의", "옷 > 잡화", "신발 > 구두", "신발 > 장화", "식품 > 과일", "식품 > 채소")


def paths_of(plan: VersionPlan, name: str) -> dict[str, tuple[str, ...]]:
    return {change.path: change.targets for change in getattr(plan, name)}


def test_each_category_is_told_what_becomes_of_it(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    ids = grow(runtime, *OLD)
    for path in ("옷 > 바지", "옷 > 잡화", "신발 > 구두", "식품 > 채소", "옷 > 내의"):
        add_labeled(runtime, ids[path], 3)
    tree = write_tree(
        tmp_path, "의류 > 바지 > 청바지", "의류 > 치마", "의류 > 속옷", "신발 > 구두", "가방 > 지갑", "가방 > 벨트"
    )
    mapping = write_mapping(
        tmp_path,
        ("옷", "의류"),
        ("옷 > 내의", "의류 > 속옷"),
        ("옷 > 잡화", "가방 > 지갑"),
        ("옷 > 잡화", "가방 > 벨트"),
        ("신발 > 장화", "신발 > 구두"),
        ("우산", "가방"),
        ("옷 > 치마", "의류 > 스커트"),
    )
    plan = plan_version(runtime, actor, tree, mapping)
    assert paths_of(plan, "moved") == {
        "옷": ("의류",),
        "옷 > 바지": ("의류 > 바지",),  # below where its parent went
        "옷 > 내의": ("의류 > 속옷",),
        "옷 > 치마": ("의류 > 치마",),  # its row of the mapping cannot be used
    }
    assert paths_of(plan, "merged") == {"신발 > 장화": ("신발 > 구두",)}
    assert paths_of(plan, "split") == {"옷 > 잡화": ("가방 > 지갑", "가방 > 벨트")}
    assert paths_of(plan, "dropped") == {"식품 > 과일": ()}
    assert paths_of(plan, "unmapped") == {"식품": (), "식품 > 채소": ()}
    assert paths_of(plan, "refined") == {"옷 > 바지": ("의류 > 바지",)}
    assert [SEPARATOR.join(path) for path in plan.added] == [
        "가방",
        "가방 > 벨트",
        "가방 > 지갑",
        "의류 > 바지 > 청바지",
    ]
    assert [(reject.line, reject.value) for reject in plan.rejects] == [(7, "우산"), (8, "의류 > 스커트")]
    named = [
        change.category_id
        for name in ("moved", "merged", "split", "dropped", "unmapped")
        for change in getattr(plan, name)
    ]
    assert sorted([*plan.kept, *named]) == sorted(load_taxonomy(runtime).categories)


def test_the_one_with_most_products_becomes_what_several_map_to(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    ids = grow(runtime, "a", "b", "c")
    add_labeled(runtime, ids["b"], 2)
    plan = plan_version(
        runtime, actor, write_tree(tmp_path, "x"), write_mapping(tmp_path, ("a", "x"), ("b", "x"), ("c", "x"))
    )
    assert paths_of(plan, "moved") == {"b": ("x",)}
    assert paths_of(plan, "merged") == {"a": ("x",), "c": ("x",)}


def test_codes_find_what_was_renamed(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    from core.catalogue.taxonomy_importing import import_taxonomy_file

    old = write_csv(tmp_path / "old.csv", ("code", "path"), ("c1", "옷"), ("c2", "옷 > 바지"))
    import_taxonomy_file(runtime, actor, old)
    new = write_csv(
        tmp_path / "new.csv", ("code", "path"), ("c1", "의류"), ("c2", "의류 > 하의"), ("c3", "의류 > 상의")
    )
    plan = plan_version(runtime, actor, new)
    assert paths_of(plan, "moved") == {"옷": ("의류",), "옷 > 바지": ("의류 > 하의",)}
    assert plan.added == (("의류", "상의"),)


def test_a_mapping_needs_two_columns_and_rows(tmp_path: Path) -> None:
    three = write_csv(tmp_path / "three.csv", ("a", "b", "c"), ("1", "2", "3"))
    with pytest.raises(InvalidInput, match="src and dst"):
        read_mapping(three)
    with pytest.raises(InvalidInput, match="no rows"):
        read_mapping(write_csv(tmp_path / "empty.csv", ("src", "dst")))
    mapping = read_mapping(write_csv(tmp_path / "gone.csv", ("old", "n", "new"), ("a > b", "1", ""), ("", "2", "c")))
    assert [(row.old, row.new) for row in mapping.rows] == [(("a", "b"), None)]
    assert [reject.line for reject in mapping.rejects] == [3]


def test_only_who_may_edit_the_tree_plans(sqlite_runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    with pytest.raises(Forbidden):
        plan_version(sqlite_runtime, Actor(actor.person_id, "ann", Role.ANNOTATOR), write_tree(tmp_path, "a"))
