"""Queries of products: one by id with what the labeling card shows, and lists by filter."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from db.decisions import PROMOTED
from db.enums import CHECKED_BY_PEOPLE, DecisionKind, LabelSource, NoiseMethod, NoiseVerdict, ProductOrder, TaskStatus
from db.label_sources import is_checked
from db.labels_for_training import undecidable
from db.tables import (
    CampaignRow,
    CategoryRow,
    DecisionRow,
    LabelIssueRow,
    MallCategoryRow,
    MallRow,
    ModelVersionRow,
    PersonRow,
    PredictionRow,
    ProductRow,
    TaskRow,
)

PRODUCT = sa.bindparam("product", type_=sa.BigInteger)
CAMPAIGN = sa.bindparam("campaign", type_=sa.BigInteger)

PRODUCT_COLUMNS = (
    ProductRow.id,
    ProductRow.source,
    ProductRow.external_id,
    ProductRow.title,
    ProductRow.brand,
    MallRow.name.label("mall"),
    MallCategoryRow.path.label("mall_category"),
    ProductRow.price,
    ProductRow.registered_at,
    ProductRow.image,
    ProductRow.category_id,
    ProductRow.label_source,
    ProductRow.labeled_at,
)

_N_DONE = (
    sa.select(sa.func.count())
    .where(TaskRow.campaign_id == CAMPAIGN, TaskRow.product_id == PRODUCT, TaskRow.status == TaskStatus.DONE)
    .scalar_subquery()
)
_OVERLAP = sa.select(CampaignRow.overlap).where(CampaignRow.id == CAMPAIGN).scalar_subquery()
_CARD = (
    sa.select(*PRODUCT_COLUMNS, _OVERLAP.label("overlap"), _N_DONE.label("n_done"))
    .outerjoin(MallRow, MallRow.id == ProductRow.mall_id)
    .outerjoin(MallCategoryRow, MallCategoryRow.id == ProductRow.mall_category_id)
    .where(ProductRow.id == PRODUCT)
)
_CAMPAIGN_VERSION = sa.select(CampaignRow.model_version_id).where(CampaignRow.id == CAMPAIGN).scalar_subquery()
_SUGGESTIONS = (
    sa.select(
        PredictionRow.model_version_id,
        PredictionRow.margin,
        PredictionRow.top,
        PredictionRow.abstained,
        PredictionRow.back_off_category_id,
        ModelVersionRow.name,
    )
    .join(ModelVersionRow, ModelVersionRow.id == PredictionRow.model_version_id)
    .where(PredictionRow.product_id == PRODUCT, PredictionRow.model_version_id.in_([PROMOTED, _CAMPAIGN_VERSION]))
    .order_by(sa.case((PredictionRow.model_version_id == PROMOTED, 0), else_=1))
    .limit(1)
)


def find_card_product(session: Session, product_id: int, campaign_id: int) -> sa.RowMapping | None:
    """The product with its mall's words, the campaign's overlap and how many have decided it there."""
    values = {"product": product_id, "campaign": campaign_id}
    return session.execute(_CARD, values).mappings().one_or_none()


def find_suggestions(session: Session, product_id: int, campaign_id: int) -> sa.RowMapping | None:
    """What the promoted version answers, else the campaign's; None when neither has scored the product."""
    values = {"product": product_id, "campaign": campaign_id}
    return session.execute(_SUGGESTIONS, values).mappings().one_or_none()


@dataclass(frozen=True)
class Conditions:
    """What products to find; what is none or empty does not restrict. All that is set must hold.

    Categories mean themselves and all below them. Confidence and margin are fractions 0..1.
    """

    category_ids: tuple[int, ...] = ()
    mall_id: int | None = None
    label_source: str | None = None  # import, human (gold too), gold, none (unlabeled), unchecked (no person decided)
    confidence_below: float | None = None
    confidence_above: float | None = None
    margin_below: float | None = None
    predicted_category_ids: tuple[int, ...] = ()
    disagrees: bool = False  # the model's answer is not the current label
    hard_to_predict: bool = False  # the model is not sure enough of its answer
    registered_from: date | None = None  # UTC days, both included
    registered_to: date | None = None
    keyword: str | None = None  # words that all stand in the title
    source: str | None = None
    decided_by: int | None = None  # by this person, and not undone
    model_version_id: int | None = None  # whose predictions; none: the one in use
    campaign_id: int | None = None  # in this campaign's queue
    seed: int = 0  # of the random order
    label_issue: str | None = None  # this method calls the present label wrong: confident_learning, selfie

    @property
    def asks_the_model(self) -> bool:
        """It cannot be answered without predictions."""
        bounds = (self.confidence_below, self.confidence_above, self.margin_below)
        asks = bool(self.predicted_category_ids) or self.disagrees or self.hard_to_predict
        return asks or any(bound is not None for bound in bounds)


