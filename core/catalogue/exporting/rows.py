"""The rows of an export as columns, a part at a time: ids named, labels told apart from those that no longer count."""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from sqlalchemy.orm import Session

from core.catalogue.exporting.request import ExportRequest
from core.catalogue.products import ProductFilter, with_version
from core.errors import NotFound, UnreadableFile
from core.runtime import Runtime
from core.training.snapshot import get_snapshot
from db import exports
from db.enums import LabelSource, ProductOrder

PART_ROWS = 5_000
RANKS = {LabelSource.IMPORT.value: 0, LabelSource.HUMAN.value: 1, LabelSource.GOLD.value: 2}
# column -> what its id is called
NAMED = {
    "category": "category",
    "previous_category": "category",
    "predicted_category": "category",
    "back_off_category": "category",
    "person": "person",
    "campaign": "campaign",
    "model_version": "model_version",
}

Names = dict[str, dict[int, str]]
Part = tuple[list[Sequence[Any]], float]  # columns; how far, 0..1


@dataclass(frozen=True)
class Rows:
    """What an export writes: the names of its columns, and its parts."""

    names: list[str]
    parts: Iterator[Part]


def open_rows(runtime: Runtime, session: Session, request: ExportRequest, shows_people: bool) -> Rows:
    """The rows that are asked for, all of the moment of `session`.

    Without `shows_people` a person is a word that stands for the same one throughout this file only, and nobody
    learns which decisions were hidden checks. Raises NotFound, NoModelYet, UnreadableFile.
    """
    names = names_shown(session, shows_people)
    if request.what == "snapshot":
        return _snapshot_rows(runtime, request, names)
    query = _query(runtime, session, request)
    columns = [column.name for column in query.selected_columns]
    last = max(1, exports.last_key(session, query))
    parts = exports.each_part(session, query, PART_ROWS)
    if request.what == "labels":
        names_of_parts = [*columns[: columns.index("is_void")], "is_void", "is_current"]
        parts = _narrowed(names_of_parts, request, _with_current(columns, parts))
        return Rows(names_of_parts, _named(names_of_parts, parts, names, last))
    hidden = () if shows_people else ("is_gold_check",)
    return Rows(columns, _named(columns, parts, names, last, hidden))


def names_shown(session: Session, shows_people: bool) -> Names:
    """What ids are called; people by their names or by words of this file alone."""
    names = exports.names_of(session)
    if not shows_people:
        key = secrets.token_bytes(16)
        names["person"] = {id_: _pseudonym(key, id_) for id_ in names["person"]}
    return names


def _pseudonym(key: bytes, person_id: int) -> str:
    return "person-" + hashlib.blake2b(str(person_id).encode(), key=key, digest_size=4).hexdigest()


def _query(runtime: Runtime, session: Session, request: ExportRequest) -> Any:
    wanted = request.filter
    if wanted.asks_the_model:
        wanted = with_version(runtime, wanted, ProductOrder.NEWEST)
    narrowed = wanted if wanted != ProductFilter() else None
    match request.what:
        case "products":
            return exports.products_query(session, wanted)
        case "predictions":
            version = request.version_id or wanted.model_version_id
            asked = with_version(runtime, replace(wanted, model_version_id=version), ProductOrder.MARGIN)
            return exports.predictions_query(session, asked)
        case "labels":
            return exports.labels_query(session, narrowed)
    assert request.what == "decisions", request.what
    return exports.decisions_query(
        session, narrowed, request.campaign_id, request.person_id, request.first_moment, request.end
    )


