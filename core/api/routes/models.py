"""Model versions: their metrics, and which of them answers."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import Field

from core.api.guard import CallerHere, guarded_router, needs
from core.api.shapes import Body, Cursor, IdInPath, Limit, Page, Shape, page_by_id
from core.api_tokens import Scope
from core.training.registry import list_versions, promote, read_version, roll_back
from core.training.versions import ModelVersion
from db.enums import ModelStatus

router = guarded_router("models")


class ModelShape(Shape):
    """A trained version. `metrics` are by name: rates with n and their interval."""

    id: int
    name: str
    status: ModelStatus
    config: dict[str, Any]
    seed: int
    snapshot_hash: str | None
    snapshot_rows: int | None
    n_scored: int
    created_by: str
    created_at: datetime
    finished_at: datetime | None
    is_promoted: bool


class ModelDetails(ModelShape):
    """With what was measured on held-out products."""

    metrics: dict[str, Any]


class PromotionBody(Body):
    """Why this version is to answer. `override`: although categories fall by more than the margin."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]
    override: bool = False


class RollbackBody(Body):
    """Why the version before is to answer again."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


@router.get("/models", response_model=Page[ModelShape])
@needs(Scope.READ)
def find_models(
    caller: CallerHere, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None
) -> dict[str, Any]:
    """Usable versions, newest first."""
    return page_by_id(
        request,
        response,
        "models",
        limit,
        cursor,
        lambda n, before: list_versions(caller.runtime, caller.actor, n, before),
        lambda version: version.id,
    )


@router.get("/models/{version_id}", response_model=ModelDetails)
@needs(Scope.READ)
def find_model(caller: CallerHere, version_id: IdInPath) -> ModelVersion:
    """One version with its metrics."""
    return read_version(caller.runtime, caller.actor, version_id)


@router.post("/models/{version_id}/promote", response_model=ModelShape)
@needs(Scope.MANAGE)
def promote_model(caller: CallerHere, version_id: IdInPath, body: PromotionBody) -> ModelVersion:
    """Let this version answer from now on. Refused (409) when a category falls by more than the margin."""
    return promote(caller.runtime, caller.actor, version_id, body.reason, body.override)


@router.post("/models/rollback", response_model=ModelShape)
@needs(Scope.MANAGE)
def roll_model_back(caller: CallerHere, body: RollbackBody) -> ModelVersion:
    """Let the version before answer again."""
    return roll_back(caller.runtime, caller.actor, body.reason)
