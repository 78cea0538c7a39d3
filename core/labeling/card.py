"""Everything the labeling card shows, in a few indexed queries."""

from dataclasses import dataclass

from core.catalogue.attributes.tags import Tag, tags_of
from core.catalogue.products import Product
from core.errors import N_, NotFound
from core.labeling.queue import Task, task_of
from core.runtime import Runtime
from core.types import Actor
from db import campaigns, label_issues, products, tasks
from db.enums import CampaignKind


@dataclass(frozen=True)
class CardIssue:
    """A method calls the product's label wrong and nobody has decided since."""

    given_category_id: int
    suggested_category_id: int | None
    label_quality_score: float  # 0 suspicious .. 1 clean
    confidence: float | None  # probability of the suggested category


@dataclass(frozen=True)
class Card:
    """One task with its evidence. `suggestions` are (category id, confidence 0..1), best first, maybe none."""

    task: Task
    product: Product
    suggestions: tuple[tuple[int, float], ...]
    model_version_id: int | None
    model_version_name: str | None
    margin: float | None
    is_hard_to_predict: bool  # the first suggestion is not sure enough
    back_off_category_id: int | None  # then the deepest category above it that is; none: not even a root
    tags: tuple[Tag, ...]  # attributes read from title and image
    overlap: int
    n_done_of_product: int  # in this campaign, by anybody
    issue: CardIssue | None = None  # why the label of now looks wrong; none: it does not
    is_about_issue: bool = False  # the campaign asks because of `issue`


def get_card(runtime: Runtime, task: Task) -> Card:
    """The card of a task: suggestions of the promoted version, or of the campaign's where that one has none.

    Raises NotFound when the product is gone.
    """
    with runtime.sessions.read() as session:
        row = products.find_card_product(session, task.product_id, task.campaign_id)
        seen = products.find_suggestions(session, task.product_id, task.campaign_id)
        issue = label_issues.find_of_product(session, task.product_id)
        tags = tags_of(session, task.product_id)
        campaign = campaigns.find_campaign(session, task.campaign_id) if issue else None
        is_about_issue = campaign is not None and campaign.kind == CampaignKind.LABEL_ISSUES
    if row is None:
        raise NotFound(N_("There is no product {product_id}."), product_id=task.product_id)
    return Card(
        task=task,
        product=Product.of(row),
        suggestions=tuple((int(category), float(confidence)) for category, confidence in seen["top"]) if seen else (),
        model_version_id=seen["model_version_id"] if seen else None,
        model_version_name=seen["name"] if seen else None,
        margin=seen["margin"] if seen else None,
        is_hard_to_predict=bool(seen and seen["abstained"]),
        back_off_category_id=seen["back_off_category_id"] if seen else None,
        tags=tags,
        overlap=row["overlap"],
        n_done_of_product=row["n_done"],
        issue=CardIssue(
            issue.given_category_id, issue.suggested_category_id, issue.label_quality_score, issue.confidence
        )
        if issue
        else None,
        is_about_issue=is_about_issue,
    )


def peek_next(runtime: Runtime, actor: Actor, campaign_id: int) -> Task | None:
    """What this person would probably claim next, unclaimed: to fetch its image ahead. Somebody may be faster."""
    with runtime.sessions.read() as session:
        _, overlap = campaigns.get_status(session, campaign_id)
        row = tasks.find_next_open(session, campaign_id, actor.person_id, overlap > 1)
    return task_of(row, actor.person_id) if row else None
