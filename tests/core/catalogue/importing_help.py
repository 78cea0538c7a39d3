"""Doing an import the way the worker does, and looking at what came of it."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.catalogue.import_options import options_from
from core.catalogue.import_runs import ImportRun, find_run_of_job, list_rejects
from core.catalogue.importing import JOB, import_file, import_payload
from core.jobs.queue import Job, enqueue
from core.jobs.worker import run_claimed
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import jobs
from db.enums import JobStatus
from db.tables import CategoryRow, MallRow, ProductRow

HEADING = "id,title,mall,category,price,brand,date\n"


def run_next(runtime: Runtime) -> Job:
    """What the worker does with the oldest waiting job."""
    with runtime.sessions.write() as session:
        job_id = jobs.claim_job(session, "w1", utc_now())
    assert job_id
    return run_claimed(runtime, job_id, "w1")


def do_import(runtime: Runtime, actor: Actor, path: Path, source: str = "shop", **options: Any) -> ImportRun:
    """Import a file that has nothing wrong as a whole."""
    import_file(runtime, actor, path, source, options_from(options))
    job = run_next(runtime)
    assert job.status == JobStatus.SUCCEEDED, job.error
    run = find_run_of_job(runtime, job.id)
    assert run
    assert run.state == "finished"
    return run


def failed_import(runtime: Runtime, actor: Actor, path: Path, **options: Any) -> tuple[Job, ImportRun | None]:
    """Import a file whose fault shows only in the job."""
    enqueue(runtime, actor, JOB, import_payload(path, "shop", options_from(options)))
    job = run_next(runtime)
    assert job.status == JobStatus.FAILED
    return job, find_run_of_job(runtime, job.id)


def titles(runtime: Runtime) -> list[str]:
    with runtime.sessions.read() as session:
        return list(session.scalars(sa.select(ProductRow.title).order_by(ProductRow.id)))


def products(runtime: Runtime) -> dict[str, ProductRow]:
    """External id -> product."""
    with runtime.sessions.read() as session:
        return {row.external_id: row for row in session.scalars(sa.select(ProductRow))}


def category_paths(runtime: Runtime) -> dict[int, str]:
    with runtime.sessions.read() as session:
        return dict(session.execute(sa.select(CategoryRow.id, CategoryRow.path)).all())


def malls(runtime: Runtime) -> dict[int, str]:
    with runtime.sessions.read() as session:
        return dict(session.execute(sa.select(MallRow.id, MallRow.name)).all())


def reasons(runtime: Runtime, run: ImportRun) -> list[tuple[int, str | None, str]]:
    """(line, column, sentence) of each reject."""
    return [(reject.line, reject.column, str(reject.reason)) for reject in list_rejects(runtime, run.id)]
