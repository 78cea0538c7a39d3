"""Past and running imports as people see them: numbers, state, rejected rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.catalogue.rejects import HEADINGS, Reason, Reject, rejects_csv
from core.errors import N_, NotFound
from core.runtime import Runtime
from db import imports
from db.enums import JobStatus
from db.tables import ImportRejectRow, ImportRunRow


@dataclass(frozen=True)
class ImportRun:
    """One import of one file. `n_read` rows of the file are committed; `error` says why it stopped before its end."""

    id: int
    job_id: int | None
    source: str
    file_name: str
    options: dict[str, Any]
    n_read: int
    n_inserted: int
    n_updated: int
    n_unchanged: int
    n_rejected: int
    created_at: datetime
    finished_at: datetime | None
    job_status: JobStatus | None
    error: str | None

    @property
    def state(self) -> str:
        """'finished', 'running', 'waiting', or 'stopped': ended before the file did, can go on."""
        if self.finished_at:
            return "finished"
        if self.job_status == JobStatus.DOING:
            return "running"
        return "waiting" if self.job_status == JobStatus.TODO else "stopped"


def _run(row: ImportRunRow, status: JobStatus | None, error: str | None) -> ImportRun:
    return ImportRun(
        row.id,
        row.job_id,
        row.source,
        row.file_name,
        row.options,
        row.position,
        row.n_inserted,
        row.n_updated,
        row.n_unchanged,
        row.n_rejected,
        row.created_at,
        row.finished_at,
        status,
        error,
    )


def get_import_run(runtime: Runtime, run_id: int) -> ImportRun:
    """Raises NotFound."""
    with runtime.sessions.read() as session:
        found = imports.get_run_with_job(session, run_id)
        if found is None:
            raise NotFound(N_("There is no import {run_id}."), run_id=run_id)
        return _run(*found)


def find_run_of_job(runtime: Runtime, job_id: int) -> ImportRun | None:
    """The run that this job works on; None before it has begun."""
    with runtime.sessions.read() as session:
        row = imports.find_run_of_job(session, job_id)
        found = imports.get_run_with_job(session, row.id) if row else None
        return _run(*found) if found else None


def list_import_runs(runtime: Runtime, limit: int = 20, before_id: int | None = None) -> list[ImportRun]:
    """Newest first; `before_id` continues a list."""
    with runtime.sessions.read() as session:
        return [_run(*found) for found in imports.list_runs(session, limit, before_id)]


def list_sources(runtime: Runtime) -> list[str]:
    """Names of the sources imported from so far, the last one first."""
    with runtime.sessions.read() as session:
        return imports.list_sources(session)


def _reject(row: ImportRejectRow) -> Reject:
    return Reject(row.line, Reason(row.reason, row.reason_values), row.record, row.column, row.value)


def list_rejects(runtime: Runtime, run_id: int, limit: int = 200) -> list[Reject]:
    """The first rejected rows of a run, in the order of the file."""
    with runtime.sessions.read() as session:
        return [_reject(row) for row in imports.list_rejects(session, run_id, limit)]


def count_reasons(runtime: Runtime, run_id: int, limit: int = 20) -> list[tuple[str, str | None, int]]:
    """(reason as a template, column, how many), the most frequent first."""
    with runtime.sessions.read() as session:
        return imports.count_reasons(session, run_id, limit)


def write_rejects(runtime: Runtime, run_id: int, words: Callable[[Reason], str] = str) -> Iterator[str]:
    """The rejected rows of a run as CSV text, a part at a time. Mended, it imports again under the same source.

    `words` says a reason in the reader's language.
    Starts with a byte order mark, so that a spreadsheet reads the Korean right. Raises NotFound.
    """
    run = get_import_run(runtime, run_id)
    yield "\ufeff"
    headings = [name for name in run.options.get("headings", []) if name not in HEADINGS]
    with runtime.sessions.read() as session:
        yield from rejects_csv(run.file_name, map(_reject, imports.each_reject(session, run_id)), headings, words)
