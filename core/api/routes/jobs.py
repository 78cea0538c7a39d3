"""Long work: watch it, cancel it, ask for a training or a scoring."""

from dataclasses import MISSING, fields
from datetime import datetime
from typing import Annotated, Any, get_type_hints

from fastapi import Query, Request, Response
from pydantic import Field, create_model

from core.api.guard import Caller, CallerHere, guarded_router, needs
from core.api.shapes import Body, Cursor, Id, IdInPath, Limit, Page, Shape, page_by_id
from core.api_tokens import Scope
from core.jobs.handlers import HANDLERS
from core.jobs.queue import Job, cancel_job, get_job, list_jobs, list_log
from core.serving.scoring import enqueue_scoring
from core.training.train import enqueue_training
from core.training.training_settings import TrainingSettings
from db.enums import JobStatus

router = guarded_router("jobs")


class JobShape(Shape):
    """A piece of long work. `progress` is 0..1; `detail` holds live numbers, `result` what came out."""

    id: int
    kind: str
    status: JobStatus
    is_finished: bool
    progress: float
    stage: str | None
    detail: dict[str, Any]
    result: dict[str, Any]
    error: str | None
    attempt: int
    cancel_requested: bool
    created_by: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class LogLine(Shape):
    """What a job said, and when."""

    at: datetime
    line: str


class ScoringBody(Body):
    """Which version answers (none: the one in use), and whether only for products that it has not answered."""

    model_version_id: Id | None = None
    only_missing: bool = False


_HINTS = get_type_hints(TrainingSettings)
_WORD = Annotated[str, Field(max_length=40)]
_BOUNDED: dict[Any, Any] = {str: _WORD, str | None: _WORD | None}
_SETTINGS: dict[str, Any] = {
    part.name: (
        _BOUNDED.get(_HINTS[part.name], _HINTS[part.name]),
        Field(default_factory=dict) if part.default is MISSING else part.default,
    )
    for part in fields(TrainingSettings)
}
TrainingBody: Any = create_model(
    "TrainingBody", __base__=Body, __doc__="Settings of a training, all with good defaults.", **_SETTINGS
)


@router.get("/jobs", response_model=Page[JobShape])
@needs(Scope.READ)
def find_jobs(
    caller: CallerHere,
    request: Request,
    response: Response,
    kind: Annotated[str | None, Query(max_length=40, description="train, score, import_products ...")] = None,
    unfinished: Annotated[bool, Query(description="Only waiting and running ones.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Jobs, newest first."""
    kinds = None if kind is None else [kind] if kind in HANDLERS else ["none"]
    return page_by_id(
        request,
        response,
        "jobs",
        limit,
        cursor,
        lambda n, before: list_jobs(caller.runtime, kinds, n, before, unfinished),
        lambda job: job.id,
    )


@router.get("/jobs/{job_id}", response_model=JobShape)
@needs(Scope.READ)
def find_job(caller: CallerHere, job_id: IdInPath) -> Job:
    """One job, as far as it is."""
    return get_job(caller.runtime, job_id)


@router.get("/jobs/{job_id}/log", response_model=list[LogLine])
@needs(Scope.READ)
def find_log(
    caller: CallerHere, job_id: IdInPath, limit: Annotated[int, Query(ge=1, le=1_000)] = 200
) -> list[dict[str, Any]]:
    """The last lines that a job said."""
    job = get_job(caller.runtime, job_id)
    return [{"at": at, "line": line} for at, line in list_log(caller.runtime, job.id, limit)]


@router.post("/jobs/{job_id}/cancel", response_model=JobShape)
@needs(Scope.MANAGE)
def stop_job(caller: CallerHere, job_id: IdInPath) -> Job:
    """A waiting job ends at once, a running one soon."""
    cancel_job(caller.runtime, caller.actor, job_id)
    return get_job(caller.runtime, job_id)


@router.post("/jobs/training", response_model=JobShape, status_code=202)
@needs(Scope.MANAGE)
def start_training(caller: CallerHere, response: Response, body: TrainingBody) -> Job:
    """Train a version; a worker does it. While one waits, that one."""
    settings = TrainingSettings(**body.model_dump())
    return _started(caller, response, enqueue_training(caller.runtime, caller.actor, settings))


@router.post("/jobs/scoring", response_model=JobShape, status_code=202)
@needs(Scope.MANAGE)
def start_scoring(caller: CallerHere, response: Response, body: ScoringBody) -> Job:
    """Let a version answer for the products; a worker does it. While the same one waits, that one."""
    job_id = enqueue_scoring(caller.runtime, caller.actor, body.model_version_id, body.only_missing)
    return _started(caller, response, job_id)


def _started(caller: Caller, response: Response, job_id: int) -> Job:
    response.headers["Location"] = f"/v1/jobs/{job_id}"
    return get_job(caller.runtime, job_id)
