"""Example products of a category: what belongs there, and (counterexamples) what looks so and does not."""

from dataclasses import dataclass
from datetime import datetime

from core.catalogue.taxonomy import load_categories, unusable_category
from core.errors import N_, Conflict, InvalidInput, NotFound
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import category_belongings
from db.people import add_audit, raise_revision

MAX_EXAMPLES = 50  # of one category: who labels should be able to look at all of them
MAX_NOTE = 500  # characters


@dataclass(frozen=True)
class Example:
    """A product that shows what a category is, or is not. `image` is a reference, not yet checked."""

    category_id: int
    product_id: int
    title: str
    image: str | None
    is_counterexample: bool
    note: str | None
    person: str
    created_at: datetime


def list_examples(runtime: Runtime, category_id: int) -> list[Example]:
    """Examples first, then counterexamples, the oldest first; at most 50."""
    with runtime.sessions.read() as session:
        rows = category_belongings.list_examples(session, category_id)
    return [
        Example(category_id, row.product_id, title, image, row.is_counterexample, row.note, person, row.created_at)
        for row, title, image, person in rows
    ]


def add_example(
    runtime: Runtime,
    actor: Actor,
    category_id: int,
    product: str,
    is_counterexample: bool = False,
    note: str | None = None,
) -> int:
    """A product, by its id or its key in its file, as an example; said again it changes. Returns the product's id.

    Raises NotFound (no such product), UnknownCategory, InvalidInput (a note too long), Conflict (there are 50),
    Forbidden.
    """
    authorize(actor, Action.EDIT_TAXONOMY)
    text = " ".join((note or "").replace("\0", "").split()) or None
    if text and len(text) > MAX_NOTE:
        raise InvalidInput(N_("This note is too long."))
    now = utc_now()
    category = load_categories(runtime).get(category_id)
    with runtime.sessions.write() as session:
        if category is None or category.retired_at is not None:
            raise unusable_category(session, category_id)
        product_id = category_belongings.find_product_id(session, product.strip())
        if product_id is None:
            raise NotFound(N_("There is no product '{product}'."), product=product.strip()[:80])
        if category_belongings.count_examples(session, category_id) >= MAX_EXAMPLES:
            raise Conflict(N_("A category has {limit} examples at most."), limit=MAX_EXAMPLES)
        category_belongings.put_example(session, category_id, product_id, is_counterexample, text, actor.person_id, now)
        after = {"product_id": product_id, "is_counterexample": is_counterexample, "note": text}
        add_audit(session, now, actor.person_id, "add_example", "category", category_id, after=after)
        raise_revision(session, "taxonomy")
    return product_id


def remove_example(runtime: Runtime, actor: Actor, category_id: int, product_id: int) -> bool:
    """Whether it was one. Raises Forbidden."""
    authorize(actor, Action.EDIT_TAXONOMY)
    with runtime.sessions.write() as session:
        was_there = category_belongings.delete_example(session, category_id, product_id)
        if was_there:
            before = {"product_id": product_id}
            add_audit(session, utc_now(), actor.person_id, "remove_example", "category", category_id, before=before)
            raise_revision(session, "taxonomy")
    return was_there
