"""The frozen file that a version learns from: one Parquet row a labeled product, named by the hash of its content.

Human decisions outrank imported labels, the latest counts, an undone one does not; what people called undecidable
stays out. Written in chunks with flat memory to a temporary name, then renamed. The planted truth of the demo is
never read here.
"""

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from core.catalogue.taxonomy import load_categories
from core.runtime import Runtime
from core.training.splits import LEFT_OUT, TEST, VALIDATION
from core.types import utc_now
from db import alternatives, labels_for_training, snapshots
from db.enums import CHECKED_BY_PEOPLE, DecisionKind
from db.labels_for_training import Moment, Verdict
from db.product_texts import ProductText
from db.splits import map_folds

CHUNK = 10_000  # products read and rows written at a time
IMPORT_WEIGHT = 1.0
COLUMNS = (
    "product_id",
    "title",
    "mall_category",
    "mall_weight",
    "brand",
    "category_id",
    "label_source",
    "weight",
    "fold",
    "registered_at",
    "alternatives",  # further categories that people accepted
)
OLD_COLUMNS = COLUMNS[:10]  # of files frozen before there were alternatives


@dataclass(frozen=True)
class Snapshot:
    """A frozen file of rows to learn from. `path` is relative to the data folder."""

    id: int
    content_hash: str
    path: str
    n_rows: int
    summary: dict[str, Any]


@dataclass
class Choice:
    """Which labeled products are learned from, found in a first pass; `left_out` says how many are not and why."""

    moment: Moment
    categories: set[int] = field(default_factory=set)  # learned
    rare: set[int] = field(default_factory=set)  # too few rows to learn; their held-out rows still judge the model
    by_source: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


