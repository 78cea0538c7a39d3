"""Queries that set two model versions side by side on the same held-out products.

Held out means: in the test fold, which no version learns from (a product never changes its fold). A product
counts when both versions answered it and it has a label that people did not call undecidable. An answer of before a
merge or a split means what its category became.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from db.alternatives import is_accepted
from db.enums import Fold
from db.labels_for_training import undecidable
from db.meanings import meaning_of, means
from db.tables import CategoryRow, DecisionRow, PredictionRow, ProductRow, ProductSplitRow

A = aliased(PredictionRow, name="a")
B = aliased(PredictionRow, name="b")
OwnLabel = aliased(CategoryRow, name="own_label")
AnswerA = aliased(CategoryRow, name="answer_a")
AnswerB = aliased(CategoryRow, name="answer_b")
MEANT_A, IS_MEANT_A, TODAY_A = meaning_of(A.category_id, "meant_a")
MEANT_B, IS_MEANT_B, TODAY_B = meaning_of(B.category_id, "meant_b")


class CategoryCounts(NamedTuple):
    """One category's held-out rows and how many of them each version got right within its first 1, 2, 4."""

    category_id: int
    path: str
    n: int
    n_both: int
    a_at_1: int
    a_at_2: int
    a_at_4: int
    b_at_1: int
    b_at_2: int
    b_at_4: int


class ChangedRow(NamedTuple):
    """A product that the two versions answer differently."""

    product_id: int
    title: str
    label_id: int | None
    label_path: str | None
    is_held_out: bool
    a_id: int
    a_path: str
    a_confidence: float
    a_is_right: bool
    b_id: int
    b_path: str
    b_confidence: float
    b_is_right: bool


def _judged(*columns: Any) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(*columns)
        .select_from(ProductSplitRow)
        .join(ProductRow, ProductRow.id == ProductSplitRow.product_id)
        .join(A, A.product_id == ProductSplitRow.product_id)
        .join(B, B.product_id == ProductSplitRow.product_id)
        .where(
            ProductSplitRow.fold == Fold.TEST,
            ProductRow.category_id.is_not(None),
            ProductRow.id.not_in(undecidable().with_only_columns(DecisionRow.product_id)),
        )
    )


def _is_right(prediction: Any) -> sa.ColumnElement[bool]:
    answer = prediction.category_id
    return sa.or_(means(answer, ProductRow.category_id), is_accepted(ProductRow.id, answer))


def _within(prediction: Any, k: int) -> sa.ColumnElement[int]:
    """How many judged rows have their label, or an accepted alternative, among the first k answers of `prediction`."""
    answers = [prediction.category_id, *(prediction.top[(rank, 0)].as_integer() for rank in range(1, k))]
    hit = sa.or_(*(means(answer, ProductRow.category_id) for answer in answers), is_accepted(ProductRow.id, *answers))
    return sa.func.sum(sa.case((hit, 1), else_=0))


def count_by_category(session: Session, a_id: int, b_id: int) -> list[CategoryCounts]:
    label = ProductRow.category_id
    both = sa.case((sa.and_(_is_right(A), _is_right(B)), 1), else_=0)
    counts = (
        _judged(
            label.label("category_id"),
            sa.func.count().label("n"),
            sa.func.sum(both).label("n_both"),
            *(_within(A, k).label(f"a_{k}") for k in (1, 2, 4)),
            *(_within(B, k).label(f"b_{k}") for k in (1, 2, 4)),
        )
        .where(A.model_version_id == a_id, B.model_version_id == b_id)
        .group_by(label)
        .subquery()
    )
    first, *others = counts.c
    query = (
        sa.select(first, CategoryRow.path, *others)
        .join(CategoryRow, CategoryRow.id == counts.c.category_id)
        .order_by(CategoryRow.path)
    )
    return [CategoryCounts(*row) for row in session.execute(query)]


def count_answers(session: Session, a_id: int, b_id: int, of_a: bool) -> dict[int, int]:
    """How often one of the two versions answers each category on the judged rows."""
    meant, is_meant, answer = meaning_of((A if of_a else B).category_id, "meant")
    query = _judged(answer, sa.func.count()).outerjoin(meant, is_meant).group_by(answer)
    query = query.where(A.model_version_id == a_id, B.model_version_id == b_id)
    return dict(session.execute(query).all())


def count_changed(session: Session, a_id: int, b_id: int) -> tuple[int, int]:
    """Products that both versions answered, and those of them with different answers.

    Two counts that are each answered from an index alone: the wide rows are never read.
    """
    both = sa.and_(A.model_version_id == a_id, B.model_version_id == b_id, B.product_id == A.product_id)
    query = sa.select(sa.func.count()).select_from(A).join(B, both)
    n_both = session.scalar(query) or 0
    same = query.outerjoin(MEANT_A, IS_MEANT_A).outerjoin(MEANT_B, IS_MEANT_B).where(TODAY_A == TODAY_B)
    n_same = session.scalar(same) or 0
    return n_both, n_both - n_same


def list_changed(
    session: Session, a_id: int, b_id: int, after_id: int, limit: int, held_out_only: bool, category_id: int | None
) -> list[ChangedRow]:
    """Products with different answers, by product id from `after_id` on. `category_id`: only of this label."""
    is_held_out = sa.func.coalesce(ProductSplitRow.fold == Fold.TEST, sa.false())
    query = (
        sa.select(
            ProductRow.id,
            ProductRow.title,
            OwnLabel.id,
            OwnLabel.path,
            is_held_out,
            TODAY_A,
            AnswerA.path,
            A.confidence,
            _is_right(A),
            TODAY_B,
            AnswerB.path,
            B.confidence,
            _is_right(B),
        )
        .select_from(A)
        .join(B, sa.and_(B.product_id == A.product_id, B.model_version_id == b_id))
        .join(ProductRow, ProductRow.id == A.product_id)
        .join(OwnLabel, OwnLabel.id == ProductRow.category_id, isouter=True)
        .outerjoin(MEANT_A, IS_MEANT_A)
        .outerjoin(MEANT_B, IS_MEANT_B)
        .join(AnswerA, AnswerA.id == TODAY_A)
        .join(AnswerB, AnswerB.id == TODAY_B)
        .join(ProductSplitRow, ProductSplitRow.product_id == A.product_id, isouter=True)
        .where(A.model_version_id == a_id, A.product_id > after_id, TODAY_A != TODAY_B)
        .order_by(A.product_id)
        .limit(limit)
    )
    if held_out_only:
        query = query.where(ProductSplitRow.fold == Fold.TEST)
    if category_id is not None:
        query = query.where(ProductRow.category_id == category_id)
    rows: Sequence[Any] = session.execute(query).all()
    return [ChangedRow(*row) for row in rows]
