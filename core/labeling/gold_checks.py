"""Hidden gold checks: at a campaign's rate the next card asks about a product whose category is known.

Nobody can tell such a card from another: who is asked is drawn by chance (not from numbers that a person could know),
only while something else is left to decide, and only products that could stand in this queue.
"""

import random
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.catalogue.products import ProductFilter
from db import gold_checks, task_claims
from db.enums import CampaignKind

EARLY = 3
"""A person's first decisions in a campaign: among them no two checks stand side by side."""

OF_THE_PRODUCT = ("category_ids", "mall_id", "source", "registered_from", "registered_to", "keyword")
"""What a filter says of the product itself. A check that does not fit it would stand out; the rest (what the model
says, who decided before) shows on no card."""

LOWEST_SLOT = -32_768
_dice = random.SystemRandom()


def claim_check(
    session: Session,
    queue: sa.RowMapping,
    campaign_id: int,
    person_id: int,
    is_overlapping: bool,
    now: datetime,
    expires: datetime,
) -> sa.RowMapping | None:
    """A check in this person's hands, where chance wants one now and there is one for them; else None.

    `queue` is the campaign as `db.tasks.find_queue` knows it. Nobody may hold a task of it when this is asked.
    """
    if _dice.random() >= queue["gold_rate"] or _is_too_early(session, campaign_id, person_id):
        return None
    if task_claims.find_next_open(session, campaign_id, person_id, is_overlapping) is None:
        return None  # at the end of a queue everybody would know what comes
    product_id = gold_checks.find_product(
        session,
        campaign_id,
        person_id,
        _place(queue["filter"]),
        _categories(queue),
        queue["kind"] == CampaignKind.LABEL_ISSUES,
        _dice.random(),
    )
    if product_id is None:
        return None
    slot = _dice.randrange(LOWEST_SLOT, 0)
    return gold_checks.insert_check(session, campaign_id, product_id, person_id, slot, now, expires)


def _is_too_early(session: Session, campaign_id: int, person_id: int) -> bool:
    recent = gold_checks.list_recent(session, campaign_id, person_id, EARLY)
    if len(recent) >= EARLY:
        return False
    return any(recent[:1]) or gold_checks.was_check_skipped_last(session, person_id)


def _place(stored: dict[str, object]) -> ProductFilter:
    return ProductFilter.from_dict({name: stored[name] for name in OF_THE_PRODUCT if name in stored})


def _categories(queue: sa.RowMapping) -> list[int] | None:
    """Where the card asks about named categories, the answer is one of them: 'A or B?' of a C would stand out."""
    if not queue["choices"]:
        return None
    has_place = any(name in queue["filter"] for name in OF_THE_PRODUCT)
    return None if queue["kind"] == CampaignKind.NEW_LEAF and has_place else list(queue["choices"])
