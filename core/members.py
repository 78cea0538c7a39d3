"""The members of a team as others may see them: everybody their own row, scores of others only who may see them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from core.permissions import Action, authorize, may
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import members
from db.enums import Role
from db.tables import PersonRow

PAGE = 50
RECENT_DECISIONS = 200
RECENT = timedelta(days=14)
BREAK = timedelta(minutes=5)  # a longer gap between two decisions is no work on the second
MIN_FOR_SPEED = 10  # gaps


@dataclass(frozen=True)
class Scores:
    """How much somebody decided, by the daily counters, and how fast of late."""

    n_total: int
    n_today: int  # since midnight UTC
    per_hour: float | None  # over the last decisions of two weeks, breaks left out; none: too few


@dataclass(frozen=True)
class Member:
    """A person. `email` and `scores` are none where the reader may not see them."""

    id: int
    name: str
    role: Role
    is_active: bool
    email: str | None
    has_joined: bool  # has signed in through the provider; in local mode nobody has
    last_seen_at: datetime | None
    scores: Scores | None

    @property
    def is_invited(self) -> bool:
        """Invited and never here."""
        return self.email is not None and not self.has_joined


@dataclass(frozen=True)
class MemberPage:
    """`next_after` goes on behind the last of them; none: there are no more."""

    members: list[Member]
    next_after: tuple[str, int] | None


def list_members(
    runtime: Runtime, actor: Actor, words: str = "", after: tuple[str, int] | None = None, limit: int = PAGE
) -> MemberPage:
    """People by name, `limit` at a time. Reviewers and admins see everybody's scores, who makes campaigns sees the
    names and their own scores, everybody else only their own row. Addresses are for admins."""
    if not may(actor, Action.SEE_MEMBERS):
        return MemberPage([get_member(runtime, actor)], None)
    with runtime.sessions.read() as session:
        rows = members.list_people(session, limit + 1, after, words.strip())
    shown = list(rows[:limit])
    last = (shown[-1].name, shown[-1].id) if len(rows) > limit else None
    return MemberPage(_views(runtime, actor, shown), last)


def list_names(runtime: Runtime, actor: Actor, limit: int = 1_000) -> dict[int, str]:
    """Person -> name, by name, without any figure: to choose from. Raises Forbidden."""
    authorize(actor, Action.SEE_MEMBERS)
    with runtime.sessions.read() as session:
        return {row.id: row.name for row in members.list_people(session, limit)}


def get_member(runtime: Runtime, actor: Actor) -> Member:
    """The actor's own row."""
    with runtime.sessions.read() as session:
        row = members.get_person(session, actor.person_id)
    assert row is not None, "an actor is a person"
    return _views(runtime, actor, [row])[0]


def _views(runtime: Runtime, actor: Actor, rows: list[PersonRow]) -> list[Member]:
    seen = [row.id for row in rows if row.id == actor.person_id or may(actor, Action.SEE_PEOPLE)]
    scores = _scores(runtime, seen)
    manages = may(actor, Action.MANAGE_PEOPLE)
    return [
        Member(
            id=row.id,
            name=row.name,
            role=row.role,
            is_active=row.is_active,
            email=row.email if manages or row.id == actor.person_id else None,
            has_joined=row.joined_at is not None,
            last_seen_at=row.last_seen_at if manages or row.id in scores else None,
            scores=scores.get(row.id),
        )
        for row in rows
    ]


def _scores(runtime: Runtime, person_ids: list[int]) -> dict[int, Scores]:
    """A few indexed reads for each of at most a page of people."""
    now = utc_now()
    with runtime.sessions.read() as session:
        counts = members.count_decisions(session, person_ids, now.date())
        times = {
            person_id: members.list_decision_times(session, person_id, now - RECENT, RECENT_DECISIONS)
            for person_id in counts
        }
    return {
        person_id: Scores(*counts.get(person_id, (0, 0)), decisions_per_hour(times.get(person_id, [])))
        for person_id in person_ids
    }


def decisions_per_hour(times: list[datetime]) -> float | None:
    """The pace between decisions, newest first, without breaks; none for fewer than MIN_FOR_SPEED gaps."""
    gaps = [later - earlier for later, earlier in pairwise(times)]
    worked = [gap.total_seconds() for gap in gaps if gap <= BREAK]
    if len(worked) < MIN_FOR_SPEED or sum(worked) <= 0:
        return None
    return len(worked) / sum(worked) * 3600
