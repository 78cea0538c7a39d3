"""The import job: a file's rows into products, block by block, each block one short transaction.

How far it is, is committed with the rows, so a killed import goes on where it was and no row comes twice.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from core.catalogue import own_exports
from core.catalogue.block_importer import BlockImporter
from core.catalogue.category_codes import find_codes
from core.catalogue.import_options import ImportOptions, check_source, options_from, remembered_options
from core.catalogue.import_plan import Plan, check_plan, plan_import
from core.catalogue.import_runs import ImportRun, get_import_run
from core.catalogue.readers import FileShape, open_reader
from core.catalogue.rows import RowMapper
from core.catalogue.uploads import discard_upload
from core.errors import N_, Conflict, InvalidInput
from core.jobs.context import JobContext
from core.jobs.ownership import keep_hold
from core.jobs.queue import enqueue
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import imports
from db.people import add_audit
from db.tables import ImportRunRow

JOB = "import_products"
LABEL_STUDIO = "label_studio"  # in a payload or run: what is told of a file of Label Studio's tasks


def import_payload(path: Path, source: str, options: ImportOptions, file_name: str | None = None) -> dict[str, Any]:
    """What the job needs to know, after a first look at the file.

    Raises UnreadableFile or InvalidInput when it cannot be imported like this.
    """
    return {
        "path": str(path.resolve()),
        "source": check_source(source),
        "options": options.to_json(),
        "file_name": file_name or path.name,
    }


def import_file(
    runtime: Runtime, actor: Actor, path: Path, source: str, options: ImportOptions, file_name: str | None = None
) -> int:
    """Look at the file, then let the worker import it; returns the job's id. While just this import waits, that one's.

    Raises Forbidden, UnreadableFile, InvalidInput (no title column, headings only ...).
    """
    authorize(actor, Action.IMPORT)
    source = check_source(source)
    check_plan(plan_import(path, options, remembered_options(runtime, source)))
    payload = import_payload(path, source, options, file_name)
    return enqueue(runtime, actor, JOB, payload, dedupe_key=_import_key(payload))


def label_studio_payload(
    path: Path, source: str, people: str = "", columns: Mapping[str, Sequence[str]] | None = None, field: str = ""
) -> dict[str, Any]:
    """What the job needs to know to import Label Studio's JSON. `people` is such as '7=Mina, ann@x.org=Juno'.

    Raises UnreadableFile, InvalidInput.
    """
    from core.catalogue.label_studio.people import parse_people
    from core.catalogue.label_studio.reading import Items

    next(iter(Items(path)), None)
    told = {"people": parse_people(people), "field": field}
    told["columns"] = {name: list(names) for name, names in (columns or {}).items()}
    return {
        "path": str(path.resolve()),
        "source": check_source(source),
        "file_name": path.name,
        LABEL_STUDIO: told,
    }


def _import_key(payload: dict[str, Any]) -> str:
    """The same for a second press of the button; another for a corrected file, or the same one read otherwise."""
    stat = Path(payload["path"]).stat()
    asked = json.dumps([payload, stat.st_size, stat.st_mtime_ns], sort_keys=True)
    return f"import:{blake2b(asked.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def resume_payload(run: ImportRun) -> dict[str, Any]:
    """The job that goes on with a stopped run. Raises Conflict when it is not stopped."""
    if run.state != "stopped":
        raise Conflict(
            N_("Import {run_id} is {state}: there is nothing to go on with."), run_id=run.id, state=run.state
        )
    return {"run_id": run.id}


def resume_import(runtime: Runtime, actor: Actor, run_id: int) -> int:
    """Let the worker go on with a stopped run; returns the job's id. Raises Forbidden, NotFound, Conflict."""
    authorize(actor, Action.IMPORT)
    payload = resume_payload(get_import_run(runtime, run_id))
    job_id = enqueue(runtime, actor, JOB, payload, dedupe_key=f"import:run:{run_id}")
    with runtime.sessions.write() as session:  # it waits from now on, it is no longer stopped
        imports.hand_run_over(session, run_id, job_id)
    return job_id


def run_import_job(context: JobContext) -> dict[str, Any]:
    """Handler of 'import_products'. Safe to run twice: it goes on after the last committed block."""
    authorize(context.actor, Action.IMPORT)
    run = _begin(context)
    if run.finished_at:  # killed between its last word and the end of the job
        return _facts(run)
    started = time.monotonic()
    path = Path(run.options["path"])
    _check_unchanged(path, run)
    if LABEL_STUDIO in run.options:
        return _run_label_studio(context, run, path, started)
    options = options_from(run.options["options"])
    codes = find_codes(context.runtime, options)
    with open_reader(path, FileShape(**run.options["shape"]), _wanted(options)) as reader:
        importer = BlockImporter(context, run, RowMapper(reader.headings, options, run.source, codes))
        importer.run(reader, started)
    before, n_cleaned = importer.position.before, importer.mapper.n_cleaned
    facts = _finish(context, run.id, before, n_cleaned, time.monotonic() - started)
    discard_upload(context.runtime, path, context.job.id)
    return facts


