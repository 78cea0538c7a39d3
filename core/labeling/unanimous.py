"""Gold in one go: products of a campaign that several people agreed on without exception, settled together."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.catalogue.taxonomy import load_categories
from core.errors import N_, InvalidInput, UnknownCategory
from core.labeling.busy import database_in_words
from core.labeling.category_tree import CategoryTree
from core.labeling.settling import checked_key, checked_note, undo_in, write_settlement
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import decisions, gold, votes
from db.enums import DecisionKind
from db.people import add_audit, raise_revision
from db.standing_labels import hold_tree

CHUNK = 200  # settlements in one transaction
PAGE = 1_000  # products looked at in one query
MOST = 5_000  # settled at a time; a person waits for it
BATCH_KEY_CHARACTERS = 40


@dataclass(frozen=True)
class Unanimous:
    """A product on which all votes of the campaign (at least two) say the same category."""

    product_id: int
    category_id: int
    n_people: int


def preview_unanimous(
    runtime: Runtime, actor: Actor, campaign_id: int, least: int = 2, category_id: int | None = None
) -> list[Unanimous]:
    """What `settle_unanimous` would make gold now: up to MOST products that are not settled yet.

    At least `least` people said the same, and nobody anything else, not even 'cannot tell'. With `category_id` only
    what lies there or below. Raises Forbidden, InvalidInput.
    """
    authorize(actor, Action.REVIEW)
    if least < 2:
        raise InvalidInput(N_("At least two people have to agree."))
    found: list[Unanimous] = []
    for one in _iter_unanimous(runtime, campaign_id, least, category_id):
        found.append(one)
        if len(found) == MOST:
            break
    return found


def settle_unanimous(
    runtime: Runtime,
    actor: Actor,
    campaign_id: int,
    batch_key: str,
    least: int = 2,
    category_id: int | None = None,
    note: str | None = None,
    shown: Sequence[Unanimous] | None = None,
) -> int:
    """Make gold what `preview_unanimous` shows; returns how many. One undo for the lot: `undo_batch`.

    Only `shown` when given. What was settled, or voted otherwise, since it was shown is left as it is. In short
    transactions; the same `batch_key` again goes on where it stopped and settles nothing twice.
    Raises Forbidden, InvalidInput.
    """
    chosen = preview_unanimous(runtime, actor, campaign_id, least, category_id)
    if shown is not None:
        chosen = sorted(set(shown), key=lambda one: one.product_id)
    key, note = checked_key(batch_key), checked_note(note)
    if len(key) > BATCH_KEY_CHARACTERS:
        raise InvalidInput(N_("The key of a lot has up to {n} characters."), n=BATCH_KEY_CHARACTERS)
    n_settled = 0
    for start in range(0, len(chosen), CHUNK):
        tree = CategoryTree(load_categories(runtime))
        with database_in_words(), runtime.sessions.write() as session:
            hold_tree(session)  # here: a lock that a savepoint took is gone with it
            n = 0
            for one in _still_so(session, tree, campaign_id, least, chosen[start : start + CHUNK]):
                n += _settle_one(session, actor, one, campaign_id, key, note)
            values = {"campaign_id": campaign_id, "n": n, "least": least, "batch_key": key}
            now = utc_now()
            add_audit(session, now, actor.person_id, "settle_unanimous", "campaign", campaign_id, None, values, note)
            raise_revision(session, "gold")
        n_settled += n
    return n_settled


def _still_so(
    session: Session, tree: CategoryTree, campaign_id: int, least: int, chosen: Sequence[Unanimous]
) -> list[Unanimous]:
    """Those of them, held now, on which nobody has said or settled anything else since they were chosen."""
    ids = [one.product_id for one in chosen]
    decisions.lock_products(session, ids)
    now = _find_unanimous(session, tree, campaign_id, ids, least)
    category_of = {one.product_id: one.category_id for one in now}
    return [one for one in chosen if category_of.get(one.product_id) == one.category_id]


def _settle_one(session: Session, actor: Actor, one: Unanimous, campaign_id: int, key: str, note: str | None) -> int:
    values = {
        "idempotency_key": f"{key}:{one.product_id}",
        "kind": DecisionKind.SETTLE,
        "product_id": one.product_id,
        "person_id": actor.person_id,
        "category_id": one.category_id,
        "campaign_id": campaign_id,
        "batch_key": key,
        "note": note,
        "created_at": utc_now(),
    }
    try:
        with session.begin_nested():
            return int(write_settlement(session, values) is not None)
    except UnknownCategory:  # retired since: a person has to choose
        return 0


def undo_batch(runtime: Runtime, actor: Actor, batch_key: str) -> int:
    """Take back all that was settled together under this key; returns how many. Raises Forbidden."""
    authorize(actor, Action.REVIEW)
    n_undone = 0
    while True:
        with database_in_words(), runtime.sessions.write() as session:
            hold_tree(session)
            rows = gold.list_batch(session, batch_key, CHUNK)
            decisions.lock_products(session, [row.product_id for row in rows])
            for row in rows:
                undo_in(session, actor, row, f"undo:{row.id}", None)
            if rows:
                raise_revision(session, "gold")  # last: who settles meanwhile holds a product and waits for this row
        n_undone += len(rows)
        if len(rows) < CHUNK:
            return n_undone


def _iter_unanimous(runtime: Runtime, campaign_id: int, least: int, top_id: int | None) -> Iterator[Unanimous]:
    tree = CategoryTree(load_categories(runtime))
    after = 0
    while True:
        with runtime.sessions.read() as session:
            products = votes.list_decided(session, campaign_id, after, PAGE)
            found = _find_unanimous(session, tree, campaign_id, products, least)
        yield from (one for one in found if top_id is None or tree.is_within(one.category_id, top_id))
        if len(products) < PAGE:
            return
        after = products[-1]


def _find_unanimous(
    session: Session, tree: CategoryTree, campaign_id: int, product_ids: list[int], least: int
) -> list[Unanimous]:
    """Those of these products (at most 2,000) that are not settled and of which all say one category in use."""
    settled = votes.list_settled(session, product_ids)
    said: dict[int, list[int | None]] = defaultdict(list)
    for vote in votes.list_votes_of(session, campaign_id, product_ids):
        said[vote.product_id].append(None if vote.category_id is None else tree.now(vote.category_id))
    found = []
    for product_id, categories in said.items():
        first = categories[0]
        if len(categories) < least or first is None or set(categories) != {first} or product_id in settled:
            continue
        if tree.is_in_use(first):
            found.append(Unanimous(product_id, first, len(categories)))
    return found