def take_snapshot(
    runtime: Runtime,
    min_rows: int,
    human_weight: float,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Snapshot:
    """Freeze what is known now. Every labeled product has its fold already (`splits.assign_folds`).

    The same content gives the same hash and so the same file and row.
    """
    choice = choose_rows(runtime, min_rows, on_progress=lambda fraction: on_progress(0.3 * fraction))
    folder = runtime.data_dir / "snapshots"
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{uuid.uuid4().hex}.partial"
    folds: Counter[str] = Counter()
    try:
        content_hash, n_rows = write_rows(
            partial, _rows(runtime, choice, human_weight, folds, lambda f: on_progress(0.3 + 0.7 * f))
        )
        path = folder / f"{content_hash}.parquet"
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    summary = {
        "by_source": dict(choice.by_source),
        "by_fold": dict(folds),
        "left_out": dict(choice.left_out),
        "n_categories": len(choice.categories),
        "min_rows": min_rows,
        "human_weight": human_weight,
    }
    with runtime.sessions.write() as session:
        row = snapshots.ensure_snapshot(
            session,
            content_hash,
            str(path.relative_to(runtime.data_dir)),
            n_rows,
            summary,
            choice.moment.decision_id,
            utc_now(),
        )
        return Snapshot(row.id, row.content_hash, row.path, row.n_rows, summary)


def get_snapshot(runtime: Runtime, snapshot_id: int) -> Snapshot | None:
    with runtime.sessions.read() as session:
        row = snapshots.find_snapshot(session, snapshot_id)
        return Snapshot(row.id, row.content_hash, row.path, row.n_rows, row.summary) if row else None


def choose_rows(
    runtime: Runtime, min_rows: int, on_progress: Callable[[float], None] = lambda fraction: None
) -> Choice:
    """Count what can be learned from: which categories have enough rows, and what is left out for which reason."""
    unusable = map_unusable_categories(runtime)
    with runtime.sessions.read() as session:
        choice = Choice(labels_for_training.now_in_labels(session))
    rows_of: dict[int, Counter[str]] = {}
    held_out_of: dict[int, Counter[str]] = {}
    for first, last in _ranges(runtime, on_progress):
        with runtime.sessions.read() as session:
            verdicts = labels_for_training.map_verdicts(session, first, last, choice.moment)
            folds = map_folds(session, first, last)
        for product_id, verdict in verdicts.items():
            fold = folds.get(product_id)
            reason = _reason_to_leave_out(verdict, unusable, fold)
            if reason:
                choice.left_out[reason] += 1
            elif verdict.category_id is not None:
                rows_of.setdefault(verdict.category_id, Counter())[verdict.source.value] += 1
                if fold == TEST:
                    held_out_of.setdefault(verdict.category_id, Counter())[verdict.source.value] += 1
    for category_id, by_source in rows_of.items():
        if by_source.total() >= min_rows:
            choice.categories.add(category_id)
            choice.by_source += by_source
        else:
            held_out = held_out_of.get(category_id, Counter())
            choice.rare.add(category_id)
            choice.by_source += held_out
            choice.left_out["too_few_rows"] += by_source.total() - held_out.total()
    choice.left_out += Counter()  # without zeros
    return choice


def map_unusable_categories(runtime: Runtime) -> dict[int, str]:
    """Category id -> why no model may learn it: nobody could accept it as a suggestion."""
    categories = load_categories(runtime).values()
    reasons = {node.id: "not_a_leaf" for node in categories if not node.is_leaf}
    return reasons | {node.id: "retired_category" for node in categories if node.retired_at is not None}


def _reason_to_leave_out(verdict: Verdict, unusable: dict[int, str], fold: int | None) -> str | None:
    if verdict.kind != DecisionKind.LABEL:
        return verdict.kind.value
    if verdict.category_id in unusable:
        return unusable[verdict.category_id]
    return "between_folds" if fold in (None, LEFT_OUT) else None


def _ranges(runtime: Runtime, on_progress: Callable[[float], None]) -> Iterator[tuple[int, int]]:
    with runtime.sessions.read() as session:
        ranges = list(labels_for_training.iter_ranges(session, CHUNK))
    for done, (first, last) in enumerate(ranges):
        on_progress(done / len(ranges))
        yield first, last


def _rows(
    runtime: Runtime,
    choice: Choice,
    human_weight: float,
    n_by_fold: Counter[str],
    on_progress: Callable[[float], None],
) -> Iterator[list[tuple[Any, ...]]]:
    """Chunks of rows in the order of COLUMNS, by product id; counts them by fold on the way."""
    for first, last in _ranges(runtime, on_progress):
        with runtime.sessions.read() as session:
            verdicts = labels_for_training.map_verdicts(session, first, last, choice.moment)
            products = labels_for_training.list_products(session, first, last)
            folds = map_folds(session, first, last)
            accepted = alternatives.map_alternatives(session, first, last)
        chunk = []
        for product in products:
            verdict, fold = verdicts.get(product.id), folds.get(product.id, LEFT_OUT)
            if verdict and fold != LEFT_OUT and _is_kept(choice, verdict.category_id, fold):
                chunk.append(_row(product, verdict, fold, human_weight, accepted.get(product.id, [])))
                n_by_fold[{TEST: "test", VALIDATION: "validation"}.get(fold, "train")] += 1
        if chunk:
            yield chunk


def _is_kept(choice: Choice, category_id: int | None, fold: int) -> bool:
    return category_id in choice.categories or (fold == TEST and category_id in choice.rare)


def _row(
    product: ProductText, verdict: Verdict, fold: int, human_weight: float, accepted: list[int]
) -> tuple[Any, ...]:
    return (
        product.id,
        product.title,
        product.mall_category or "",
        1.0 if product.mall_weight is None else product.mall_weight,
        product.brand or "",
        verdict.category_id,
        verdict.source.value,
        human_weight if verdict.source in CHECKED_BY_PEOPLE else IMPORT_WEIGHT,
        fold,
        product.registered_at,
        [category_id for category_id in accepted if category_id != verdict.category_id],
    )


def _schema() -> Any:
    import pyarrow as pa

    kinds = (
        pa.int64(),
        pa.string(),
        pa.string(),
        pa.float64(),
        pa.string(),
        pa.int64(),
        pa.string(),
        pa.float64(),
        pa.int8(),
        pa.timestamp("us", tz="UTC"),
        pa.list_(pa.int64()),
    )
    return pa.schema(list(zip(COLUMNS, kinds, strict=True)))


def write_rows(path: Path, chunks: Iterator[list[tuple[Any, ...]]]) -> tuple[str, int]:
    """Returns the content hash and the number of rows. The file is on the disk when it returns."""
    import os

    import pyarrow as pa
    import pyarrow.parquet as pq

    schema, content, n_rows = _schema(), Content(), 0
    with path.open("wb") as file:
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for chunk in chunks:
                content.add(chunk)
                n_rows += len(chunk)
                columns = zip(zip(*chunk, strict=True), schema, strict=True)
                arrays = [pa.array(values, column.type) for values, column in columns]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
        file.flush()
        os.fsync(file.fileno())
    return content.digest(), n_rows


class Content:
    """The hash of rows as such, whatever file format or library version holds them."""

    def __init__(self, columns: tuple[str, ...] = COLUMNS) -> None:
        self._hash = blake2b(json.dumps(columns).encode(), digest_size=32)
        self._at = columns.index("registered_at")

    def add(self, rows: list[tuple[Any, ...]]) -> None:
        for row in rows:
            values = list(row)
            values[self._at] = row[self._at].isoformat() if row[self._at] else None
            self._hash.update(json.dumps(values).encode() + b"\n")

    def digest(self) -> str:
        return self._hash.hexdigest()
