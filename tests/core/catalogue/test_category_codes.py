"""A column of codes without a taxonomy file: the tree's own codes count, and no category is invented."""

from pathlib import Path

from core.catalogue.import_runs import list_rejects
from core.catalogue.taxonomy import grow_taxonomy
from core.runtime import Runtime
from core.types import Actor, utc_now
from tests.core.catalogue.importing_help import category_paths, do_import, titles

FRUIT, BREAD, CAKE = ("Food", "Fruit"), ("Food", "Bread"), ("Food", "Cake")


def test_codes_of_leaves_in_the_tree_are_known_all_else_is_rejected(
    runtime: Runtime, actor: Actor, tmp_path: Path
) -> None:
    codes = {("Food",): "1", FRUIT: "010", BREAD: "7", CAKE: "7"}
    with runtime.sessions.write() as session:
        grow_taxonomy(session, codes, utc_now(), codes=codes)
    before = category_paths(runtime)
    path = tmp_path / "items.csv"
    path.write_text(
        "id,title,category_code\n1,Apple,010\n2,Nut,99\n3,All,1\n4,Roll,7\n5,Thing,unknown\n6,Bag,\n", "utf-8"
    )
    run = do_import(runtime, actor, path)
    assert titles(runtime) == ["Apple", "Thing", "Bag"]
    rejects = list_rejects(runtime, run.id)
    assert [(reject.line, reject.value) for reject in rejects] == [(3, "99"), (4, "1"), (5, "7")]
    assert "--taxonomy FILE" in str(rejects[0].reason)
    assert category_paths(runtime) == before


def test_a_path_in_such_a_column_is_still_a_path(runtime: Runtime, actor: Actor, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("id,title,category_code\n1,x,Clothes>Women\n2,y,99\n", "utf-8")
    assert do_import(runtime, actor, path).n_rejected == 1
    assert set(category_paths(runtime).values()) == {"Clothes", "Clothes > Women"}
