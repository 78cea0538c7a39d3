"""Exports: asked for, watched, fetched with a checksum."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Request, Response
from fastapi.responses import FileResponse
from pydantic import Field

from core.api.guard import CallerHere, guarded_router, needs
from core.api.shapes import Body, Cursor, Id, IdInPath, Limit, Name, Page, Shape, page_by_id
from core.api_tokens import Scope
from core.catalogue.exporting.exporting import Export, get_export, list_exports, open_export, start_export
from core.catalogue.exporting.request import ExportRequest
from db.enums import JobStatus

router = guarded_router("exports")
Word = Annotated[str, Field(max_length=40)]


class ExportShape(Shape):
    """An export; `rows`, `bytes` and `sha256` are there when it is done. `id` is that of its job."""

    id: int
    what: str
    format: str
    status: JobStatus
    is_finished: bool
    progress: float
    error: str | None
    created_by: int | None
    created_at: datetime
    rows: int | None
    bytes: int | None
    sha256: str | None
    file: str | None = Field(description="Where to fetch it; none before it is done and after it was deleted.")


class ExportBody(Body):
    """What is exported, how, and how it is narrowed: docs/api.md tells what fits what."""

    what: Word
    format: Word = "csv"
    filter: dict[Name, Any] | None = None
    campaign_id: Id | None = None
    person_id: Id | None = None
    since: date | None = None
    until: date | None = None
    version_id: Id | None = None
    snapshot_id: Id | None = None
    style: Word | None = None


@router.get("/exports", response_model=Page[ExportShape])
@needs(Scope.EXPORT)
def find_exports(
    caller: CallerHere, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None
) -> dict[str, Any]:
    """Exports, newest first."""
    return page_by_id(
        request,
        response,
        "exports",
        limit,
        cursor,
        lambda n, before: list_exports(caller.runtime, caller.actor, n, before),
        lambda row: row.id,
        _shown,
    )


@router.post("/exports", response_model=ExportShape, status_code=202)
@needs(Scope.EXPORT)
def ask_for_export(caller: CallerHere, response: Response, body: ExportBody) -> dict[str, Any]:
    """Let the worker write an export. While the same one waits, that one."""
    asked = ExportRequest.from_payload(body.model_dump(exclude_none=True))
    export_id = start_export(caller.runtime, caller.actor, asked)
    response.headers["Location"] = f"/v1/exports/{export_id}"
    return _shown(get_export(caller.runtime, caller.actor, export_id))


@router.get("/exports/{export_id}", response_model=ExportShape)
@needs(Scope.EXPORT)
def find_export(caller: CallerHere, export_id: IdInPath) -> dict[str, Any]:
    """One export, as far as it is."""
    return _shown(get_export(caller.runtime, caller.actor, export_id))


@router.get("/exports/{export_id}/file", response_class=FileResponse)
@needs(Scope.EXPORT)
def fetch_export(caller: CallerHere, export_id: IdInPath) -> FileResponse:
    """The file of a finished export; the header ETag is its SHA-256. Ranges can be asked for."""
    path = open_export(caller.runtime, caller.actor, export_id)
    export = get_export(caller.runtime, caller.actor, export_id)
    return FileResponse(
        path, media_type="application/octet-stream", filename=path.name, headers={"ETag": f'"{export.sha256}"'}
    )


def _shown(export: Export) -> dict[str, Any]:
    return {
        "id": export.id,
        "what": export.what,
        "format": export.format,
        "status": export.status,
        "is_finished": export.job.is_finished,
        "progress": export.job.progress,
        "error": export.job.error,
        "created_by": export.created_by,
        "created_at": export.created_at,
        "rows": export.n_rows,
        "bytes": export.n_bytes,
        "sha256": export.sha256,
        "file": f"/v1/exports/{export.id}/file" if export.path else None,
    }
