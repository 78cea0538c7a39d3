"""How far a campaign is and how fast a person goes: a few counted rows, no table is scanned."""

from dataclasses import dataclass
from datetime import timedelta

from core.errors import N_, NotFound
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import campaigns, decision_lists

SPEED_DECISIONS = 50
SPEED_MINUTES = 60


@dataclass(frozen=True)
class Progress:
    """How far a campaign is, as its annotators see it: hidden gold checks count like other cards, and `n_tasks`
    leaves room for those that are to come, so that no number betrays one. `per_hour` is this person's pace over
    their last decisions; none with fewer than two in the last hour."""

    n_tasks: int
    n_done: int
    n_left: int  # tasks that nobody has decided; no hidden check is among them
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
        days = decision_lists.list_progress(session, campaign_id)
        times = decision_lists.list_times_since(session, actor.person_id, campaign_id, since, SPEED_DECISIONS)
        n_tasks, gold_rate = campaign.n_tasks, campaign.gold_rate
    span = (times[0] - times[-1]).total_seconds() if len(times) > 1 else 0.0
    mine = [(day, n) for person_id, day, n, _ in days if person_id == actor.person_id]
    n_answers = sum(n for _, _, n, _ in days)
    n_left = max(n_tasks - n_answers + sum(n_gold for *_, n_gold in days), 0)
    shown = _with_checks(n_tasks, gold_rate)
    return Progress(
        n_tasks=shown,
        n_done=min(n_answers, shown - n_left) if n_left else shown,
        n_left=n_left,
        n_mine_today=sum(n for day, n in mine if day == now.date()),
        n_mine=sum(n for _, n in mine),
        per_hour=(len(times) - 1) / span * 3600 if span > 0 else None,
    )


def _with_checks(n_tasks: int, gold_rate: float) -> int:
    """The cards there will be, as far as chance can be told; at most as many again as there are tasks."""
    return round(n_tasks / (1 - min(gold_rate, 0.5)))
