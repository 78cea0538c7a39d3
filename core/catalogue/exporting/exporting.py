"""Exports: asked for, written by a job to a temporary name and renamed, listed, opened, deleted."""

import shutil
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from core.catalogue.exporting.label_studio import write_tasks
from core.catalogue.exporting.request import LABEL_STUDIO, NAMES_PEOPLE, ExportRequest
from core.catalogue.exporting.rows import open_rows
from core.catalogue.exporting.writers import HashedFile, open_writer
from core.catalogue.product_sight import checked_filter, sees_who_voted
from core.disk import DiskFull, room_on_disk
from core.errors import N_, Conflict, Forbidden, NotFound, NotReady
from core.jobs.context import JobContext
from core.jobs.queue import Job, enqueue, get_job, list_jobs
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import JobStatus
from db.people import add_audit

JOB = "export"
WRITING, CLOSING = N_("writing"), N_("closing the file")
ROOM_BYTES = 64 * 2**20  # left free on the disk for what the app itself wants to write


@dataclass(frozen=True)
class Export:
    """An export that was asked for. `path` is none before it is done and after it was deleted or moved away."""

    id: int  # of its job
    what: str
    format: str
    asked: dict[str, Any]  # as the job keeps it
    status: JobStatus
    job: Job
    created_by: int | None
    created_at: datetime
    n_rows: int | None
    n_bytes: int | None
    sha256: str | None
    path: Path | None


def start_export(runtime: Runtime, actor: Actor, request: ExportRequest) -> int:
    """Let the worker write it; returns the job's id, which is the export's. While just this one waits, that one's.

    Raises Forbidden, InvalidInput.
    """
    payload = export_payload(runtime, actor, request)
    key = f"export:{actor.person_id}:{sorted(payload.items())}"
    return enqueue(runtime, actor, JOB, payload, dedupe_key=_short(key))


def export_payload(runtime: Runtime, actor: Actor, request: ExportRequest) -> dict[str, Any]:
    """What the job needs to know; written into the audit trail. Raises Forbidden, InvalidInput."""
    authorize(actor, Action.EXPORT)
    payload = request.checked().to_payload()
    checked_filter(actor, request.filter)
    if request.person_id not in (None, actor.person_id) and not sees_who_voted(actor):
        raise Forbidden(N_("Only who sees people's figures exports what one person decided."))
    with runtime.sessions.write() as session:
        add_audit(session, utc_now(), actor.person_id, "export", "export", after=payload)
    return payload


def _short(text: str) -> str:
    import hashlib

    return "export:" + hashlib.sha256(text.encode()).hexdigest()[:32]


def run_export_job(context: JobContext) -> dict[str, Any]:
    """Handler of 'export'. Safe to run twice: it begins anew, in the same place."""
    actor = context.actor
    authorize(actor, Action.EXPORT)
    request = ExportRequest.from_payload(context.payload)
    checked_filter(actor, request.filter)
    folder = _folder(context.runtime)
    name = f"{context.job.id}-{request.what}.{request.format}"
    partial_file = context.folder / "partial"
    started = time.monotonic()
    with room_on_disk(folder):
        facts = _write(context, request, partial_file, sees_who_voted(actor))
        context.report(1.0, CLOSING)  # raises when the job is no longer ours
        partial_file.replace(folder / name)
    seconds = time.monotonic() - started
    return facts | {
        "file": name,
        "shows_people": request.what in NAMES_PEOPLE and sees_who_voted(actor),
        "seconds": round(seconds, 3),
        "rows_per_second": round(facts["rows"] / max(seconds, 0.001)),
    }


def _write(context: JobContext, request: ExportRequest, path: Path, shows_people: bool) -> dict[str, Any]:
    counter = _Counter(context)
    with HashedFile(path) as file, context.runtime.sessions.read() as session:
        write = write_tasks if request.what == LABEL_STUDIO else _write_rows
        with closing(write(context.runtime, session, request, file, shows_people)) as parts:  # and with it the cursor
            for n_rows, done in parts:
                counter.count(n_rows, done)
        file.flush_to_disk()
        return {"rows": counter.n_rows, "bytes": file.n_bytes, "sha256": file.sha256.hexdigest()}


