"""Products, what people decided of them and what the model says, as Label Studio's JSON of tasks.

A label is a `taxonomy` result (a path as a list) or a `choices` result (the path as one text); 'cannot tell' and 'bad
listing' are cancelled annotations with a `verdict`; what a reviewer settled is ground truth; a note is a `textarea`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import quoteattr

from sqlalchemy.orm import Session

from core.catalogue.exporting.request import ExportRequest
from core.catalogue.exporting.rows import PART_ROWS, names_shown
from core.catalogue.exporting.writers import HashedFile
from core.catalogue.products import with_version
from core.catalogue.taxonomy import SEPARATOR, Category, load_categories
from core.runtime import Runtime
from db import exports, model_versions
from db.enums import DecisionKind, ProductOrder
from db.standing_labels import latest_imported

FIELD, VERDICT, NOTE, SHOWN = "label", "verdict", "note", "title"


def write_tasks(
    runtime: Runtime, session: Session, request: ExportRequest, file: HashedFile, shows_people: bool
) -> Iterator[tuple[int, float]]:
    """Write one JSON array of tasks; gives (tasks, how far 0..1) after each part."""
    wanted = request.filter
    if wanted.asks_the_model:
        wanted = with_version(runtime, wanted, ProductOrder.NEWEST)
    if request.campaign_id is not None:
        wanted = replace(wanted, campaign_id=request.campaign_id)
    query = exports.products_query(session, wanted)
    last = max(1, exports.last_key(session, query))
    columns = [column.name for column in query.selected_columns]
    tasks = _Tasks(session, request, wanted.model_version_id, shows_people)
    encode = json.JSONEncoder(ensure_ascii=False).encode
    before = b"[\n"
    for rows in exports.each_part(session, query, PART_ROWS):
        products = [dict(zip(columns, row, strict=True)) for row in rows]
        file.write(before + ",\n".join(map(encode, tasks.of(products))).encode())
        before = b",\n"
        yield len(rows), min(1.0, rows[-1][0] / last)
    file.write(b"\n]\n" if before == b",\n" else b"[]\n")


class _Tasks:
    """Makes tasks of products."""

    def __init__(self, session: Session, request: ExportRequest, version_id: int | None, shows_people: bool) -> None:
        self.session, self.campaign_id, self.style = session, request.campaign_id, request.style
        self.version_id = request.version_id or version_id or model_versions.find_promoted_id(session)
        self.names = names_shown(session, shows_people)
        self.shows_people = shows_people
        self.emails = exports.emails_of(session) if shows_people else {}

    def of(self, products: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        ids = [product["shelfwright_id"] for product in products]
        given: dict[int, list[Any]] = {}
        for one in exports.list_given(self.session, ids[0], ids[-1], self.campaign_id):
            given.setdefault(one.product_id, []).append(one)
        predicted = exports.list_predicted(self.session, self.version_id, ids[0], ids[-1]) if self.version_id else {}
        imported = latest_imported(self.session, ids)
        for product in products:
            id_ = product["shelfwright_id"]
            path = self.names["category"].get(imported.get(id_, 0))
            yield {
                "id": id_,
                "data": _data(product, path),
                "annotations": [self._annotation(one) for one in given.get(id_, ())],
                "predictions": [self._prediction(*predicted[id_])] if id_ in predicted else [],
            }

    def _result(self, category_id: int, key: str) -> dict[str, Any]:
        path = self.names["category"][category_id]
        value = {"taxonomy": [path.split(SEPARATOR)]} if self.style == "taxonomy" else {"choices": [path]}
        return {"id": key, "from_name": FIELD, "to_name": SHOWN, "type": self.style, "value": value}

    def _annotation(self, given: Any) -> dict[str, Any]:
        result = []
        if given.category_id is not None:
            result.append(self._result(given.category_id, f"c{given.id}"))
        else:
            verdict = {"id": f"v{given.id}", "from_name": VERDICT, "to_name": SHOWN, "type": "choices"}
            result.append(verdict | {"value": {"choices": [given.kind]}})
        if given.note:
            note = {"id": f"n{given.id}", "from_name": NOTE, "to_name": SHOWN, "type": "textarea"}
            result.append(note | {"value": {"text": [given.note]}})
        return {
            "id": given.id,
            "completed_by": self._person(given.person_id),
            "result": result,
            "was_cancelled": given.category_id is None,
            "ground_truth": given.kind == DecisionKind.SETTLE,
            "created_at": given.created_at,
            "updated_at": given.created_at,
            "lead_time": given.seconds_spent,
        }

    def _person(self, person_id: int) -> dict[str, Any]:
        name = {"first_name": self.names["person"][person_id], "last_name": ""}
        return name | ({"id": person_id, "email": self.emails.get(person_id, "")} if self.shows_people else {})

    def _prediction(self, category_id: int, confidence: float) -> dict[str, Any]:
        version = self.names["model_version"][self.version_id or 0]
        return {"model_version": version, "score": confidence, "result": [self._result(category_id, "p1")]}


def _data(product: dict[str, Any], imported_path: str | None) -> dict[str, Any]:
    """What annotators see; `category` is what the shop's file said."""
    told = {name: value for name, value in product.items() if name not in ("label_source", "labeled_at")}
    told["category"] = imported_path
    return {name: value for name, value in told.items() if value is not None}


def labeling_config(runtime: Runtime, style: str = "taxonomy") -> str:
    """The labeling interface for a Label Studio project that such a file is imported into: XML."""
    usable = [category for category in load_categories(runtime).values() if category.retired_at is None]
    verdicts = "".join(f"<Choice value={quoteattr(kind)}/>" for kind in ("cannot_tell", "bad_listing"))
    lines = [
        "<View>",
        f'  <Text name="{SHOWN}" value="${SHOWN}"/>',
        f'  <Taxonomy name="{FIELD}" toName="{SHOWN}" leafsOnly="true">'
        if style == "taxonomy"
        else f'  <Choices name="{FIELD}" toName="{SHOWN}" choice="single">',
    ]
    if style == "taxonomy":
        below: dict[int | None, list[Category]] = {}
        for category in usable:
            below.setdefault(category.parent_id, []).append(category)
        lines += _branches(below, None, 2)
    else:
        lines += [f"    <Choice value={quoteattr(category.path)}/>" for category in usable if category.is_leaf]
    lines += [
        "  </Taxonomy>" if style == "taxonomy" else "  </Choices>",
        f'  <Choices name="{VERDICT}" toName="{SHOWN}">{verdicts}</Choices>',
        f'  <TextArea name="{NOTE}" toName="{SHOWN}"/>',
        "</View>",
    ]
    return "\n".join(lines) + "\n"


def _branches(below: Mapping[int | None, list[Category]], parent_id: int | None, depth: int) -> list[str]:
    lines = []
    for category in below.get(parent_id, ()):
        inner = _branches(below, category.id, depth + 1)
        start = f"{'  ' * depth}<Choice value={quoteattr(category.name)}"
        lines += [start + ">", *inner, "  " * depth + "</Choice>"] if inner else [start + "/>"]
    return lines
