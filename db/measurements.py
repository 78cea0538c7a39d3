"""Queries of measurements: numbers worked out once by a job, and how many decisions are newer than they are."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.tables import CampaignRow, DecisionRow, MeasurementRow


def insert_measurement(
    session: Session,
    kind: str,
    campaign_id: int | None,
    last_decision_id: int,
    result: dict[str, Any],
    now: datetime,
    model_version_id: int | None = None,
) -> int:
    """The new measurement's id. `kind` is agreement, annotators or error_rates."""
    row = MeasurementRow(
        kind=kind,
        campaign_id=campaign_id,
        model_version_id=model_version_id,
        last_decision_id=last_decision_id,
        result=result,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row.id


def find_latest(session: Session, kind: str, campaign_id: int | None) -> MeasurementRow | None:
    """The newest measurement of this kind, of the campaign or (none) of them all."""
    query = sa.select(MeasurementRow).where(
        MeasurementRow.kind == kind, MeasurementRow.campaign_id.is_not_distinct_from(campaign_id)
    )
    return session.scalar(query.order_by(MeasurementRow.id.desc()).limit(1))


def list_latest_people(session: Session, kind: str) -> list[list[dict[str, Any]]]:
    """`people` of the newest measurement of this kind of each campaign that was not deleted."""
    newest = (
        sa.select(sa.func.max(MeasurementRow.id))
        .join(CampaignRow, CampaignRow.id == MeasurementRow.campaign_id)
        .where(MeasurementRow.kind == kind, CampaignRow.deleted_at.is_(None))
        .group_by(MeasurementRow.campaign_id)
    )
    people = sa.select(MeasurementRow.result["people"]).where(MeasurementRow.id.in_(newest))
    return [found or [] for found in session.scalars(people)]


def last_decision(session: Session) -> int:
    """The id of the newest decision; 0 before the first."""
    return session.scalar(sa.select(sa.func.max(DecisionRow.id))) or 0


def count_newer(session: Session, decision_id: int, campaign_id: int | None, limit: int) -> int:
    """Decisions (and undos) after this one, in the campaign when given; counted up to `limit`."""
    found = sa.select(DecisionRow.id).where(DecisionRow.id > decision_id)
    if campaign_id is not None:
        found = found.where(DecisionRow.campaign_id == campaign_id)
    return session.scalar(sa.select(sa.func.count()).select_from(found.limit(limit).subquery())) or 0


def delete_older(session: Session, kind: str, campaign_id: int | None, measurement_id: int) -> None:
    """Only the newest is of use: take those before it away."""
    session.execute(
        sa.delete(MeasurementRow).where(
            MeasurementRow.kind == kind,
            MeasurementRow.campaign_id.is_not_distinct_from(campaign_id),
            MeasurementRow.id < measurement_id,
        )
    )