def _begin(context: JobContext) -> ImportRunRow:
    """The run of this job: its own from before a kill, the one to go on with, or a new one."""
    payload, sessions = context.payload, context.runtime.sessions
    with sessions.read() as session:
        run = imports.find_run_of_job(session, context.job.id)
    if run:
        return run
    if "run_id" in payload:
        with sessions.write() as session:
            imports.hand_run_over(session, payload["run_id"], context.job.id)
            keep_hold(session, context)
        with sessions.read() as session:
            run = imports.find_run_of_job(session, context.job.id)
        assert run, f"run {payload['run_id']} was there when the job was made"
        return run
    path, source = Path(payload["path"]), payload["source"]
    if LABEL_STUDIO in payload:
        with sessions.write() as session:
            facts = _file_facts(path) | {LABEL_STUDIO: payload[LABEL_STUDIO], "headings": ["annotator", "category"]}
            keep_hold(session, context)
            return imports.insert_run(
                session, context.job.id, source, payload["file_name"], facts, context.job.created_by, utc_now()
            )
    given = options_from(payload["options"])
    plan = plan_import(path, given, remembered_options(context.runtime, source))
    check_plan(plan)
    for note in plan.notes:
        context.log(str(note))
    with sessions.write() as session:
        if plan.options.is_export:
            imports.ensure_source(session, source, utc_now())
        else:
            imports.save_source(session, source, _to_remember(plan).to_json(), utc_now())
        keep_hold(session, context)
        facts = _run_facts(plan)
        return imports.insert_run(
            session, context.job.id, source, payload["file_name"], facts, context.job.created_by, utc_now()
        )


def _to_remember(plan: Plan) -> ImportOptions:
    """What the next file of this source probably shares: not the taxonomy file, which may be gone by then."""
    return replace(plan.options, taxonomy="", sheet="")


def _run_facts(plan: Plan) -> dict[str, Any]:
    """Everything that was settled at the start, so that going on reads the file in just the same way."""
    shape, wanted = plan.shape, _wanted(plan.options)
    return _file_facts(plan.path) | {
        "shape": {
            "format": shape.format,
            "encoding": shape.encoding,
            "delimiter": shape.delimiter,
            "sheet": shape.sheet,
        },
        "headings": wanted if shape.format == "parquet" else plan.headings,
        "options": plan.options.to_json(),
    }


def _file_facts(path: Path) -> dict[str, Any]:
    return {"path": str(path), "size": path.stat().st_size, "modified": path.stat().st_mtime_ns}


def _check_unchanged(path: Path, run: ImportRunRow) -> None:
    """Going on in another file would skip the wrong rows."""
    if not run.position:
        return
    stat = path.stat() if path.exists() else None
    if stat is None or (stat.st_size, stat.st_mtime_ns) != (run.options["size"], run.options["modified"]):
        raise InvalidInput(
            N_("{file} has changed since its import began, so it cannot go on. Import it again: what is there stays."),
            file=run.file_name,
        )


def _wanted(options: ImportOptions) -> list[str]:
    extra = own_exports.EXTRA if options.is_export else ()
    return [*extra, *(name for names in options.columns.values() for name in names)]


def _run_label_studio(context: JobContext, run: ImportRunRow, path: Path, started: float) -> dict[str, Any]:
    from core.catalogue.label_studio.importing import run_tasks

    run_tasks(context, run)
    return _finish(context, run.id, run.position, 0, time.monotonic() - started)


def _finish(context: JobContext, run_id: int, before: int, n_cleaned: int, seconds: float) -> dict[str, Any]:
    """Close the run and say what became of the file's rows."""
    with context.runtime.sessions.write() as session:
        now = utc_now()
        imports.finish_run(session, run_id, now)
        session.flush()
        run = imports.find_run(session, run_id)
        assert run, "the run is there: its rows are"
        add_audit(session, now, context.job.created_by, "import", "import_run", run_id, after=_numbers(run))
        keep_hold(session, context)
    if n_cleaned:
        context.log(f"{n_cleaned} titles held control characters, which were taken out.")
    return _facts(run, n_cleaned, run.position - before, seconds)


def _numbers(run: ImportRunRow) -> dict[str, int]:
    return {
        "rows_read": run.position,
        "rows_imported": run.n_inserted,
        "rows_updated": run.n_updated,
        "rows_unchanged": run.n_unchanged,
        "rows_rejected": run.n_rejected,
    }


def _facts(run: ImportRunRow, n_cleaned: int = 0, n_read: int = 0, seconds: float = 0.0) -> dict[str, Any]:
    return _numbers(run) | {
        "run_id": run.id,
        "source": run.source,
        "titles_cleaned": n_cleaned,
        "seconds": round(seconds, 3),
        "rows_per_second": round(n_read / max(seconds, 0.001)),
    }