def _write_rows(
    runtime: Runtime, session: Session, request: ExportRequest, file: HashedFile, shows_people: bool
) -> Generator[tuple[int, float], None, None]:
    rows = open_rows(runtime, session, request, shows_people)
    writer = open_writer(request.format, file, rows.names)
    for columns, done in rows.parts:
        writer.write(columns)
        yield len(columns[0]), done
    writer.end()


class _Counter:
    """Counts rows, says how far the job is, and stops it before the disk is full."""

    def __init__(self, context: JobContext) -> None:
        self.context = context
        self.n_rows = 0
        self._started = time.monotonic()

    def count(self, n_rows: int, done: float) -> None:
        folder = self.context.runtime.data_dir
        if shutil.disk_usage(folder).free < ROOM_BYTES:
            raise DiskFull(
                N_("There is no room left on the disk of {folder}. Make room and export again."), folder=folder
            )
        self.n_rows += n_rows
        seconds = max(time.monotonic() - self._started, 0.001)
        self.context.report(
            done,
            WRITING,
            rows=self.n_rows,
            rows_per_second=round(self.n_rows / seconds),
            seconds_left=round(seconds / done * (1 - done)) if done > 0 else None,
        )


def _folder(runtime: Runtime) -> Path:
    folder = runtime.data_dir / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def list_exports(runtime: Runtime, actor: Actor, limit: int = 20, before_id: int | None = None) -> list[Export]:
    """Newest first, those of others too; `before_id` continues a list. Raises Forbidden."""
    authorize(actor, Action.EXPORT)
    return [_export(runtime, job) for job in list_jobs(runtime, [JOB], limit, before_id)]


def get_export(runtime: Runtime, actor: Actor, export_id: int) -> Export:
    """Raises Forbidden, NotFound."""
    authorize(actor, Action.EXPORT)
    job = get_job(runtime, export_id)
    if job.kind != JOB:
        raise NotFound(N_("There is no export {id}."), id=export_id)
    return _export(runtime, job)


def _export(runtime: Runtime, job: Job) -> Export:
    path = runtime.data_dir / "exports" / job.result["file"] if job.result.get("file") else None
    return Export(
        job.id,
        job.payload["what"],
        job.payload["format"],
        job.payload,
        job.status,
        job,
        job.created_by,
        job.created_at,
        job.result.get("rows"),
        job.result.get("bytes"),
        job.result.get("sha256"),
        path if path and path.exists() else None,
    )


def open_export(runtime: Runtime, actor: Actor, export_id: int) -> Path:
    """The finished file of an export, to be read or sent.

    Raises Forbidden when it names people and somebody else who may see them made it, NotFound when it is gone,
    Conflict when it is not finished.
    """
    export = get_export(runtime, actor, export_id)
    shows_people = export.job.result.get("shows_people", False)
    if shows_people and export.created_by != actor.person_id:
        authorize(actor, Action.SEE_PEOPLE)
    if not export.job.is_finished:
        raise Conflict(N_("Export {id} is not finished yet."), id=export_id)
    if export.path is None:
        raise NotFound(N_("The file of export {id} is not there (any more)."), id=export_id)
    return export.path


def delete_export(runtime: Runtime, actor: Actor, export_id: int) -> None:
    """Take its file off the disk; that it was made stays listed. Raises as `open_export`."""
    path = open_export(runtime, actor, export_id)
    path.unlink(missing_ok=True)
    with runtime.sessions.write() as session:
        add_audit(session, utc_now(), actor.person_id, "delete_export", "export", export_id, before={"file": path.name})


def take_away(runtime: Runtime, actor: Actor, export_id: int, target: Path) -> Path:
    """Move its file to a place outside the exports. Raises as `open_export`, and NotReady when it cannot be there."""
    path = open_export(runtime, actor, export_id)
    try:
        shutil.move(path, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise NotReady(N_("{path} cannot be written: {reason}"), path=target, reason=reason) from error
    return target.resolve()


def read_parts(path: Path, n_bytes: int = 2**20) -> Iterator[bytes]:
    """A file in parts, for a way out that streams."""
    with path.open("rb") as file:
        yield from iter(partial(file.read, n_bytes), b"")
