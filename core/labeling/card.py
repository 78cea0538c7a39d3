"""Everything the labeling card shows, in a few indexed queries. What a card must not show is not in it."""

from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.catalogue.attributes.tags import Tag, tags_of
from core.catalogue.products import Product
from core.catalogue.taxonomy import load_categories
from core.catalogue.taxonomy_edits.meaning import resolve, resolve_ranking
from core.errors import N_, NotFound
from core.labeling.queue import Task, is_overlapping, task_of
from core.runtime import Runtime
from core.types import Actor
from db import cards, gold_checks, label_issues, lots, task_claims, tasks
from db.enums import CampaignKind, LabelSource
from db.tables import LabelIssueRow

MAX_NEIGHBOURS = 12
MAX_EXAMPLES = 4  # of a category


@dataclass(frozen=True)
class CardIssue:
    """A method calls the product's label wrong and nobody has decided since."""

    given_category_id: int
    suggested_category_id: int | None
    label_quality_score: float  # 0 suspicious .. 1 clean
    confidence: float | None  # probability of the suggested category


@dataclass(frozen=True)
class Example:
    """A product that shows what belongs into a category, or (a counterexample) what does not."""

    product_id: int
    title: str
    image: str | None  # a reference, not yet checked
    is_counterexample: bool
    note: str | None


@dataclass(frozen=True)
class CardChoice:
    """A category that the campaign asks about."""

    category_id: int
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Neighbour:
    """A near-duplicate of the product, to which a decision may be copied."""

    product_id: int
    title: str
    category_id: int | None  # the label it has now
    is_decided: bool  # by a person: it is copied to only when asked for


@dataclass(frozen=True)
class Card:
    """One task with its evidence. `suggestions` are (category id, confidence 0..1), best first, maybe none.

    A blind card has no suggestion, no label of now and nothing that follows from either: people are measured by it.
    """

    task: Task
    product: Product
    suggestions: tuple[tuple[int, float], ...]
    model_version_id: int | None
    model_version_name: str | None
    margin: float | None
    is_hard_to_predict: bool  # the first suggestion is not sure enough
    back_off_category_id: int | None  # then the deepest category above it that is; none: not even a root
    tags: tuple[Tag, ...]  # attributes read from title and image
    overlap: int  # how many people decide this product in the campaign
    n_done_of_product: int  # of them have
    issue: CardIssue | None = None  # why the label of now looks wrong; none: it does not, or the card asks `choices`
    is_about_issue: bool = False  # the campaign asks because of `issue`
    kind: CampaignKind = CampaignKind.RANDOM
    is_blind: bool = False
    choices: tuple[CardChoice, ...] = ()  # what the campaign asks: A or B, or whether it belongs to A
    neighbours: tuple[Neighbour, ...] = ()  # near-duplicates, 12 at most


def get_card(runtime: Runtime, task: Task) -> Card:
    """The card of a task: suggestions of the promoted version, or of the campaign's where that one has none.

    A hidden gold check looks like every other card: it shows the label that the product's file gave it.
    Raises NotFound when the product is gone.
    """
    with runtime.sessions.read() as session:
        row = cards.find_card_product(session, task.id, task.product_id, task.campaign_id)
        if row is None:
            raise NotFound(N_("There is no product {product_id}."), product_id=task.product_id)
        product, issue = _product_and_issue(session, row)
        seen = None if row["is_blind"] else cards.find_suggestions(session, task.product_id, task.campaign_id)
        tags = tags_of(session, task.product_id)
        choices = _choices(session, row["choices"], task.product_id) if row["choices"] else ()
        if choices:  # a third category, called right, would answer another question
            issue = None
        neighbours = () if row["is_blind"] else _neighbours(session, task.product_id)
    tree = load_categories(runtime) if seen else {}
    back_off_id = seen["back_off_category_id"] if seen else None
    return Card(
        task=task,
        product=product,
        suggestions=resolve_ranking(tree, seen["top"]) if seen else (),
        model_version_id=seen["model_version_id"] if seen else None,
        model_version_name=seen["name"] if seen else None,
        margin=seen["margin"] if seen else None,
        is_hard_to_predict=bool(seen and seen["abstained"]),
        back_off_category_id=resolve(tree, back_off_id) if back_off_id is not None else None,
        tags=tags,
        overlap=max(row["n_slots"], 1) if not row["is_check"] else row["overlap"],
        n_done_of_product=row["n_done"],
        issue=issue,
        is_about_issue=issue is not None and row["kind"] == CampaignKind.LABEL_ISSUES,
        kind=row["kind"],
        is_blind=row["is_blind"],
        choices=choices,
        neighbours=neighbours,
    )


def _product_and_issue(session: Session, row: sa.RowMapping) -> tuple[Product, CardIssue | None]:
    """The product with the label that the card shows, and why that one looks wrong."""
    product = Product.of(row)
    if row["is_blind"]:
        return replace(product, category_id=None, label_source=None, labeled_at=None), None
    if not row["is_check"]:
        return product, _issue(label_issues.find_of_product(session, product.id))
    before = gold_checks.find_label_before(session, product.id)
    if before is None:
        return replace(product, category_id=None, label_source=None, labeled_at=None), None
    source, at = LabelSource.IMPORT, before.created_at
    shown = replace(product, category_id=before.category_id, label_source=source, labeled_at=at)
    issue = gold_checks.find_issue(session, product.id, before.category_id)
    return shown, _issue(issue)


def _issue(row: LabelIssueRow | None) -> CardIssue | None:
    if row is None:
        return None
    return CardIssue(row.given_category_id, row.suggested_category_id, row.label_quality_score, row.confidence)


def _choices(session: Session, category_ids: list[int], product_id: int) -> tuple[CardChoice, ...]:
    found: dict[int, list[Example]] = {int(id_): [] for id_ in category_ids}
    for row in cards.list_examples(session, list(found), product_id, MAX_EXAMPLES):
        example: dict[str, Any] = {name: value for name, value in row.items() if name != "category_id"}
        found[row["category_id"]].append(Example(**example))
    return tuple(CardChoice(id_, tuple(examples)) for id_, examples in found.items())


def _neighbours(session: Session, product_id: int) -> tuple[Neighbour, ...]:
    rows = lots.list_neighbours(session, product_id, MAX_NEIGHBOURS)
    return tuple(Neighbour(row["id"], row["title"], row["category_id"], bool(row["is_decided"])) for row in rows)


def peek_next(runtime: Runtime, actor: Actor, campaign_id: int) -> Task | None:
    """What this person would probably claim next, unclaimed: to fetch its image ahead. Somebody may be faster."""
    with runtime.sessions.read() as session:
        queue = tasks.find_queue(session, campaign_id, actor.person_id)
        if queue is None:
            return None
        row = task_claims.find_next_open(session, campaign_id, actor.person_id, is_overlapping(queue))
    return task_of(row, actor.person_id) if row else None
