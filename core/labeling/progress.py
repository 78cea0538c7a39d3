"""How far a campaign is and how fast a person goes: a few counted rows, no table is scanned."""

from dataclasses import dataclass
from datetime import timedelta

from core.errors import N_, NotFound
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import campaigns, decisions

SPEED_DECISIONS = 50
SPEED_MINUTES = 60


@dataclass(frozen=True)
class Progress:
    """`per_hour` is this person's pace over their last decisions; none with fewer than two in the last hour."""

    n_tasks: int
    n_done: int
    n_mine_today: int  # since midnight UTC
    n_mine: int
    per_hour: float | None

    @property
    def fraction(self) -> float:
        return self.n_done / self.n_tasks if self.n_tasks else 0.0


def get_progress(runtime: Runtime, actor: Actor, campaign_id: int) -> Progress:
    """Raises NotFound."""
    now = utc_now()
    since = now - timedelta(minutes=SPEED_MINUTES)
    with runtime.sessions.read() as session:
        campaign = campaigns.find_campaign(session, campaign_id)
        if campaign is None:
            raise NotFound(N_("There is no such campaign."))
        days = decisions.list_progress(session, campaign_id)
        times = decisions.list_times_since(session, actor.person_id, campaign_id, since, SPEED_DECISIONS)
        n_tasks = campaign.n_tasks
    span = (times[0] - times[-1]).total_seconds() if len(times) > 1 else 0.0
    mine = [(day, n) for person_id, day, n in days if person_id == actor.person_id]
    return Progress(
        n_tasks=n_tasks,
        n_done=sum(n for _, _, n in days),
        n_mine_today=sum(n for day, n in mine if day == now.date()),
        n_mine=sum(n for _, n in mine),
        per_hour=(len(times) - 1) / span * 3600 if span > 0 else None,
    )
