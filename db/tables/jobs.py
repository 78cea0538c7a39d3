"""Long work: one row a job, claimed by a worker for as long as its heart beats."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.enums import JobStatus
from db.tables.base import Base, BigId, word


class JobRow(Base):
    """A piece of work. At most one waiting job per `dedupe_key`: the schema says so."""

    __tablename__ = "jobs"
    __table_args__ = (
        sa.Index(
            "uq_jobs_waiting",
            "dedupe_key",
            unique=True,
            sqlite_where=sa.text("status = 'todo'"),
            postgresql_where=sa.text("status = 'todo'"),
        ),
        sa.Index("ix_jobs_status_id", "status", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(40))
    payload: Mapped[dict[str, Any]]
    dedupe_key: Mapped[str | None] = mapped_column(sa.String(120))
    status: Mapped[JobStatus] = mapped_column(word(JobStatus), default=JobStatus.TODO)
    worker: Mapped[str | None] = mapped_column(sa.String(120))
    heartbeat_at: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(default=0)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[float] = mapped_column(default=0.0)  # 0..1
    stage: Mapped[str | None] = mapped_column(sa.Text)
    detail: Mapped[dict[str, Any] | None]  # live numbers: loss, rows_per_second, seconds_left ...
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(sa.Text)
    created_by: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class JobLogRow(Base):
    """A line a job wrote for people."""

    __tablename__ = "job_logs"
    __table_args__ = (sa.Index("ix_job_logs_job_id_id", "job_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id"))
    at: Mapped[datetime]
    line: Mapped[str] = mapped_column(sa.Text)
