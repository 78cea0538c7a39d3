"""The history of edits of the tree: who did what, when, why, and whether it stands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.runtime import Runtime
from db import taxonomy_edits
from db.enums import TaxonomyEditKind


@dataclass(frozen=True)
class PastEdit:
    """One line of the history. `words` are the names and paths that it was about, as they were then."""

    id: int
    kind: TaxonomyEditKind
    category_id: int | None
    words: dict[str, Any]
    n_products: int  # whose label it carried
    n_to_review: int  # products that it wanted looked at again
    reason: str | None
    person: str
    created_at: datetime
    undone_at: datetime | None
    undone_by: str | None


def list_edits(
    runtime: Runtime, limit: int = 20, before_id: int | None = None, category_id: int | None = None
) -> list[PastEdit]:
    """The newest first; `before_id` goes on after the last one of a page; `category_id`: only what was about it."""
    with runtime.sessions.read() as session:
        rows = taxonomy_edits.list_edits(session, limit, before_id, category_id)
    return [
        PastEdit(
            row.id,
            row.kind,
            row.category_id,
            row.detail.get("words", {}),
            row.n_products,
            n_to_review,
            row.reason,
            person,
            row.created_at,
            row.undone_at,
            undone_by,
        )
        for row, person, undone_by, n_to_review in rows
    ]