SORTED_BY_MODEL = {ProductOrder.MARGIN, ProductOrder.DISAGREEMENT}
PREDICTION_COLUMNS = (
    PredictionRow.category_id.label("predicted_category_id"),
    PredictionRow.confidence,
    PredictionRow.margin,
    PredictionRow.abstained,
    PredictionRow.back_off_category_id,
)


def select_products(conditions: Conditions, order: ProductOrder | None, *columns: Any) -> sa.Select[Any]:
    """The one way from a filter to rows: lists, counts and campaigns all stand on it. Not yet sorted.

    `conditions.model_version_id` must be set where a model is asked. With an `order`, conditions that would
    tempt the planner away from the index of that order (and into sorting a million rows) are written so that
    no index serves them.
    """
    prediction = sa.and_(
        PredictionRow.product_id == ProductRow.id, PredictionRow.model_version_id == conditions.model_version_id
    )
    query = sa.select(*columns).select_from(ProductRow)
    if conditions.asks_the_model or order in SORTED_BY_MODEL:
        query = query.join(PredictionRow, prediction)
    elif conditions.model_version_id is not None:
        query = query.outerjoin(PredictionRow, prediction)
    if method := _noise_method(conditions, order):
        query = query.join(LabelIssueRow, _suspected_by(method))
    return query.where(*_of_product(conditions, order), *_of_prediction(conditions, order), *_of_people(conditions))


def _noise_method(conditions: Conditions, order: ProductOrder | None) -> NoiseMethod | None:
    """Whose verdicts a list asks for: also one that is sorted by them alone."""
    if conditions.label_issue is not None:
        return NoiseMethod(conditions.label_issue)
    return NoiseMethod.CONFIDENT_LEARNING if order == ProductOrder.LABEL_QUALITY else None


def _suspected_by(method: NoiseMethod) -> sa.ColumnElement[bool]:
    """The method calls the label wrong that the product still has."""
    return sa.and_(
        LabelIssueRow.product_id == ProductRow.id,
        LabelIssueRow.method == method,
        LabelIssueRow.verdict != NoiseVerdict.CLEAN,
        LabelIssueRow.given_category_id == ProductRow.category_id,
    )


def _subtree(category_ids: tuple[int, ...]) -> sa.Select[Any]:
    tree = sa.select(CategoryRow.id).where(CategoryRow.id.in_(category_ids)).cte("subtree", recursive=True)
    child = aliased(CategoryRow)
    return sa.select(tree.union(sa.select(child.id).join(tree, child.parent_id == tree.c.id)).c.id)


def _of_product(wanted: Conditions, order: ProductOrder | None) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.category_ids:
        found.append(ProductRow.category_id.in_(_subtree(wanted.category_ids)))
    if wanted.mall_id is not None:
        found.append(ProductRow.mall_id == wanted.mall_id)
    if wanted.source is not None:
        found.append((ProductRow.source if order is None else ProductRow.source + "") == wanted.source)
    if wanted.label_source == "none":
        found.append(ProductRow.label_source.is_(None))
    elif wanted.label_source == "unchecked":
        found.append(~is_checked(ProductRow.label_source))
        found.append(~undecidable().where(DecisionRow.product_id == ProductRow.id).correlate(ProductRow).exists())
    elif wanted.label_source == LabelSource.HUMAN:
        found.append(ProductRow.label_source.in_(CHECKED_BY_PEOPLE))
    elif wanted.label_source is not None:
        found.append(ProductRow.label_source == LabelSource(wanted.label_source))
    if wanted.registered_from is not None:
        found.append(ProductRow.registered_at >= _midnight(wanted.registered_from))
    if wanted.registered_to is not None:
        found.append(ProductRow.registered_at < _midnight(wanted.registered_to + timedelta(days=1)))
    found += [ProductRow.title.icontains(word, autoescape=True) for word in (wanted.keyword or "").split()]
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _of_prediction(wanted: Conditions, order: ProductOrder | None) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    confidence = (
        PredictionRow.confidence if order in (None, ProductOrder.DISAGREEMENT) else PredictionRow.confidence + 0
    )
    margin = PredictionRow.margin if order in (None, ProductOrder.MARGIN) else PredictionRow.margin + 0
    if wanted.confidence_below is not None:
        found.append(confidence < wanted.confidence_below)
    if wanted.confidence_above is not None:
        found.append(confidence >= wanted.confidence_above)
    if wanted.margin_below is not None:
        found.append(margin < wanted.margin_below)
    if wanted.predicted_category_ids:
        found.append(PredictionRow.category_id.in_(_subtree(wanted.predicted_category_ids)))
    if wanted.disagrees:
        found.append(PredictionRow.category_id != ProductRow.category_id)
    if wanted.hard_to_predict:
        found.append(PredictionRow.abstained.is_(True))
    return found


