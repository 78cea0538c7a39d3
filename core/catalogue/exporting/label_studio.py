"""Products, what people decided of them and what the model says, as Label Studio's JSON of tasks.

A label is a `taxonomy` result (a path as a list) or a `choices` result (the path as one text); 'cannot tell' and 'bad
listing' are cancelled annotations with a `verdict`; what a reviewer settled is ground truth; a note is a `textarea`.
"""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
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

FIELD, VERDICT, NOTE, SHOWN = "label", "verdict", "note", "title"
NOT_SHOWN = ("category", "label_source", "labeled_at")  # to annotators: what is known today


def write_tasks(
    runtime: Runtime, session: Session, request: ExportRequest, file: HashedFile, shows_people: bool
) -> Generator[tuple[int, float], None, None]:
    """Write one JSON array of tasks; gives (tasks, how far 0..1) after each part."""
    wanted = request.filter
    if wanted.asks_the_model:
        wanted = with_version(runtime, wanted, ProductOrder.NEWEST)
    if request.campaign_id is not None:
        wanted = replace(wanted, campaign_id=request.campaign_id)
    query = exports.products_query(session, wanted)
    last = max(1, exports.last_key(session, query))
    columns = [column.name for column in query.selected_columns]
    tasks = _Tasks(session, request, columns, wanted.model_version_id, shows_people)
    encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
    before = b"[\n"
    for rows in exports.each_part(session, query, PART_ROWS):
        file.write(before + ",\n".join(map(encode, tasks.of(rows))).encode())
        before = b",\n"
        yield len(rows), min(1.0, rows[-1][0] / last)
    file.write(b"\n]\n" if before == b",\n" else b"[]\n")


class _Tasks:
    """Makes tasks of products; what many of them share is made once."""

    def __init__(
        self,
        session: Session,
        request: ExportRequest,
        columns: Sequence[str],
        version_id: int | None,
        shows_people: bool,
    ) -> None:
        self.session, self.campaign_id, self.style = session, request.campaign_id, request.style
        self.version_id = request.version_id or version_id or model_versions.find_promoted_id(session)
        self._shown = [(name, at) for at, name in enumerate(columns) if name not in NOT_SHOWN]
        names = names_shown(session, shows_people)
        self._paths = names["category"]
        emails = exports.emails_of(session) if shows_people else {}
        self._people = {
            id_: {"first_name": name, "last_name": ""}
            | ({"id": id_, "email": emails.get(id_, "")} if shows_people else {})
            for id_, name in names["person"].items()
        }
        self._version = names["model_version"].get(self.version_id or 0)
        self._values: dict[int, dict[str, Any]] = {}

    def of(self, products: Sequence[Any]) -> Iterator[dict[str, Any]]:
        """The tasks of these rows; their first column is the product's id."""
        ids = [row[0] for row in products]
        given: dict[int, list[dict[str, Any]]] = {}
        for product_id, *said in map(tuple, exports.list_given(self.session, ids, self.campaign_id)):
            given.setdefault(product_id, []).append(self._annotation(*said))
        predicted = exports.list_predicted(self.session, self.version_id, ids) if self.version_id else {}
        imported = exports.list_imported(self.session, ids)
        for row in products:
            id_ = row[0]
            data = {name: row[at] for name, at in self._shown if row[at] is not None}
            if path := self._paths.get(imported.get(id_, 0)):
                data["category"] = path  # what the shop's file said
            yield {
                "id": id_,
                "data": data,
                "annotations": given.get(id_, ()),
                "predictions": [self._prediction(*predicted[id_])] if id_ in predicted else (),
            }

    def _result(self, category_id: int, key: str) -> dict[str, Any]:
        if (value := self._values.get(category_id)) is None:
            path = self._paths[category_id]
            value = {"taxonomy": [path.split(SEPARATOR)]} if self.style == "taxonomy" else {"choices": [path]}
            self._values[category_id] = value
        return {"id": key, "from_name": FIELD, "to_name": SHOWN, "type": self.style, "value": value}

    def _annotation(
        self,
        id_: int,
        kind: str,
        category_id: int | None,
        person_id: int,
        seconds: float | None,
        note: str | None,
        created_at: str,
    ) -> dict[str, Any]:
        if category_id is not None:
            result = [self._result(category_id, f"c{id_}")]
        else:
            verdict = {"id": f"v{id_}", "from_name": VERDICT, "to_name": SHOWN, "type": "choices"}
            result = [verdict | {"value": {"choices": [kind]}}]
        if note:
            said = {"id": f"n{id_}", "from_name": NOTE, "to_name": SHOWN, "type": "textarea"}
            result.append(said | {"value": {"text": [note]}})
        return {
            "id": id_,
            "completed_by": self._people[person_id],
            "result": result,
            "was_cancelled": category_id is None,
            "ground_truth": kind == DecisionKind.SETTLE,
            "created_at": created_at,
            "updated_at": created_at,
            "lead_time": seconds,
        }

    def _prediction(self, category_id: int, confidence: float) -> dict[str, Any]:
        return {"model_version": self._version, "score": confidence, "result": [self._result(category_id, "p1")]}


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
