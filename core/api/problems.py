"""Errors as programs read them: problem+json (RFC 9457), in the caller's language, never with a stack trace."""

import http
import logging
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from core import errors
from core.api.idempotency import InFlight, KeyReused
from core.api.rate_limit import TooManyRequests
from core.database_away import is_database_away
from core.errors import N_, AppError
from core.i18n import LANGUAGES, error_text, pick_language, translations
from core.training.registry import PromotionRefused

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 1
MAX_ERRORS = 20  # of a request, that are listed one by one
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Problem:
    """A kind of error: its name in `type`, its status, its title."""

    name: str
    status: int
    title: str


DATABASE_AWAY = Problem("database-away", 503, N_("The database cannot be reached now"))
INTERNAL = Problem("internal-error", 500, N_("Something went wrong here"))
FAILED = Problem("failed", 500, N_("This could not be done"))
NOT_JSON_CODE = "json_invalid"  # pydantic's name for it
NOT_JSON = N_("The body is not JSON: line {line}, character {at}: {reason}. Mend it there and send it again.")
MALFORMED = Problem("malformed-request", 422, N_("The request cannot be understood"))
# what is raised -> what it is; of several that fit, the one that stands closest
KINDS: dict[type[AppError], Problem] = {
    AppError: FAILED,
    errors.NotFound: Problem("not-found", 404, N_("Not found")),
    errors.Conflict: Problem("conflict", 409, N_("This does not fit what is there now")),
    errors.LeaseLost: Problem("lease-lost", 409, N_("The product went back into the queue")),
    errors.AlreadyLabeled: Problem("already-labeled", 409, N_("Decided already")),
    errors.StaleEdit: Problem("stale-edit", 409, N_("Changed meanwhile")),
    errors.NotReady: Problem("not-ready", 409, N_("Not possible yet")),
    PromotionRefused: Problem("promotion-refused", 409, N_("Not promoted")),
    errors.JobCancelled: Problem("job-cancelled", 409, N_("The job was cancelled")),
    errors.InvalidInput: Problem("invalid-input", 422, N_("This input cannot be used")),
    errors.Forbidden: Problem("forbidden", 403, N_("Not allowed")),
    errors.NotSignedIn: Problem("not-signed-in", 401, N_("Not signed in")),
    InFlight: Problem("in-flight", 409, N_("The same request is being worked on")),
    KeyReused: Problem("key-reused", 422, N_("The key was used for another request")),
    TooManyRequests: Problem("too-many-requests", 429, N_("Too many requests")),
}
_TITLES = {
    400: N_("The request cannot be understood"),
    404: N_("There is nothing at this address"),
    405: N_("This address does not know this method"),
    413: N_("The request is too large"),
}


def language_of(request: Request) -> str:
    """The language the caller likes best of those we speak, by Accept-Language; English where none is."""
    wishes: list[tuple[float, str]] = []
    for wish in request.headers.get("accept-language", "")[:200].split(","):
        tag, _, weight = wish.strip().partition(";q=")
        try:
            wishes.append((float(weight) if weight else 1.0, tag.strip()))
        except ValueError:
            continue
    liked = [tag for weight, tag in sorted(wishes, key=lambda wish: -wish[0]) if weight > 0]
    known = (tag for tag in liked if tag.split("-")[0].lower() in LANGUAGES)
    return pick_language(next(known, None))


def problem_of(error: AppError) -> Problem:
    """What kind of problem an error is."""
    if error.__cause__ is not None and is_database_away(error.__cause__):
        return DATABASE_AWAY
    return next(KINDS[kind] for kind in type(error).__mro__ if kind in KINDS)


def answer_app_error(request: Request, error: Exception) -> Response:
    """An AppError in its own words."""
    assert isinstance(error, AppError), type(error)
    problem = problem_of(error)
    headers = {}
    if problem.status == 503 or isinstance(error, InFlight):
        headers["Retry-After"] = str(RETRY_SECONDS)
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.retry_after)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return _answer(request, problem, error_text(error, language_of(request)), headers)


def answer_validation_error(request: Request, error: Exception) -> Response:
    """What is wrong with the request, part by part. What was sent is not repeated: it may be secret, or no text."""
    assert isinstance(error, RequestValidationError), type(error)
    parts = [_part(request, part, error.body) for part in error.errors()[:MAX_ERRORS]]
    detail = "; ".join(f"{part['name'] or part['in']}: {part['message']}" for part in parts[:3])
    if parts[0]["code"] == NOT_JSON_CODE:
        detail = parts[0]["message"]
    return _answer(request, MALFORMED, detail, errors=parts)


def _part(request: Request, part: dict[str, Any], body: Any) -> dict[str, str]:
    """One thing that is wrong: where, which field, what."""
    where, name, message = str(part["loc"][0]), ".".join(str(step) for step in part["loc"][1:]), part["msg"]
    if part["type"] == NOT_JSON_CODE:  # its 'name' would be a number of characters
        before = str(body)[: int(name or 0)]
        reason = part.get("ctx", {}).get("error", "")
        line, at = before.count("\n") + 1, len(before) - before.rfind("\n")
        template = translations(language_of(request)).gettext(NOT_JSON)
        name, message = "", template.format(line=line, at=at, reason=reason)
    found = {"in": where, "name": name[:200], "code": part["type"], "message": message[:300]}
    return {key: _without_surrogates(value) for key, value in found.items()}


def answer_http_error(request: Request, error: Exception) -> Response:
    """Unknown addresses and methods, requests that are too large."""
    assert isinstance(error, HTTPException), type(error)
    title = _TITLES.get(error.status_code, http.HTTPStatus(error.status_code).phrase)
    name = http.HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return _answer(request, Problem(name, error.status_code, title), None, dict(error.headers or {}))


def answer_database_error(request: Request, error: Exception) -> Response:
    """A database that is away or busy is waited for by the caller; anything else is our mistake."""
    assert isinstance(error, sa.exc.SQLAlchemyError), type(error)
    if not is_database_away(error):
        return answer_unexpected(request, error)
    logger.warning("the database could not be reached: %s", error.__class__.__name__)
    detail = translations(language_of(request)).gettext(
        N_("The database cannot be reached. Ask again soon: under the same Idempotency-Key nothing is done twice.")
    )
    return _answer(request, DATABASE_AWAY, detail, {"Retry-After": str(RETRY_SECONDS)})


def answer_unexpected(request: Request, error: Exception) -> Response:
    """A mistake of ours: the log has its trace, which the server writes next, under the request's id."""
    logger.error("request %s failed: %s", request.state.request_id, type(error).__name__)
    return _answer(request, INTERNAL, None)


def _answer(
    request: Request, problem: Problem, detail: str | None, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    language = language_of(request)
    body = {
        "type": f"/problems#{problem.name}",
        "title": translations(language).gettext(problem.title),
        "status": problem.status,
        "detail": detail,
        "instance": _without_surrogates(request.url.path)[:500],
        "request_id": request.state.request_id,
        **more,
    }
    known = {name: value for name, value in body.items() if value is not None}
    given = {"Content-Language": language, "Vary": "Accept-Language", **(headers or {})}
    return JSONResponse(known, problem.status, given, media_type=MEDIA_TYPE)


def _without_surrogates(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
