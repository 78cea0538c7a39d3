"""A random sample of undisputed products, to be settled by a reviewer who sees neither votes nor answers.

Without it only disagreements are gold, and no error rate is fair (`core.analysis.sampling`).
"""

from dataclasses import dataclass
from math import ceil

from core.analysis.error_rates import ErrorRates
from core.analysis.sampling import LARGEST_RATIO, Part
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.training.intervals import TOO_FEW
from core.types import Actor
from db import error_rates

SEED = 20_261


@dataclass(frozen=True)
class FairSample:
    """`product_ids` are to be settled next, in this order; about `n_missing` more make verdicts possible."""

    product_ids: tuple[int, ...]
    n_missing: int


def draw_fair_sample(runtime: Runtime, actor: Actor, found: ErrorRates, limit: int = 20) -> FairSample:
    """The next products to settle one by one: undisputed, not settled yet (or at one stroke with others only).

    Always in the same random order; those that the actor voted on are left to others. Reads all blind votes once.
    Raises Forbidden.
    """
    authorize(actor, Action.REVIEW)
    with runtime.sessions.read() as session:
        ids = error_rates.draw_undisputed(session, found.version_id, actor.person_id, SEED, limit)
    return FairSample(tuple(ids), missing(found))


def missing(found: ErrorRates) -> int:
    """About how many undisputed products are still to be settled for verdicts; 0 where there are enough."""
    most = max((part.share for part in found.sampling.parts), default=0.0)
    return sum(
        max(ceil(most / LARGEST_RATIO * part.n_voted), min(TOO_FEW, part.n_voted)) - part.n_settled
        for part in found.sampling.neglected()
        if part.part != Part.DISPUTED
    )
