"""From a filter to products: the one place where lists, counts, queues and strata learn what a filter means."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from db.disagreements import people_disagree
from db.enums import (
    CHECKED_BY_PEOPLE,
    DecisionKind,
    Fold,
    LabelSource,
    NoiseMethod,
    NoiseVerdict,
    ProductOrder,
    TaskStatus,
)
from db.label_sources import is_checked
from db.labels_for_training import undecidable
from db.product_orders import SORTED_BY_MODEL, is_in_share, is_in_top
from db.tables import (
    CategoryRow,
    DecisionRow,
    EditReviewRow,
    LabelIssueRow,
    PredictionRow,
    ProductRow,
    ProductSplitRow,
    TaskRow,
)
from db.utc_month import utc_month


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
    seed: int = 0  # of the random order and the random share
    label_issue: str | None = None  # this method calls the present label wrong: confident_learning, selfie
    margin_above: float | None = None
    months: tuple[int, ...] = ()  # calendar months of registration, 1..12, of any year; UTC
    held_out: bool = False  # in the test fold: no model has learned from it
    people_disagree: bool = False  # what people last said differs, and no reviewer has settled it
    edit_id: int | None = None  # this edit of the tree wants it looked at again
    any_words: tuple[str, ...] = ()  # one of these is enough: each a word, or words that all stand in the title
    random_share: float | None = None  # such a share of the products, 0..1, drawn by `seed`, always the same
    pair_ids: tuple[int, ...] = ()  # two leaves: given or predicted as one of them, both among the model's best five
    not_decided_in: tuple[int, ...] = ()  # nobody has decided it in these campaigns

    @property
    def asks_the_model(self) -> bool:
        """It cannot be answered without predictions."""
        bounds = (self.confidence_below, self.confidence_above, self.margin_below, self.margin_above)
        asks = bool(self.predicted_category_ids or self.pair_ids) or self.disagrees or self.hard_to_predict
        return asks or any(bound is not None for bound in bounds)


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
    found = [*_of_product(conditions, order), *_of_registration(conditions), *_of_prediction(conditions, order)]
    return query.where(*found, *_of_people(conditions))


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


def subtree(category_ids: tuple[int, ...]) -> sa.Select[Any]:
    """The ids of these categories and of all below them."""
    tree = sa.select(CategoryRow.id).where(CategoryRow.id.in_(category_ids)).cte(recursive=True)
    child = aliased(CategoryRow)
    return sa.select(tree.union(sa.select(child.id).join(tree, child.parent_id == tree.c.id)).c.id)


def has_label_from(label_source: str) -> list[sa.ColumnElement[bool]]:
    """`Conditions.label_source` as conditions."""
    if label_source == "none":
        return [ProductRow.label_source.is_(None)]
    if label_source == "unchecked":
        is_undecidable = undecidable().where(DecisionRow.product_id == ProductRow.id).correlate(ProductRow).exists()
        return [~is_checked(ProductRow.label_source), ~is_undecidable]
    if label_source == LabelSource.HUMAN:
        return [ProductRow.label_source.in_(CHECKED_BY_PEOPLE)]
    return [ProductRow.label_source == LabelSource(label_source)]


def _of_product(wanted: Conditions, order: ProductOrder | None) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.category_ids:
        found.append(ProductRow.category_id.in_(subtree(wanted.category_ids)))
    if wanted.mall_id is not None:
        found.append(ProductRow.mall_id == wanted.mall_id)
    if wanted.source is not None:
        found.append((ProductRow.source if order is None else ProductRow.source + "") == wanted.source)
    if wanted.label_source is not None:
        found += has_label_from(wanted.label_source)
    found += _has_words(wanted.keyword or "")
    if wanted.any_words:
        found.append(sa.or_(*(sa.and_(*_has_words(words)) for words in wanted.any_words)))
    if wanted.random_share is not None:
        found.append(is_in_share(ProductRow.id, wanted.seed, wanted.random_share))
    if wanted.held_out:
        split = sa.exists().where(ProductSplitRow.product_id == ProductRow.id, ProductSplitRow.fold == Fold.TEST)
        found.append(split)
    return found


def _has_words(words: str) -> list[sa.ColumnElement[bool]]:
    return [ProductRow.title.icontains(word, autoescape=True) for word in words.split()]


def _of_registration(wanted: Conditions) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.registered_from is not None:
        found.append(ProductRow.registered_at >= _midnight(wanted.registered_from))
    if wanted.registered_to is not None:
        found.append(ProductRow.registered_at < _midnight(wanted.registered_to + timedelta(days=1)))
    if wanted.months:
        found.append(utc_month(ProductRow.registered_at).in_(wanted.months))
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
    if wanted.margin_above is not None:
        found.append(margin >= wanted.margin_above)
    if wanted.predicted_category_ids:
        found.append(PredictionRow.category_id.in_(subtree(wanted.predicted_category_ids)))
    if wanted.disagrees:
        means_it = sa.exists().where(
            CategoryRow.id == PredictionRow.category_id, CategoryRow.merged_into_id == ProductRow.category_id
        )
        found += [PredictionRow.category_id != ProductRow.category_id, ~means_it]
    if wanted.hard_to_predict:
        found.append(PredictionRow.abstained.is_(True))
    if wanted.pair_ids:
        found += _is_between(wanted.pair_ids, wanted.model_version_id)
    return found


def _is_between(pair_ids: tuple[int, ...], model_version_id: int | None) -> list[sa.ColumnElement[bool]]:
    """Given or predicted as one of the pair, found by index; both among the model's best."""
    product, answer = aliased(ProductRow), aliased(PredictionRow)
    given = sa.select(product.id).where(product.category_id.in_(pair_ids))
    predicted = sa.select(answer.product_id).where(
        answer.model_version_id == model_version_id, answer.category_id.in_(pair_ids)
    )
    return [ProductRow.id.in_(sa.union(given, predicted)), *(is_in_top(category_id) for category_id in pair_ids)]


def _of_people(wanted: Conditions) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.decided_by is not None:
        found.append(ProductRow.id.in_(_decided_by(wanted.decided_by)))
    if wanted.campaign_id is not None:
        queued = sa.select(TaskRow.product_id).where(
            TaskRow.campaign_id == wanted.campaign_id, TaskRow.is_gold.is_(False)
        )
        found.append(ProductRow.id.in_(queued))
    if wanted.not_decided_in:
        decided = sa.exists().where(
            TaskRow.campaign_id.in_(wanted.not_decided_in),
            TaskRow.product_id == ProductRow.id,
            TaskRow.status == TaskStatus.DONE,
            TaskRow.is_gold.is_(False),
        )
        found.append(~decided)
    if wanted.people_disagree:
        found.append(ProductRow.id.in_(people_disagree()))
        found.append(ProductRow.label_source.is_distinct_from(LabelSource.GOLD))
    if wanted.edit_id is not None:
        found.append(
            ProductRow.id.in_(sa.select(EditReviewRow.product_id).where(EditReviewRow.edit_id == wanted.edit_id))
        )
    return found


def _decided_by(person_id: int) -> sa.Select[Any]:
    undo = aliased(DecisionRow)
    return sa.select(DecisionRow.product_id).where(
        DecisionRow.person_id == person_id,
        DecisionRow.kind != DecisionKind.UNDO,
        ~sa.exists().where(undo.undoes_id == DecisionRow.id),
    )
