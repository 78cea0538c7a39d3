"""What every request of /v1 passes: token, scope, rate, known parameters, and its Idempotency-Key."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute

from core.api import idempotency
from core.api.rate_limit import RateLimiter, Window
from core.api.task_ids import TaskIds
from core.api_tokens import Scope, authenticate, require_scope
from core.errors import N_, InvalidInput, NotSignedIn
from core.runtime import Runtime
from core.types import Actor

SECURITY_SCHEME = "token"
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True)
class Caller:
    """Who asks, and for what. `key` is their Idempotency-Key, if they sent one."""

    runtime: Runtime
    actor: Actor
    scopes: frozenset[Scope]
    key: str | None
    task_ids: TaskIds

    @property
    def decision_key(self) -> str:
        """The key of a decision or an undo. InvalidInput without one: pressed twice it would be told as an error."""
        if self.key is None:
            raise InvalidInput(N_("This request needs the header Idempotency-Key: a new one for each decision."))
        return idempotency.decision_key(self.actor, self.key)


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


CallerHere = Annotated[Caller, Depends(_caller)]


def needs(scope: Scope, keeps_answers: bool = True) -> Callable[[Endpoint], Endpoint]:
    """Mark an endpoint with the scope a token needs for it. `keeps_answers` off: by its nature it can be repeated, or
    core knows its Idempotency-Key itself."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__dict__["scope"], endpoint.__dict__["keeps_answers"] = scope, keeps_answers
        return endpoint

    return mark


class GuardedRoute(APIRoute):
    """A route whose request is let in before its body is looked at."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.scope: Scope = endpoint.__dict__["scope"]  # KeyError: a route was written without `needs`
        self.keeps_answers: bool = endpoint.__dict__["keeps_answers"]
        options["openapi_extra"] = {"security": [{SECURITY_SCHEME: [self.scope.value]}], "x-scope": self.scope.value}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            caller, window = await run_in_threadpool(self._admit, request)
            request.state.caller = caller
            request.state.rate_headers = window.headers() if window else {}
            if request.method == "POST" and self.keeps_answers and caller.key is not None:
                return await _once(request, caller, caller.key, answer)
            return await answer(request)

        return guarded

    def _admit(self, request: Request) -> tuple[Caller, Window | None]:
        runtime, limiter = request.app.state.runtime, request.app.state.limiter
        token = _token(request)
        actor, scopes = _authenticate(runtime, limiter, token, request.client.host if request.client else "")
        window = limiter.count(token)
        require_scope(scopes, self.scope)
        self._check_parameters(request)
        key = request.headers.get(idempotency.HEADER)
        usable_key = None if key is None else idempotency.checked_key(key)
        return Caller(runtime, actor, scopes, usable_key, request.app.state.task_ids), window

    def _check_parameters(self, request: Request) -> None:
        """A parameter that is not known is refused: a slip of the pen would find other things than meant."""
        known = {name for field in self.dependant.query_params for name in _names(field)}
        asked = request.query_params.multi_items()
        unknown = [name for name, _ in asked if name not in known]
        twice = [name for name, _ in asked if len(request.query_params.getlist(name)) > 1]
        errors = [("extra_forbidden", name, "There is no such parameter") for name in unknown]
        errors += [("given_twice", name, "Give this parameter once") for name in twice]
        errors += [("nul", name, "The character NUL cannot be used") for name, value in asked if "\0" in name + value]
        if errors:
            raise RequestValidationError(
                [{"type": code, "loc": ("query", name), "msg": said} for code, name, said in errors]
            )


def guarded_router(tag: str) -> APIRouter:
    """A router of /v1 whose routes are all guarded."""
    return APIRouter(prefix="/v1", tags=[tag], route_class=GuardedRoute)


def _names(field: Any) -> list[str]:
    """What a parameter is called; a model of parameters has many."""
    fields = getattr(field.field_info.annotation, "model_fields", None)
    return list(fields) if fields else [field.alias]


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn(N_("Send an API token: Authorization: Bearer <token>."))
    return token.strip()


def _authenticate(runtime: Runtime, limiter: RateLimiter, token: str, address: str) -> tuple[Actor, frozenset[Scope]]:
    limiter.check_failures(address)
    try:
        return authenticate(runtime, token)
    except NotSignedIn:
        limiter.count_failure(address)
        raise


async def _once(request: Request, caller: Caller, key: str, answer: Handler) -> Response:
    """The answer to a request, or the one it got before. A request that fails leaves nothing behind."""
    asked = idempotency.fingerprint(request.method, request.url.path, await request.body())
    kept = await run_in_threadpool(idempotency.begin, caller.runtime, caller.actor, key, asked)
    if isinstance(kept, idempotency.KeptAnswer):
        headers = {**kept.headers, "Idempotent-Replayed": "true"}
        if kept.body is None:
            return Response(status_code=kept.status, headers=headers)
        return JSONResponse(kept.body, kept.status, headers)
    done = False
    try:
        response = await answer(request)
        if done := response.status_code < 300:
            await run_in_threadpool(
                idempotency.keep,
                caller.runtime,
                caller.actor,
                kept,
                response.status_code,
                response.headers.items(),
                bytes(response.body),
            )
        return response
    finally:
        if not done:
            await run_in_threadpool(idempotency.forget, caller.runtime, caller.actor, kept)
