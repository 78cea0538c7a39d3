"""What of products a role may see: the one rule behind lists, links, counts, campaigns, exports, the API and the CLI.

Annotators decide on cards and nowhere else read labels, answers of models or what is gold: these would tell what blind
cards and hidden gold checks hide. The cards have reads of their own (`core.labeling`).
"""

from dataclasses import replace
from typing import Any, TypeVar

from core.errors import N_, Forbidden
from core.permissions import Action, authorize, may
from core.types import Actor
from db.enums import LabelSource
from db.product_conditions import Conditions

Wanted = TypeVar("Wanted", bound=Conditions)


def checked_filter(actor: Actor, wanted: Wanted) -> Wanted:
    """The filter as it was asked for.

    Raises Forbidden for annotators, and where it asks which products are gold, or what somebody else decided, and
    the actor may not see that.
    """
    authorize(actor, Action.SEE_ANALYSIS)
    if wanted.label_source == LabelSource.GOLD and not sees_gold(actor):
        raise Forbidden(N_("Which products are gold is for reviewers: gold is what annotators are judged by."))
    if wanted.decided_by not in (None, actor.person_id) and not sees_who_voted(actor):
        raise Forbidden(N_("What somebody else decided is for those who may see people's figures."))
    return wanted


def sees_gold(actor: Actor) -> bool:
    """Whether they may know that a product is gold, and so could tell a hidden check."""
    return may(actor, Action.REVIEW)


def sees_who_voted(actor: Actor) -> bool:
    """Whether they may know who decided what: reviewers and admins. The others see what was said, without names."""
    return may(actor, Action.SEE_PEOPLE)


def seen_by(actor: Actor, product: Any) -> Any:
    """The product (it has `label_source`) as this person may see it."""
    return product if sees_gold(actor) else without_gold(product)


def without_gold(product: Any) -> Any:
    """The product as a card shows it: gold reads as any other person's label."""
    return replace(product, label_source=LabelSource.HUMAN) if product.label_source == LabelSource.GOLD else product