def _of_people(wanted: Conditions) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.decided_by is not None:
        undo = aliased(DecisionRow)
        decided = sa.select(DecisionRow.product_id).where(
            DecisionRow.person_id == wanted.decided_by,
            DecisionRow.kind != DecisionKind.UNDO,
            ~sa.exists().where(undo.undoes_id == DecisionRow.id),
        )
        found.append(ProductRow.id.in_(decided))
    if wanted.campaign_id is not None:
        queued = sa.select(TaskRow.product_id).where(TaskRow.campaign_id == wanted.campaign_id)
        found.append(ProductRow.id.in_(queued))
    return found


SHUFFLE_PRIME = 2147483647  # products stay below 2^63; 5 does not divide p - 1, so x^5 hits every place once


def _shuffled(product_id: Any, seed: int) -> sa.ColumnElement[int]:
    """A place between 0 and p - 1 for each product, the same in both databases."""
    start = (product_id % SHUFFLE_PRIME * 48271 + seed) % SHUFFLE_PRIME
    square = start * start % SHUFFLE_PRIME
    return square * square % SHUFFLE_PRIME * start % SHUFFLE_PRIME


def sort_keys(conditions: Conditions, order: ProductOrder) -> tuple[list[Any], bool]:
    """The columns that make the order unique, and whether it runs downwards."""
    match order:
        case ProductOrder.NEWEST:
            return [PredictionRow.product_id if conditions.asks_the_model else ProductRow.id], True
        case ProductOrder.MARGIN:
            return [PredictionRow.margin, PredictionRow.product_id], False
        case ProductOrder.DISAGREEMENT:
            return [PredictionRow.confidence, PredictionRow.product_id], True
        case ProductOrder.RANDOM:
            return [_shuffled(ProductRow.id, conditions.seed), ProductRow.id], False
        case ProductOrder.LABEL_QUALITY:
            return [LabelIssueRow.label_quality_score, ProductRow.id], False


def list_products(
    session: Session, conditions: Conditions, order: ProductOrder, limit: int, after: list[Any] | None
) -> list[tuple[sa.RowMapping, list[Any]]]:
    """Up to `limit` products, each with its place in the order; `after` is the place to go on from.

    Their ids are found first and what is shown of them afterwards, so that nothing wide is sorted.
    """
    keys, downwards = sort_keys(conditions, order)
    named = [key.label(f"key_{i}") for i, key in enumerate(keys)]
    found = select_products(conditions, order, ProductRow.id, *named)
    if after is not None:
        place = sa.tuple_(*keys) if len(keys) > 1 else keys[0]
        there = sa.tuple_(*after) if len(keys) > 1 else after[0]
        found = found.where(place < there if downwards else place > there)
    found = found.order_by(*[key.desc() if downwards else key for key in keys]).limit(limit)
    rows = session.execute(_shown(found.subquery("page"), conditions.model_version_id)).mappings()
    placed = [(row, [row[f"key_{i}"] for i in range(len(keys))]) for row in rows]
    return sorted(placed, key=lambda one: one[1], reverse=downwards)


def _shown(page: sa.Subquery, model_version_id: int | None) -> sa.Select[Any]:
    """What a list shows of the products of a page, in no order."""
    columns: list[Any] = [*PRODUCT_COLUMNS, *[column for column in page.c if column.name != "id"]]
    query = (
        sa.select(*columns)
        .select_from(page)
        .join(ProductRow, ProductRow.id == page.c.id)
        .outerjoin(MallRow, MallRow.id == ProductRow.mall_id)
        .outerjoin(MallCategoryRow, MallCategoryRow.id == ProductRow.mall_category_id)
    )
    if model_version_id is None:
        return query
    prediction = sa.and_(PredictionRow.product_id == ProductRow.id, PredictionRow.model_version_id == model_version_id)
    return query.add_columns(*PREDICTION_COLUMNS).outerjoin(PredictionRow, prediction)


def count_products(session: Session, conditions: Conditions, at_most: int) -> int:
    """How many products match, counted no further than `at_most`."""
    found = select_products(conditions, None, sa.literal(1).label("one")).limit(at_most).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(found)) or 0


def find_names(session: Session, conditions: Conditions) -> dict[str, str]:
    """Names of the mall, person, campaign and model version that the filter names by id; unknown ones left out."""
    named = {
        "mall_id": sa.select(MallRow.name).where(MallRow.id == conditions.mall_id),
        "decided_by": sa.select(PersonRow.name).where(PersonRow.id == conditions.decided_by),
        "campaign_id": sa.select(CampaignRow.name).where(CampaignRow.id == conditions.campaign_id),
        "model_version_id": sa.select(ModelVersionRow.name).where(ModelVersionRow.id == conditions.model_version_id),
    }
    asked = {name: query for name, query in named.items() if getattr(conditions, name) is not None}
    found = {name: session.scalar(query) for name, query in asked.items()}
    return {name: text for name, text in found.items() if text is not None}
