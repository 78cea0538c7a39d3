"""How long editing the tree takes: 50,000 labels merged, split and taken back, beside relabeling them one by one.

`python -m bench.taxonomy_edits [--quick] [--postgres]`. The peer is what the labeling path does for one product (a
label row and an update of the product), in transactions of 1,000.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.catalogue.taxonomy import ensure_categories
from core.catalogue.taxonomy_edits.acts import (
    NewLeaf,
    merge_categories,
    preview_merge,
    rename_category,
    split_category,
    undo_edit,
)
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import Settings
from core.types import utc_now
from db.enums import LabelSource
from db.tables import LabelRow, ProductRow, table_of
from tests.postgres import postgres_server

OTHERS = 4  # products in other leaves for each in the leaf that is edited


def fill(runtime: Runtime, n: int) -> list[int]:
    """n products in the first leaf, four times as many in others; the ids of the leaves."""
    now = utc_now()
    products, labels = table_of(ProductRow), table_of(LabelRow)
    with runtime.sessions.write() as session:
        paths = [("top", f"leaf {i}") for i in range(50)]
        ids = ensure_categories(session, paths, now)
        leaves = [ids[path] for path in paths]
        rows = [
            {
                "id": i + 1,
                "source": "s",
                "external_id": str(i),
                "title": f"thing {i} {'red' if i % 3 else 'blue'}",
                "content_hash": "x",
                "category_id": leaves[0 if i < n else 1 + i % 49],
                "label_source": LabelSource.IMPORT,
                "labeled_at": now,
                "created_at": now,
                "updated_at": now,
            }
            for i in range(n * (1 + OTHERS))
        ]
        session.execute(sa.insert(products), rows)
        said = sa.select(products.c.id, products.c.category_id, products.c.label_source, products.c.created_at)
        session.execute(sa.insert(labels).from_select(["product_id", "category_id", "source", "created_at"], said))
    return leaves


def one_by_one(runtime: Runtime, n: int, leaf: int) -> None:
    products, labels = table_of(ProductRow), table_of(LabelRow)
    now = utc_now()
    for start in range(1, n + 1, 1_000):
        with runtime.sessions.write() as session:
            for id_ in range(start, min(start + 1_000, n + 1)):
                row = {"product_id": id_, "category_id": leaf, "source": LabelSource.IMPORT, "created_at": now}
                session.execute(sa.insert(labels), row)
                session.execute(sa.update(products).where(products.c.id == id_).values(category_id=leaf))


def measure(runtime: Runtime, n: int) -> dict[str, Any]:
    actor = sign_in_local(runtime, "bench")
    leaves = fill(runtime, n)
    seconds: dict[str, float] = {}

    def timed(name: str, act: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        result = act()
        seconds[name] = round(time.perf_counter() - began, 3)
        return result

    timed("preview", lambda: preview_merge(runtime, leaves[0], leaves[1]))
    merge = timed("merge", lambda: merge_categories(runtime, actor, leaves[0], leaves[1], reason="bench"))
    timed("undo_merge", lambda: undo_edit(runtime, actor, merge.id))
    parts = [NewLeaf("red", ("red",)), NewLeaf("rest", is_default=True)]
    split = timed("split", lambda: split_category(runtime, actor, leaves[0], parts, reason="bench"))
    timed("undo_split", lambda: undo_edit(runtime, actor, split.id))
    timed("rename", lambda: rename_category(runtime, actor, leaves[0], "renamed"))
    few = max(n // 10, 1)
    timed("one_by_one_of_a_tenth", lambda: one_by_one(runtime, few, leaves[2]))
    ratio = round(10 * seconds["one_by_one_of_a_tenth"] / seconds["merge"], 1)
    return {"n": n, "n_all": n * (1 + OTHERS), "seconds": seconds, "merge_against_one_by_one": ratio}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 labels instead of 50,000")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own instead of SQLite")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = stack.enter_context(postgres_server(durable=True)) if asked.postgres else ""
        runtime = open_runtime(Settings(data_dir=Path(folder), database_url=url))
        stack.callback(runtime.close)
        found = {"database": "postgresql" if url else "sqlite", **measure(runtime, 2_000 if asked.quick else 50_000)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
