"""A disputed product as a reviewer sees it: its votes and notes, and what the model says, side by side."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from core.catalogue.attributes.tags import Tag, tags_of
from core.catalogue.product_sight import sees_who_voted
from core.catalogue.products import Product
from core.catalogue.taxonomy import load_categories
from core.catalogue.taxonomy_edits.meaning import resolve_ranking
from core.errors import N_, NotFound
from core.labeling.category_tree import CategoryTree
from core.labeling.disputes import votes_apart
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor
from db import cards, gold, product_details, votes
from db.enums import DecisionKind


@dataclass(frozen=True)
class ReviewVote:
    """What one person said. `apart`: mean tree distance to the other votes, 0..1."""

    person: str  # empty for who may not see who voted what
    kind: DecisionKind
    category_id: int | None  # in today's tree; none for 'cannot tell' and 'bad listing'
    note: str | None
    at: datetime
    apart: float


@dataclass(frozen=True)
class ReviewCard:
    """`said`: (category id, votes), the most frequent first. `suggestions`: (category id, probability 0..1), best
    first. `token` is the idempotency key of a settlement from this card: another one after a settlement or an undo."""

    token: str
    campaign_id: int
    product: Product
    votes: tuple[ReviewVote, ...]
    said: tuple[tuple[int, int], ...]
    suggestions: tuple[tuple[int, float], ...]
    model_version_name: str | None
    is_hard_to_predict: bool
    tags: tuple[Tag, ...]


def get_review_card(runtime: Runtime, actor: Actor, campaign_id: int, product_id: int) -> ReviewCard:
    """Raises Forbidden, NotFound. Whose vote each is, is told to reviewers and admins, and to anybody of their own."""
    authorize(actor, Action.REVIEW)
    categories = load_categories(runtime)
    tree, sees_names = CategoryTree(categories), sees_who_voted(actor)
    with runtime.sessions.read() as session:
        row = product_details.find_product(session, product_id)
        if row is None:
            raise NotFound(N_("There is no product {product_id}."), product_id=product_id)
        given = votes.list_votes_of(session, campaign_id, [product_id])
        seen = cards.find_suggestions(session, product_id, campaign_id)
        tags = tags_of(session, product_id)
        last_id = gold.last_settling(session, product_id)
    said = [None if vote.category_id is None else tree.now(vote.category_id) for vote in given]
    named = Counter(category for category in said if category is not None)
    return ReviewCard(
        token=f"settle-{actor.person_id}-{product_id}-{last_id}",
        campaign_id=campaign_id,
        product=Product.of(row),
        votes=tuple(
            ReviewVote(
                vote.person if sees_names or vote.person_id == actor.person_id else "",
                DecisionKind(vote.kind),
                category,
                vote.note,
                vote.created_at,
                _mean_apart(place, said, tree),
            )
            for place, (vote, category) in enumerate(zip(given, said, strict=True))
        ),
        said=tuple(sorted(named.items(), key=lambda one: (-one[1], one[0]))),
        suggestions=resolve_ranking(categories, seen["top"]) if seen else (),
        model_version_name=seen["name"] if seen else None,
        is_hard_to_predict=bool(seen and seen["abstained"]),
        tags=tags,
    )


def _mean_apart(place: int, said: list[int | None], tree: CategoryTree) -> float:
    others = [votes_apart(said[place], other, tree) for k, other in enumerate(said) if k != place]
    return sum(others) / len(others) if others else 0.0
