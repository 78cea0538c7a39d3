"""Is the process alive, and can it work: for load balancers and scripts, without a token."""

import sqlalchemy as sa
from fastapi import APIRouter, Request

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def is_alive() -> dict[str, str]:
    """The process answers. Asks nobody else."""
    return {"status": "ok"}


@router.get("/readyz")
def is_ready(request: Request) -> dict[str, str]:
    """The database answers too; else 503."""
    with request.app.state.runtime.sessions.read() as session:
        session.execute(sa.select(sa.literal(1)))
    return {"status": "ready"}
