"""Similar products of a campaign, decided together: those the model suggests the same for, or that read alike.

Nothing is leased while a person looks: at the moment they accept, each product is taken and decided in one
transaction, and what somebody else took meanwhile is left out and named. Not for blind campaigns (a person is to
look at each product without a hint), nor for those with hidden checks (a check among similar products that the model
suggests the same for would stand out, and without checks a page would go unmeasured); and never for a product that
several people decide (an agreement of votes cast by the dozen would mean nothing).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import N_, InvalidInput, NotFound, NotReady
from core.labeling.alike import most_alike
from core.labeling.busy import database_in_words
from core.labeling.lots import LeftOut, Lot, decide_one
from core.labeling.members import require_member
from core.labeling.queue import why_stopped
from core.labeling.recording import Answer, Decision, checked_answer, checked_key, decision_of
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import lots, tasks
from db.enums import DecisionKind
from db.standing_labels import hold_tree

WINDOW = 500
"""Groups are made of so many products that come next: what a page costs does not grow with the campaign."""

SCANNED = 5_000
"""Tasks that the window is looked for in: where most are left out, a page costs no more in a larger campaign."""

MAX_LOT = 60
_LOT_SIZE = N_("A lot has 1 to {n} products, each once.")


@dataclass(frozen=True)
class BulkProduct:
    """An open product of a campaign. `suggestions` are (category id, confidence 0..1), best first, maybe none."""

    product_id: int
    title: str
    image: str | None  # a reference, not yet checked
    mall_category: str | None
    category_id: int | None  # the label it has now
    suggestions: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class BulkGroup:
    """Open products among the next 500 for which the model suggests the same category."""

    category_id: int
    n: int


@dataclass(frozen=True)
class LotAnswer:
    """What a person says of one product of a lot."""

    product_id: int
    kind: DecisionKind
    category_id: int | None = None


@dataclass(frozen=True)
class LotResult:
    """What became of a lot. `batch_key` takes its decisions back: see `core.labeling.undoing.undo_lot`; what was put
    off with them too: `core.labeling.last_lot.undo_last_lot`."""

    batch_key: str
    decisions: tuple[Decision, ...]
    left_out: tuple[LeftOut, ...]
    n_put_off: int = 0


def get_window(runtime: Runtime, actor: Actor, campaign_id: int) -> list[BulkProduct]:
    """The next 500 open products (among the next 5,000 tasks), of which groups are made; the lists below take it, so
    that a page reads it once.

    Raises NotFound, NotReady (paused, closed, blind), Forbidden (not a member).
    """
    authorize(actor, Action.LABEL)
    with runtime.sessions.read() as session:
        _open_queue(session, campaign_id, actor)
        rows = lots.list_window(session, campaign_id, actor.person_id, WINDOW, SCANNED)
    return [
        BulkProduct(
            row["product_id"],
            row["title"],
            row["image"],
            row["mall_category"],
            row["category_id"],
            tuple((int(category), float(confidence)) for category, confidence in row["top"] or ()),
        )
        for row in rows
    ]


def list_groups(window: Sequence[BulkProduct]) -> list[BulkGroup]:
    """The suggestions that most products of the window share, the largest group first."""
    found = Counter(one.suggestions[0][0] for one in window if one.suggestions)
    return [BulkGroup(category_id, n) for category_id, n in sorted(found.items(), key=lambda item: (-item[1], item[0]))]


def list_suggested(window: Sequence[BulkProduct], category_id: int, limit: int = 24) -> list[BulkProduct]:
    """Products of the window for which the model suggests the category, the surest first."""
    same = [one for one in window if one.suggestions and one.suggestions[0][0] == category_id]
    return sorted(same, key=lambda one: -one.suggestions[0][1])[: _checked_limit(limit)]


def list_alike(window: Sequence[BulkProduct], product_id: int, limit: int = 24) -> list[BulkProduct]:
    """The product and those of the window whose titles read most like its, the nearest first.

    Raises NotFound for a product that is not in the window any more.
    """
    chosen = next((place for place, one in enumerate(window) if one.product_id == product_id), None)
    if chosen is None:
        raise NotFound(N_("This product is not open any more."))
    near = most_alike([one.title for one in window], chosen, _checked_limit(limit))
    return [window[place] for place in near]


def decide_lot(
    runtime: Runtime,
    actor: Actor,
    campaign_id: int,
    answers: Sequence[LotAnswer],
    batch_key: str,
    seconds_spent: float | None = None,
    note: str | None = None,
) -> LotResult:
    """Claim and decide these products together: one decision each, all of this person, in one transaction.

    What somebody took or decided meanwhile is left out, with the reason. `seconds_spent` is that of the whole lot,
    kept in equal parts. The same `batch_key` again returns what stands, with no new row. Raises InvalidInput (more
    than 60, a product twice), UnknownCategory, NotReady, NotFound, Forbidden.
    """
    authorize(actor, Action.LABEL)
    if not answers:
        raise InvalidInput(_LOT_SIZE, n=MAX_LOT)
    return _record_lot(runtime, actor, campaign_id, answers, (), batch_key, seconds_spent, note)


def reject_lot(
    runtime: Runtime,
    actor: Actor,
    campaign_id: int,
    product_ids: Sequence[int],
    batch_key: str,
    exceptions: Sequence[LotAnswer] = (),
    seconds_spent: float | None = None,
) -> LotResult:
    """What the model suggests is wrong for all of these products. In one transaction `exceptions`, of which a person
    said what they are, are decided; the rest are put off: nothing is decided of them, they leave this person's pages
    and come to them one by one, at the end.

    `exceptions` are of these products. The same `batch_key` again decides nothing twice. `undo_last_lot` gives all of
    it back. Raises as `decide_lot`.
    """
    authorize(actor, Action.LABEL)
    others = [id_ for id_ in product_ids if id_ not in {one.product_id for one in exceptions}]
    return _record_lot(runtime, actor, campaign_id, exceptions, others, batch_key, seconds_spent)


def _record_lot(
    runtime: Runtime,
    actor: Actor,
    campaign_id: int,
    answers: Sequence[LotAnswer],
    put_off: Sequence[int],
    batch_key: str,
    seconds_spent: float | None,
    note: str | None = None,
) -> LotResult:
    key = checked_key(batch_key)
    ids = [*(answer.product_id for answer in answers), *put_off]
    if not ids or len(ids) > MAX_LOT or len(set(ids)) != len(ids):
        raise InvalidInput(_LOT_SIZE, n=MAX_LOT)
    each = seconds_spent / len(ids) if seconds_spent is not None else None
    checked = [
        (one.product_id, checked_answer(one.kind, one.category_id, seconds_spent=each, note=note)) for one in answers
    ]
    with database_in_words(), runtime.sessions.write() as session:
        hold_tree(session)  # first of all, as everybody does: nobody who holds anything else waits for it
        lots.hold_person(session, actor.person_id)
        standing = lots.list_batch(session, actor.person_id, key)
        if standing:
            return LotResult(key, tuple(decision_of(row) for row in standing), ())
        queue = _open_queue(session, campaign_id, actor)
        lot = Lot(campaign_id, actor.person_id, key, queue["model_version_id"], queue["has_target"])
        now = utc_now()  # one moment for all: by it `last_lot` knows what was put off with what was decided
        made = _decide(session, lot, checked, now)
        open_tasks = lots.list_open_tasks(session, campaign_id, list(put_off))
        for task_id in open_tasks:
            tasks.add_skip(session, task_id, actor.person_id, now)
        return replace(made, n_put_off=len(open_tasks))


def _decide(session: Session, lot: Lot, answers: list[tuple[int, Answer]], now: datetime) -> LotResult:
    first = lots.map_first_suggestions(session, lot.campaign_id, [product_id for product_id, _ in answers])
    made = [
        decide_one(session, lot, product_id, ranked(answer, first.get(product_id)), now)
        for product_id, answer in sorted(answers, key=lambda one: one[0])
    ]
    return LotResult(
        lot.batch_key,
        tuple(one for one in made if isinstance(one, Decision)),
        tuple(one for one in made if isinstance(one, LeftOut)),
    )


def _open_queue(session: Session, campaign_id: int, actor: Actor) -> sa.RowMapping:
    """The campaign, where this person may decide in it by the lot."""
    queue = tasks.find_queue(session, campaign_id, actor.person_id)
    if queue is None:
        raise NotFound(N_("There is no such campaign."))
    if (stopped := why_stopped(queue)) is not None:
        raise stopped
    if queue["is_blind"]:
        raise NotReady(N_("In a blind campaign products are decided one by one."))
    if queue["gold_rate"] > 0:
        raise NotReady(N_("This campaign has hidden checks among its cards: its products are decided one by one."))
    if queue["is_shut_out"]:
        require_member(session, campaign_id, actor)
    return queue


def ranked(answer: Answer, first: int | None) -> Answer:
    """The answer with rank 1 where it is the model's first suggestion."""
    is_first = first is not None and answer.category_id == first
    return Answer(answer.kind, answer.category_id, 1 if is_first else None, answer.seconds_spent, answer.note)


def _checked_limit(limit: int) -> int:
    return max(1, min(limit, MAX_LOT))
