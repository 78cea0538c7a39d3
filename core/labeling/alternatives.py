"""Accepted alternatives: a product that fits several categories. Its label stays one; the others are right as well.

Training does not punish an accepted alternative (head 'several_labels'), and judging counts it as right.
"""

from dataclasses import dataclass
from datetime import datetime

from core.catalogue.product_sight import sees_who_voted
from core.catalogue.taxonomy import load_categories, unusable_category
from core.errors import N_, NotFound
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import alternatives, categories
from db.people import add_audit
from db.standing_labels import hold_tree


@dataclass(frozen=True)
class Alternative:
    """A category that somebody accepted for a product beside its label."""

    product_id: int
    category_id: int
    category: str  # path
    person: str  # empty for who may not see who decided what
    created_at: datetime


def add_alternative(runtime: Runtime, actor: Actor, product_id: int, category_id: int) -> bool:
    """Say that the category is right for the product as well; False when that was said already.

    It may be the label of now, which the person is about to change; while it is the label, it adds nothing.
    Raises NotFound (the product), UnknownCategory (not a leaf in use), Forbidden.
    """
    authorize(actor, Action.LABEL)
    now = utc_now()
    with runtime.sessions.write() as session:
        hold_tree(session)
        category = categories.find_usability(session, category_id)
        if category is None or not category.is_leaf or category.is_retired:
            raise unusable_category(session, category_id)
        if not alternatives.has_product(session, product_id):
            raise NotFound(N_("There is no product {product_id}."), product_id=product_id)
        is_new = alternatives.add_alternative(session, product_id, category_id, actor.person_id, now)
        if is_new:
            after = {"category_id": category_id}
            add_audit(session, now, actor.person_id, "accept_alternative", "product", product_id, after=after)
    return is_new


def remove_alternative(runtime: Runtime, actor: Actor, product_id: int, category_id: int) -> bool:
    """Take an alternative back, whoever gave it; False when there is none. Raises Forbidden."""
    authorize(actor, Action.LABEL)
    now = utc_now()
    with runtime.sessions.write() as session:
        was_there = alternatives.remove_alternative(session, product_id, category_id)
        if was_there:
            before = {"category_id": category_id}
            add_audit(session, now, actor.person_id, "remove_alternative", "product", product_id, before=before)
    return was_there


def list_alternatives(runtime: Runtime, actor: Actor, product_id: int) -> list[Alternative]:
    """The oldest first; also one that became the label meanwhile, or whose category is retired. Raises Forbidden."""
    authorize(actor, Action.LABEL)
    sees_names = sees_who_voted(actor)
    with runtime.sessions.read() as session:
        rows = alternatives.list_of_product(session, product_id)
    tree = load_categories(runtime) if rows else {}
    return [
        Alternative(
            row.product_id,
            row.category_id,
            tree[row.category_id].path,
            person if sees_names or row.person_id == actor.person_id else "",
            row.created_at,
        )
        for row, person in rows
    ]
