"""What is kept of a block: its products by number, and the rows of what was rejected."""

from typing import Any

from sqlalchemy.orm import Session

from core.catalogue import rejects
from core.catalogue.rejects import Reject, for_storage
from core.catalogue.rows import Draft
from db import label_studio as queries


def product_ids(session: Session, drafts: list[Draft], source: str) -> dict[int, int]:
    """Number of the task -> its product."""
    by_source: dict[str, list[Draft]] = {}
    for draft in drafts:
        by_source.setdefault(draft.source or source, []).append(draft)
    found: dict[int, int] = {}
    for name, part in by_source.items():
        ids = queries.ids_of_keys(session, name, [draft.key for draft in part])
        found.update((draft.line, ids[draft.key]) for draft in part)
    return found


def reject_values(run_id: int, reject: Reject) -> dict[str, Any]:
    """The row of a rejected annotation or task."""
    return {
        "run_id": run_id,
        "line": reject.line,
        "column": reject.column,
        "value": rejects.for_storage(reject.value or ""),
        "reason": reject.reason.template,
        "reason_values": reject.reason.values,
        "record": {name: for_storage(value) for name, value in reject.record.items()},
    }
