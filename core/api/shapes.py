"""What requests and answers are made of: bounded ids and texts, pages with a cursor."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.errors import N_, InvalidInput

LARGEST_ID = 2**63 - 1
MAX_PAGE = 200
MAX_CURSOR = 500  # characters
T = TypeVar("T")


Text = Annotated[str, Field(max_length=20_000)]
Name = Annotated[str, Field(max_length=200)]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
IdInPath = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Rows on a page.")]
Cursor = Annotated[
    str | None, Query(max_length=MAX_CURSOR, description="`next_cursor` of the page before; none: the first page.")
]


class Body(BaseModel):
    """What a request carries: nothing that is not known, and text that can be stored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _can_be_stored(cls, sent: Any) -> Any:
        """However deep it lies: half a surrogate pair is no text, and PostgreSQL takes no NUL."""
        waiting = [sent]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                waiting += [*part, *part.values()]
            elif isinstance(part, list):
                waiting += part
            elif isinstance(part, str) and ("\0" in part or not is_text(part)):
                raise ValueError("there is a character that cannot be used (NUL, or half a surrogate pair)")
        return sent


def is_text(text: str) -> bool:
    """Whether it can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Shape(BaseModel):
    """What an answer holds; read from core's dataclasses."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[T]):
    """A page of a list, read by key: the hundredth costs what the first does."""

    items: list[T]
    next_cursor: str | None = Field(description="Where the next page begins; none on the last one.")
    next: str | None = Field(description="Address of the next page, as in the header Link.")


def make_page(request: Request, response: Response, items: Sequence[Any], next_cursor: str | None) -> dict[str, Any]:
    """A page with the address of the next one."""
    if next_cursor is None:
        return {"items": items, "next_cursor": None, "next": None}
    asked: Mapping[str, str] = {**request.query_params, "cursor": next_cursor}
    address = f"{request.url.path}?{urlencode(asked)}"
    response.headers["Link"] = f'<{address}>; rel="next"'
    return {"items": items, "next_cursor": next_cursor, "next": address}


def page_by_id(
    request: Request,
    response: Response,
    listed: str,
    limit: int,
    cursor: str | None,
    find: Callable[[int, int | None], Sequence[Any]],
    id_of: Callable[[Any], int],
    shown: Callable[[Any], Any] = lambda row: row,
) -> dict[str, Any]:
    """A page of the list `listed` whose place is an id: `find(n, after)` gives up to n rows after that id."""
    rows = find(limit + 1, _read_cursor(listed, cursor))
    more = len(rows) > limit
    rows = rows[:limit]
    return make_page(
        request, response, [shown(row) for row in rows], _write_cursor(listed, id_of(rows[-1])) if more else None
    )


def _write_cursor(listed: str, last_id: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([listed, last_id]).encode()).decode()


def _read_cursor(listed: str, cursor: str | None) -> int | None:
    if cursor is None:
        return None
    try:
        name, last_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError, RecursionError):
        name, last_id = None, None
    if name != listed or type(last_id) is not int or not 0 <= last_id <= LARGEST_ID:
        raise InvalidInput(N_("This page of the list cannot be found. Start again from its first page."))
    return last_id
