"""Small frozen dataclasses that cross floors and belong to no one room."""

from dataclasses import dataclass
from datetime import UTC, datetime

from db.enums import Role


@dataclass(frozen=True)
class Actor:
    """Who does it. Every core function that changes something takes one."""

    person_id: int
    name: str
    role: Role


def utc_now() -> datetime:
    return datetime.now(UTC)