def _named(
    columns: Sequence[str], parts: Iterator[list[Any]], names: Names, last: int, hidden: Sequence[str] = ()
) -> Iterator[Part]:
    """Rows as columns, with names for ids."""
    for part in parts:
        if not part:
            continue
        cells: list[Sequence[Any]] = list(zip(*part, strict=True))
        done = cells[0][-1] / last
        for at, name in enumerate(columns):
            if name in NAMED:
                called = names[NAMED[name]]
                cells[at] = [None if id_ is None else called.get(id_, f"#{id_}") for id_ in cells[at]]
            elif name == "suggestions":
                cells[at] = [_suggestions(text, names["category"]) for text in cells[at]]
            elif name in hidden:
                cells[at] = [None] * len(part)
        yield cells, min(1.0, done)


def _suggestions(text: str | None, paths: dict[int, str]) -> list[dict[str, Any]]:
    found = json.loads(text or "[]")
    return [{"category": paths.get(id_, f"#{id_}"), "probability": probability} for id_, probability in found]


def _with_current(columns: Sequence[str], parts: Iterator[list[Any]]) -> Iterator[list[Any]]:
    """Each label with whether it is the one that counts: of a product's labels that stand the highest source, then
    the latest given, then where the last edit of the tree carried it."""
    at = {name: place for place, name in enumerate(columns)}
    product, label, carried = at["shelfwright_id"], at["label_id"], at["carried_from_id"]
    source, void = at["label_source"], at["is_void"]

    def rank(row: Any) -> tuple[int, int, int]:
        return RANKS.get(row[source], 0), row[carried] or row[label], row[label]

    def marked(rows: list[Any]) -> Iterator[Any]:
        standing = [row for row in rows if not row[void]]
        winner = max(standing, key=rank)[label] if standing else None
        for row in rows:
            yield (*row, row[label] == winner)

    held: list[Any] = []
    for part in parts:
        held += part
        grouped = [list(rows) for _, rows in groupby(held, key=lambda row: row[product])]
        held = grouped.pop() if grouped else []  # may go on in the next part
        yield [row for rows in grouped for row in marked(rows)]
    yield list(marked(held))


def _narrowed(columns: Sequence[str], request: ExportRequest, parts: Iterator[list[Any]]) -> Iterator[list[Any]]:
    """Labels of one person or time; after it is known which count, as that takes all of a product's labels."""
    person, day = columns.index("person"), columns.index("created_at")
    since = request.since.isoformat() if request.since else ""
    until = request.until.isoformat() if request.until else "9999"
    for part in parts:
        yield [row for row in part if since <= row[day][:10] <= until and request.person_id in (None, row[person])]


def _snapshot_rows(runtime: Runtime, request: ExportRequest, names: Names) -> Rows:
    import pyarrow as pa
    import pyarrow.parquet as pq

    assert request.snapshot_id is not None, "checked with the request"
    snapshot = get_snapshot(runtime, request.snapshot_id)
    if snapshot is None:
        raise NotFound()
    try:
        file = pq.ParquetFile(runtime.data_dir / snapshot.path, pre_buffer=False)
    except (OSError, pa.ArrowException) as error:
        raise UnreadableFile() from error
    paths = names["category"]
    told: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "product_id": ("shelfwright_id", lambda value: value),
        "category_id": ("category", lambda value: paths.get(value, f"#{value}")),
        "registered_at": ("registered_at", lambda value: None if value is None else _iso(value)),
        "alternatives": ("alternatives", lambda value: [paths.get(id_, f"#{id_}") for id_ in value or []]),
    }
    columns = file.schema_arrow.names

    def parts() -> Iterator[Part]:
        n_done = 0
        with closing(file):
            for batch in file.iter_batches(PART_ROWS, use_threads=False):
                n_done += batch.num_rows
                cells = []
                for name, column in zip(columns, batch.columns, strict=True):
                    convert = told.get(name, ("", None))[1]
                    values = column.to_pylist()
                    cells.append([convert(value) for value in values] if convert else values)
                yield cells, n_done / max(1, snapshot.n_rows)

    return Rows([told[name][0] if name in told else name for name in columns], parts())


def _iso(value: Any) -> str:
    return value if isinstance(value, str) else value.isoformat().replace("+00:00", "Z")
