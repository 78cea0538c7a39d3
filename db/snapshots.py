"""Queries on snapshots: the frozen files that versions learned from."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from db.enums import DecisionKind
from db.people import insert_for
from db.tables import DecisionRow, ModelVersionRow, SnapshotRow


def ensure_snapshot(
    session: Session,
    content_hash: str,
    path: str,
    n_rows: int,
    summary: dict[str, Any],
    last_decision_id: int,
    now: datetime,
) -> SnapshotRow:
    """The snapshot of this content; the same content again is the same row, known to hold newer decisions too."""
    values = {
        "content_hash": content_hash,
        "path": path,
        "n_rows": n_rows,
        "summary": summary,
        "last_decision_id": last_decision_id,
        "created_at": now,
    }
    session.execute(
        insert_for(session)(SnapshotRow)
        .values(values)
        .on_conflict_do_update(
            index_elements=["content_hash"], set_={"last_decision_id": last_decision_id, "summary": summary}
        )
    )
    return session.scalars(sa.select(SnapshotRow).where(SnapshotRow.content_hash == content_hash)).one()


def find_snapshot(session: Session, snapshot_id: int) -> SnapshotRow | None:
    return session.get(SnapshotRow, snapshot_id)


def find_latest_learned(session: Session) -> tuple[str, int] | None:
    """The newest version's name and the last decision that it learned from."""
    row = session.execute(
        sa.select(ModelVersionRow.name, SnapshotRow.last_decision_id)
        .join(SnapshotRow, SnapshotRow.id == ModelVersionRow.snapshot_id)
        .order_by(ModelVersionRow.id.desc())
        .limit(1)
    ).first()
    return (row[0], row[1] or 0) if row else None


def count_decisions_after(session: Session, decision_id: int) -> int:
    """Labels, 'cannot tell' and 'bad listing' that stand: undone ones and the undoing itself do not count."""
    undo = aliased(DecisionRow)
    query = sa.select(sa.func.count()).where(
        DecisionRow.id > decision_id,
        DecisionRow.kind != DecisionKind.UNDO,
        ~sa.select(undo.id).where(undo.undoes_id == DecisionRow.id).exists(),
    )
    return session.scalar(query) or 0
