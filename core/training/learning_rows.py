"""A snapshot read back into memory: its rows by what they are for, and the tree above their categories."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.catalogue.taxonomy import load_categories
from core.errors import N_, UnreadableFile
from core.runtime import Runtime
from core.training.snapshot import CHUNK, COLUMNS, OLD_COLUMNS, Content, Snapshot
from core.training.splits import TEST, VALIDATION
from models.types import LabeledProducts, Products

if TYPE_CHECKING:
    from scipy import sparse

_CHANGED = N_("The snapshot {path} was changed after it was frozen.")


@dataclass(frozen=True)
class Rows:
    """Rows of one part. `LearningRows.class_ids` is the order of `labeled.labels`; -1 is a category without one."""

    product_ids: list[int]
    labeled: LabeledProducts
    is_human: list[bool]
    registered_at: list[datetime | None]
    folds: list[int]  # as db.enums.Fold says; near-duplicates share one

    def __len__(self) -> int:
        return len(self.product_ids)

    def take(self, places: NDArray[np.int64]) -> "Rows":
        """The rows at these places, in this order."""
        at = places.tolist()
        return Rows(
            [self.product_ids[place] for place in at],
            self.labeled.take(places),
            [self.is_human[place] for place in at],
            [self.registered_at[place] for place in at],
            [self.folds[place] for place in at],
        )


@dataclass(frozen=True)
class LearningRows:
    """A snapshot in memory, by what its rows are for."""

    class_ids: list[int]  # the categories that training rows have, ascending: the order of all labels
    train: Rows
    validation: Rows
    test: Rows
    test_labels: list[int]  # category ids, also of categories that no training row has
    test_alternatives: list[list[int]]  # category ids that people accepted as well
    class_paths: NDArray[np.int64]  # (K, D) category ids root .. leaf of each class, padded with -1


def read_snapshot(runtime: Runtime, snapshot: Snapshot) -> LearningRows:
    """Raises UnreadableFile when the file is gone or is not what was frozen."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = runtime.data_dir / snapshot.path
    try:
        with pq.ParquetFile(path) as file:
            columns = tuple(file.schema_arrow.names)
            if columns not in (COLUMNS, OLD_COLUMNS):
                raise UnreadableFile(_CHANGED, path=path)
            content = Content(columns)
            rows = []
            for batch in file.iter_batches(CHUNK):
                chunk = list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
                content.add(chunk)
                rows += chunk
    except (OSError, pa.ArrowInvalid) as error:
        raise UnreadableFile(N_("The snapshot {path} cannot be read: {reason}"), path=path, reason=error) from error
    if content.digest() != snapshot.content_hash:
        raise UnreadableFile(_CHANGED, path=path)
    by_fold: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        by_fold.setdefault({TEST: "test", VALIDATION: "validation"}.get(row[8], "train"), []).append(row)
    train = by_fold.get("train", [])
    class_ids = sorted({row[5] for row in train})
    position = {category_id: place for place, category_id in enumerate(class_ids)}
    validation = [row for row in by_fold.get("validation", []) if row[5] in position]
    test = by_fold.get("test", [])
    return LearningRows(
        class_ids,
        _labeled(train, position),
        _labeled(validation, position),
        _labeled(test, position),
        [row[5] for row in test],
        [_accepted(row) for row in test],
        _class_paths(runtime, class_ids),
    )


def _labeled(rows: list[tuple[Any, ...]], position: dict[int, int]) -> Rows:
    products = Products(
        titles=[row[1] for row in rows],
        mall_categories=[row[2] for row in rows],
        brands=[row[4] for row in rows],
        mall_weights=np.asarray([row[3] for row in rows], dtype=np.float32),
    )
    labels = np.asarray([position.get(row[5], -1) for row in rows], dtype=np.int64)
    weights = np.asarray([row[7] for row in rows], dtype=np.float32)
    return Rows(
        [row[0] for row in rows],
        LabeledProducts(products, labels, weights, _alternatives(rows, position)),
        [row[6] == "human" for row in rows],
        [row[9] for row in rows],
        [row[8] for row in rows],
    )


def _accepted(row: tuple[Any, ...]) -> list[int]:
    return row[10] if len(row) > 10 else []


def _alternatives(rows: list[tuple[Any, ...]], position: dict[int, int]) -> "sparse.csr_matrix | None":
    """True (N, K) where a further category was accepted that has training rows; none: nowhere."""
    found = [(at, position[id_]) for at, row in enumerate(rows) for id_ in _accepted(row) if id_ in position]
    if not found:
        return None
    from scipy import sparse

    places = np.asarray(found, np.int64)
    shape = (len(rows), len(position))
    return sparse.csr_matrix((np.ones(len(found), np.bool_), (places[:, 0], places[:, 1])), shape=shape)


def _class_paths(runtime: Runtime, class_ids: list[int]) -> NDArray[np.int64]:
    """The tree above the classes, as it is now."""
    categories = load_categories(runtime)
    paths = []
    for class_id in class_ids:
        path, node = [class_id], categories[class_id]
        while node.parent_id is not None:
            node = categories[node.parent_id]
            path.append(node.id)
        paths.append(path[::-1])
    found = np.full((len(paths), max(map(len, paths), default=1)), -1, np.int64)
    for row, path in enumerate(paths):
        found[row, : len(path)] = path
    return found
