"""A snapshot read back into memory: its rows by what they are for, and the tree above their categories."""

from array import array
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
    train, validation, test = _Columns(), _Columns(), _Columns()
    by_fold = {TEST: test, VALIDATION: validation}
    try:
        with pq.ParquetFile(path) as file:
            columns = tuple(file.schema_arrow.names)
            if columns not in (COLUMNS, OLD_COLUMNS):
                raise UnreadableFile(_CHANGED, path=path)
            content = Content(columns)
            for batch in file.iter_batches(CHUNK):
                chunk = list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
                content.add(chunk)
                for row in chunk:
                    by_fold.get(row[8], train).add(row)
    except (OSError, pa.ArrowInvalid) as error:
        raise UnreadableFile(N_("The snapshot {path} cannot be read: {reason}"), path=path, reason=error) from error
    if content.digest() != snapshot.content_hash:
        raise UnreadableFile(_CHANGED, path=path)
    class_ids = sorted(set(train.category_ids))
    position = {category_id: place for place, category_id in enumerate(class_ids)}
    return LearningRows(
        class_ids,
        train.rows(position),
        validation.known(position).rows(position),
        test.rows(position),
        test.category_ids,
        [test.accepted.get(at, []) for at in range(len(test.category_ids))],
        _class_paths(runtime, class_ids),
    )


class _Columns:
    """Rows of one part column by column: a million of them as tuples would take twice the memory.

    What comes again and again (a brand, a day) is kept once.
    """

    def __init__(self) -> None:
        self._once: dict[Any, Any] = {}
        self.product_ids: list[int] = []
        self.titles: list[str] = []
        self.mall_categories: list[str] = []
        self.mall_weights = array("f")
        self.brands: list[str] = []
        self.category_ids: list[int] = []
        self.is_human: list[bool] = []
        self.weights = array("f")
        self.folds: list[int] = []
        self.registered_at: list[datetime | None] = []
        self.accepted: dict[int, list[int]] = {}  # by place, of the few rows that have any

    def add(self, row: tuple[Any, ...]) -> None:
        """A row of the snapshot's COLUMNS or OLD_COLUMNS."""
        product_id, title, mall_category, mall_weight, brand, category_id, source, weight, fold, at, *accepted = row
        once = self._once.setdefault
        if accepted and accepted[0]:
            self.accepted[len(self.product_ids)] = accepted[0]
        self.product_ids.append(product_id)
        self.titles.append(title)
        self.mall_categories.append(once(mall_category, mall_category))
        self.mall_weights.append(mall_weight)
        self.brands.append(once(brand, brand))
        self.category_ids.append(once(category_id, category_id))
        self.is_human.append(source == "human")
        self.weights.append(weight)
        self.folds.append(fold)
        self.registered_at.append(once(at, at))

    def known(self, position: dict[int, int]) -> "_Columns":
        """The rows whose category has a position."""
        kept = _Columns()
        for place, category_id in enumerate(self.category_ids):
            if category_id in position:
                kept.add(self._row(place))
        return kept

    def _row(self, place: int) -> tuple[Any, ...]:
        return (
            self.product_ids[place],
            self.titles[place],
            self.mall_categories[place],
            self.mall_weights[place],
            self.brands[place],
            self.category_ids[place],
            "human" if self.is_human[place] else "",
            self.weights[place],
            self.folds[place],
            self.registered_at[place],
            self.accepted.get(place, []),
        )

    def rows(self, position: dict[int, int]) -> Rows:
        weights = np.array(self.mall_weights, np.float32)
        products = Products(self.titles, self.mall_categories, self.brands, weights)
        labels = np.fromiter((position.get(id_, -1) for id_ in self.category_ids), np.int64, len(self.category_ids))
        labeled = LabeledProducts(products, labels, np.array(self.weights, np.float32), self._alternatives(position))
        return Rows(self.product_ids, labeled, self.is_human, self.registered_at, self.folds)

    def _alternatives(self, position: dict[int, int]) -> "sparse.csr_matrix | None":
        """True (N, K) where a further category was accepted that has training rows; none: nowhere."""
        found = [(at, position[id_]) for at, ids in self.accepted.items() for id_ in ids if id_ in position]
        if not found:
            return None
        from scipy import sparse

        places = np.asarray(found, np.int64)
        shape = (len(self.product_ids), len(position))
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
