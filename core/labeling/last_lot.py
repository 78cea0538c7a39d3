"""What a person did last in a campaign, where that was a lot: decided together, put off together, or both."""

from dataclasses import dataclass
from datetime import datetime

from core.labeling.busy import database_in_words
from core.labeling.decisions import list_my_decisions
from core.labeling.recording import checked_key
from core.labeling.undoing import take_lot_back
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import lots
from db.standing_labels import hold_tree

N_LOOKED_AT = 130  # last decisions in which the newest lot that stands is looked for: two lots, and some


@dataclass(frozen=True)
class LastLot:
    """What one undo gives back: the standing decisions of `batch_key`, and what was put off at one moment."""

    campaign_id: int
    batch_key: str | None
    n_decided: int
    put_off_at: datetime | None
    n_put_off: int

    @property
    def name(self) -> str:
        """Another one for each lot."""
        return f"{self.batch_key}.{self.put_off_at}"


def find_last_lot(runtime: Runtime, actor: Actor, campaign_id: int) -> LastLot | None:
    """This person's newest lot in the campaign that stands; None when what they did last there was no lot.

    A card that was put off is a lot of one. Raises Forbidden.
    """
    authorize(actor, Action.LABEL)
    mine = [line.decision for line in list_my_decisions(runtime, actor, campaign_id, N_LOOKED_AT) if not line.is_undone]
    newest = mine[0] if mine else None
    with runtime.sessions.read() as session:
        put_off = lots.find_last_put_off(session, campaign_id, actor.person_id)
    if put_off and newest and put_off[0] < newest.created_at:
        put_off = None
    if newest and put_off and newest.created_at < put_off[0]:
        newest = None
    key = newest.batch_key if newest else None
    if key is None and put_off is None:
        return None
    n_decided = sum(one.batch_key == key for one in mine) if key else 0
    at, n_put_off = put_off or (None, 0)
    return LastLot(campaign_id, key, n_decided, at, n_put_off)


def undo_last_lot(runtime: Runtime, actor: Actor, lot: LastLot, idempotency_key: str) -> tuple[int, int]:
    """Take the lot back, in one transaction: how many decisions, and how many products that were put off.

    Twice changes nothing. Raises NotFound (nothing of this person's has its key), InvalidInput, Forbidden.
    """
    authorize(actor, Action.LABEL)
    key = checked_key(idempotency_key)
    n_decided = n_put_off = 0
    with database_in_words(), runtime.sessions.write() as session:
        hold_tree(session)
        lots.hold_person(session, actor.person_id)
        if lot.batch_key is not None:
            n_decided = take_lot_back(session, actor.person_id, lot.batch_key, key, utc_now())
        if lot.put_off_at is not None:
            n_put_off = lots.bring_back(session, lot.campaign_id, actor.person_id, lot.put_off_at)
    return n_decided, n_put_off
