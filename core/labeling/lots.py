"""Decisions without a card of their own: one after the other in one transaction, and what had to be left out."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from core.labeling.recording import Answer, Decision, Place, write_decision
from db import lots
from db.enums import LabelSource, TaskStatus


class LeftOutBecause(StrEnum):
    """Why a product of a lot was not decided."""

    BUSY = "busy"  # somebody is at it at this moment
    TAKEN = "taken"  # somebody else holds or has decided its task
    DECIDED = "decided"  # a person has decided it already
    SEVERAL = "several"  # several people decide it, each for themselves
    NOT_QUEUED = "not_queued"  # it has no task in the campaign


@dataclass(frozen=True)
class LeftOut:
    """A product of a lot that was not decided, and why."""

    product_id: int
    reason: LeftOutBecause


@dataclass(frozen=True)
class Lot:
    """What the decisions of a lot have in common."""

    campaign_id: int
    person_id: int
    batch_key: str
    model_version_id: int | None
    has_target: bool
    must_be_queued: bool = True  # a product without a task in the campaign is left out
    copied_from_id: int | None = None


def decide_one(
    session: Session, lot: Lot, product_id: int, answer: Answer, now: datetime, over_people: bool = False
) -> Decision | LeftOut:
    """Decide one product of the lot, or leave it out; waits for nobody. The caller holds the tree (`hold_tree`).

    What a person has decided is decided again only with `over_people`, and gold never. A product that several
    people decide is never part of a lot: each of them is to look. Raises UnknownCategory.
    """
    held = lots.try_product(session, product_id, answer.category_id)
    if held is None:
        return LeftOut(product_id, LeftOutBecause.BUSY)
    if held.label_source == LabelSource.GOLD or (held.is_decided and not over_people):
        return LeftOut(product_id, LeftOutBecause.DECIDED)
    tasks = lots.list_tasks(session, lot.campaign_id, product_id)
    task_id = None
    if tasks:
        found = _own_or_open(tasks, lot.person_id)
        if isinstance(found, LeftOutBecause):
            return LeftOut(product_id, found)
        if not lots.take_task(session, found, lot.person_id, now):
            return LeftOut(product_id, LeftOutBecause.TAKEN)
        task_id = found
    elif lot.must_be_queued:
        return LeftOut(product_id, LeftOutBecause.NOT_QUEUED)
    place = Place(product_id, task_id, lot.campaign_id, False, False, lot.model_version_id, lot.has_target)
    made = write_decision(
        session,
        place,
        answer,
        lot.person_id,
        _key(lot, product_id),
        now,
        held.category_id,
        held.is_usable,
        lot.batch_key,
        lot.copied_from_id,
    )
    return made if made is not None else LeftOut(product_id, LeftOutBecause.DECIDED)


def _own_or_open(tasks: list[lots.TaskOfProduct], person_id: int) -> int | LeftOutBecause:
    """The task of the product that this person may close, or why there is none."""
    if any(task.annotator_id == person_id and task.status != TaskStatus.LEASED for task in tasks):
        return LeftOutBecause.DECIDED
    queued = [task for task in tasks if not task.is_gold]
    if len(queued) != 1 or len(tasks) != 1:
        return LeftOutBecause.SEVERAL
    task = queued[0]
    is_mine = task.status == TaskStatus.LEASED and task.annotator_id == person_id
    return task.id if task.status == TaskStatus.OPEN or is_mine else LeftOutBecause.TAKEN


def _key(lot: Lot, product_id: int) -> str:
    """The same product in the same lot of the same person has the same key: pressed twice it is one row."""
    return hashlib.sha256(f"{lot.person_id}/{lot.batch_key}/{product_id}".encode()).hexdigest()
