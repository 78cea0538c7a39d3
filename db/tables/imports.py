"""Imports: how a source's columns map, each run with its place in the file, each rejected row."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, BigId


class ImportSourceRow(Base):
    """What was chosen for a source last time: columns, encoding, delimiter."""

    __tablename__ = "import_sources"

    name: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    options: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]


class ImportRunRow(Base):
    """One import of one file. `position` is how far it is committed: a killed run goes on from there."""

    __tablename__ = "import_runs"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job_id: Mapped[int | None] = mapped_column(sa.ForeignKey("jobs.id"), unique=True)
    source: Mapped[str] = mapped_column(sa.String(80))
    file_name: Mapped[str] = mapped_column(sa.Text)
    options: Mapped[dict[str, Any]]
    position: Mapped[int] = mapped_column(BigId, default=0)  # data rows read and committed
    n_inserted: Mapped[int] = mapped_column(BigId, default=0)
    n_updated: Mapped[int] = mapped_column(BigId, default=0)
    n_unchanged: Mapped[int] = mapped_column(BigId, default=0)
    n_rejected: Mapped[int] = mapped_column(BigId, default=0)
    created_by: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ImportRejectRow(Base):
    """A row that could not be taken: where it stands, what is wrong, and the row itself."""

    __tablename__ = "import_rejects"
    __table_args__ = (sa.Index("ix_import_rejects_run_id_id", "run_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("import_runs.id"))
    line: Mapped[int] = mapped_column(BigId)
    column: Mapped[str | None] = mapped_column(sa.Text)
    value: Mapped[str | None] = mapped_column(sa.Text)
    reason: Mapped[str] = mapped_column(sa.Text)  # a sentence with {places}, so that it can be translated
    reason_values: Mapped[dict[str, Any]]
    record: Mapped[dict[str, Any]]
