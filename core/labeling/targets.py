"""Targets: a campaign that ends by itself after so many decisions, or when the labels it checks are good enough."""

from datetime import datetime
from math import ceil

from sqlalchemy.orm import Session

from core.errors import N_, InvalidInput
from core.runtime import Runtime
from core.training.intervals import TOO_FEW, Z_95, Rate, rate
from db import campaign_checks
from db.campaigns import close_by_target
from db.enums import CampaignStatus
from db.people import add_audit, raise_revision

LAST_CHECKS = 300
"""The measured error is that of so many last decisions: with the worst products first it falls as the queue goes on."""

LOOK_EVERY = 10
"""The error is looked at after every tenth decision: each look is a chance to stop by luck, and costs a query."""

SMALLEST_ERROR, LARGEST_ERROR = 0.005, 0.5


def close_if_reached(session: Session, campaign_id: int, now: datetime) -> bool:
    """Close the campaign where its target is reached; True when this call closed it.

    To be called at the end of the transaction that wrote a decision of the campaign (and counted it towards the day).
    One look-up by primary key for a campaign without a target, or that is not open; one sum of a few rows for
    `target_decisions`; for `target_error`, once in ten decisions, the last 300 (more for a small target).

    `target_decisions` n: closed when n decisions stand, hidden gold checks not among them. `target_error` x (0..1):
    closed when of the last checks, 30 at least, the upper end of the 95 % Wilson interval of the share that changed
    the label lies below x. Because the looks are many, the true error is a little more often above x than the
    interval says. Writes an audit row without a person; raises nothing.
    """
    targets = campaign_checks.find_targets(session, campaign_id)
    if targets is None or (targets.decisions is None and targets.error is None):
        return False
    if targets.status not in (CampaignStatus.ACTIVE, CampaignStatus.PAUSED):
        return False
    n_decisions = campaign_checks.count_decisions(session, campaign_id)
    reached: dict[str, float | None] = {"n_decisions": n_decisions}
    if targets.decisions is None or n_decisions < targets.decisions:
        if targets.error is None or n_decisions % LOOK_EVERY:
            return False
        error = measure_error(session, campaign_id, targets.error)
        if error.n < TOO_FEW or error.high >= targets.error:
            return False
        reached |= {"error": error.value, "error_at_most": error.high, "n_checks": error.n}
    if not close_by_target(session, campaign_id):
        return False
    add_audit(
        session, now, None, "reach_target", "campaign", campaign_id, {"status": targets.status.value}, after=reached
    )
    raise_revision(session, "campaigns")
    return True


def measure_error(session: Session, campaign_id: int, target: float | None = None) -> Rate:
    """Of the campaign's last checks the share that changed the label, 0..1, lower is better; with its 95 % interval.

    A check is the first person's standing label of a product that had a label before. So many are looked at that a
    `target` could be shown to be met.
    """
    n_changed, n = campaign_checks.count_changed(session, campaign_id, checks_needed(target))
    return rate(n_changed, n)


def measure_errors(runtime: Runtime, targets: dict[int, float | None]) -> dict[int, Rate]:
    """`measure_error` of each campaign: its id -> its target, or none."""
    with runtime.sessions.read() as session:
        return {campaign_id: measure_error(session, campaign_id, target) for campaign_id, target in targets.items()}


def checks_needed(target: float | None) -> int:
    """How many last decisions the error is measured on: four times what would do if not one changed a label."""
    return max(LAST_CHECKS, ceil(4 * Z_95**2 * (1 / target - 1))) if target else LAST_CHECKS


def checked_targets(decisions: int | None, error: float | None) -> None:
    """Raises InvalidInput for a target that cannot be reached or means nothing."""
    if decisions is not None and decisions < 1:
        raise InvalidInput(N_("A target is 1 decision at least."))
    if error is not None and not SMALLEST_ERROR <= error <= LARGEST_ERROR:
        raise InvalidInput(
            N_("A target for the measured error lies between {low} % and {high} %."),
            low=100 * SMALLEST_ERROR,
            high=round(100 * LARGEST_ERROR),
        )
