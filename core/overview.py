"""Where everything stands, in one small picture."""

from dataclasses import dataclass

from core.catalogue.demo import is_demo, planted_found
from core.jobs.queue import Job, list_jobs
from core.permissions import Action, may
from core.runtime import Runtime
from core.training.registry import ModelVersion, find_promoted_version
from core.types import Actor, utc_now
from db import overview
from db.enums import CHECKED_BY_PEOPLE, LabelSource

N_PEOPLE = 8
N_JOBS = 6


@dataclass(frozen=True)
class Waiting:
    """A campaign that hands out tasks."""

    campaign_id: int
    name: str
    n_tasks: int
    n_decided: int

    @property
    def n_left(self) -> int:
        return max(self.n_tasks - self.n_decided, 0)


@dataclass(frozen=True)
class PersonProgress:
    """What one person decided."""

    name: str
    n_decisions: int
    n_today: int


@dataclass(frozen=True)
class Overview:
    """What is in the catalogue, what is labeled by whom, what waits, which model answers, the last jobs."""

    n_products: int
    n_human: int
    n_imported: int
    n_unlabeled: int
    n_leaves: int
    n_malls: int
    waiting: list[Waiting]
    people: list[PersonProgress]  # whom the reader may see: at least themselves
    model: ModelVersion | None
    jobs: list[Job]
    planted: tuple[int, int] | None  # found, planted: on demo data only


def get_overview(runtime: Runtime, actor: Actor) -> Overview:
    """Counts of this moment; the campaigns that the reader may work in, and the people that they may see."""
    only = None if may(actor, Action.SEE_PEOPLE) else actor.person_id
    with runtime.sessions.read() as session:
        by_label = overview.count_products_by_label(session)
        n_leaves, n_malls = overview.count_leaves(session), overview.count_malls(session)
        waiting = [Waiting(*row) for row in overview.list_waiting(session, actor.person_id)]
        progress = overview.list_people_progress(session, utc_now().date(), N_PEOPLE, only)
    return Overview(
        n_products=sum(by_label.values()),
        n_human=sum(by_label.get(source, 0) for source in CHECKED_BY_PEOPLE),
        n_imported=by_label.get(LabelSource.IMPORT, 0),
        n_unlabeled=by_label.get(None, 0),
        n_leaves=n_leaves,
        n_malls=n_malls,
        waiting=waiting,
        people=[PersonProgress(*row) for row in progress],
        model=find_promoted_version(runtime),
        jobs=list_jobs(runtime, limit=N_JOBS),
        planted=planted_found(runtime) if is_demo(runtime) else None,
    )
