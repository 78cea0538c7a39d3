"""The API as one ASGI application over a runtime."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import anyio.to_thread
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from core.api import problems
from core.api.docs_page import add_docs
from core.api.frame import Frame
from core.api.guard import SECURITY_SCHEME
from core.api.rate_limit import RateLimiter
from core.api.routes import campaigns, categories, exports, health, jobs, labeling, me, models, predictions, products
from core.api.task_ids import open_task_ids
from core.errors import AppError
from core.runtime import Runtime, open_runtime
from core.settings import read_settings

THREADS = 20  # as many as the database's pool gives connections: nobody waits for one in vain
ROUTES = (me, products, categories, campaigns, labeling, predictions, models, jobs, exports)
ABOUT = """The same operations as the pages, for programs. Make a token on the People page or with
`cli.py token create`; it acts as its person, within the person's role and the token's scopes."""


class Api(FastAPI):
    """With our frame outermost, so that a mistake of ours has its request's id too."""

    def build_middleware_stack(self) -> ASGIApp:
        return Frame(super().build_middleware_stack())


def create_app(runtime: Runtime) -> FastAPI:
    """The application; the caller closes the runtime."""
    app = Api(
        title="Shelfwright",
        version="1",
        description=ABOUT,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: "_".join([*map(str, route.tags), route.name]),  # campaigns_pause
        lifespan=_lifespan,
    )
    app.state.runtime = runtime
    app.state.task_ids = open_task_ids(runtime.data_dir)
    app.state.limiter = RateLimiter(runtime.settings.api_rate)
    app.add_exception_handler(AppError, problems.answer_app_error)
    app.add_exception_handler(RequestValidationError, problems.answer_validation_error)
    app.add_exception_handler(HTTPException, problems.answer_http_error)
    app.add_exception_handler(sa.exc.SQLAlchemyError, problems.answer_database_error)
    app.add_exception_handler(Exception, problems.answer_unexpected)
    app.include_router(health.router)
    for room in ROUTES:
        app.include_router(room.router)
    add_docs(app)
    app.openapi = lambda: _schema(app)  # type: ignore[method-assign]
    return app


def from_environment() -> FastAPI:
    """The application of one worker process, over the settings of the environment."""
    runtime = open_runtime(read_settings())
    app = create_app(runtime)
    app.state.closes_runtime = True
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
    if getattr(app.state, "closes_runtime", False):
        app.state.runtime.close()


def _schema(app: FastAPI) -> dict[str, Any]:
    """OpenAPI with what holds for all routes: the token, and problems instead of the framework's own errors."""
    if app.openapi_schema:
        return app.openapi_schema
    schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    parts = schema.setdefault("components", {})
    parts["securitySchemes"] = {SECURITY_SCHEME: {"type": "http", "scheme": "bearer"}}
    parts["responses"] = {"Problem": {"description": "A problem (RFC 9457)", "content": _PROBLEM_CONTENT}}
    shapes = parts.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        shapes.pop(name, None)
    shapes["Problem"] = _PROBLEM
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
            if method == "post" and path.startswith("/v1/"):
                operation.setdefault("parameters", []).append(_KEY)
    app.openapi_schema = schema
    return schema


_TEXT = {"type": "string"}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    "description": "The same key and body again get the same answer, and nothing is done twice.",
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "request_id"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "instance": _TEXT,
        "request_id": _TEXT,
        "errors": {
            "type": "array",
            "items": {"type": "object", "properties": dict.fromkeys(("in", "name", "code", "message"), _TEXT)},
        },
    },
}
_PROBLEM_CONTENT = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
