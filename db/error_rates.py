"""Queries behind people's and models' error rates: gold products, the blind votes on them, what versions answer.

A blind vote counts while it is not undone and was not copied from a near-duplicate. Gold products are found through
their index, so nothing here grows with the catalogue; only `count_parts` reads all blind votes.
"""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from db.enums import DecisionKind, Fold, LabelSource
from db.measurements import insert_measurement
from db.said_today import judged_as, list_split, said_today
from db.tables import (
    AcceptedAlternativeRow,
    CategoryRow,
    DecisionRow,
    MeasurementRow,
    ModelVersionRow,
    PersonRow,
    PredictionRow,
    ProductRow,
    ProductSplitRow,
)

KIND = "error_rates"  # of measurements
SHUFFLE_PRIME = 2147483647
VOTES = (DecisionKind.LABEL, DecisionKind.CANNOT_TELL, DecisionKind.BAD_LISTING)


class GoldProduct(NamedTuple):
    """A settled product; `fold` is none where it has none yet."""

    id: int
    title: str
    category_id: int
    fold: int | None


class Vote(NamedTuple):
    """A blind vote. `category_id` is what it says today; none for 'cannot tell' and 'bad listing'."""

    product_id: int
    decision_id: int
    person_id: int
    person: str
    kind: DecisionKind
    category_id: int | None
    note: str | None


def _not_undone(decision: Any = DecisionRow) -> sa.ColumnElement[bool]:
    undo = aliased(DecisionRow)
    return ~sa.exists().where(undo.undoes_id == decision.id)


def _is_blind_vote() -> sa.ColumnElement[bool]:
    return sa.and_(
        DecisionRow.is_blind.is_(True),
        DecisionRow.kind.in_(VOTES),
        DecisionRow.copied_from_id.is_(None),
        _not_undone(),
    )


def has_blind_votes(session: Session) -> bool:
    """Whether anybody ever voted blind; reads decisions until the first."""
    return session.scalar(sa.select(DecisionRow.id).where(DecisionRow.is_blind.is_(True)).limit(1)) is not None


def count_gold(session: Session) -> int:
    query = sa.select(sa.func.count()).where(ProductRow.label_source == LabelSource.GOLD)
    return session.scalar(query) or 0


def list_gold(session: Session, after_id: int, limit: int, category_ids: list[int] | None = None) -> list[GoldProduct]:
    """Settled products by id, of these categories only where some are given."""
    query = (
        sa.select(ProductRow.id, ProductRow.title, ProductRow.category_id, ProductSplitRow.fold)
        .join(ProductSplitRow, ProductSplitRow.product_id == ProductRow.id, isouter=True)
        .where(ProductRow.label_source == LabelSource.GOLD, ProductRow.id > after_id)
        .order_by(ProductRow.id)
        .limit(limit)
    )
    if category_ids is not None:
        query = query.where(ProductRow.category_id.in_(category_ids))
    rows = session.execute(query)
    return [GoldProduct(id_, title, category, fold) for id_, title, category, fold in rows if category is not None]


def list_votes(session: Session, product_ids: list[int]) -> list[Vote]:
    """Blind votes on these products, by product and in the order they were given."""
    said, is_said, says = said_today(DecisionRow, "said")
    query = (
        sa.select(
            DecisionRow.product_id,
            DecisionRow.id,
            DecisionRow.person_id,
            PersonRow.name,
            DecisionRow.kind,
            says,
            DecisionRow.note,
        )
        .join(PersonRow, PersonRow.id == DecisionRow.person_id)
        .outerjoin(said, is_said)
        .where(DecisionRow.product_id.in_(product_ids), _is_blind_vote())
        .order_by(DecisionRow.product_id, DecisionRow.id)
    )
    return [Vote(*row) for row in session.execute(query)]


class Settler(NamedTuple):
    """Who settled a product; `in_bulk`: together with others, at one stroke."""

    person_id: int
    in_bulk: bool


def map_settlers(session: Session, product_ids: list[int]) -> dict[int, Settler]:
    """Product id -> whose settlement stands; gold that came with an import has none."""
    query = (
        sa.select(DecisionRow.product_id, DecisionRow.person_id, DecisionRow.batch_key.is_not(None))
        .where(
            DecisionRow.product_id.in_(product_ids),
            DecisionRow.kind == DecisionKind.SETTLE,
            _not_undone(),
        )
        .order_by(DecisionRow.id)
    )
    return {product: Settler(person, bool(in_bulk)) for product, person, in_bulk in session.execute(query)}


def list_answers(session: Session, version_ids: list[int], product_ids: list[int]) -> list[tuple[int, int, int]]:
    """(version, product, the category of its first answer)."""
    query = sa.select(PredictionRow.model_version_id, PredictionRow.product_id, PredictionRow.category_id).where(
        PredictionRow.model_version_id.in_(version_ids), PredictionRow.product_id.in_(product_ids)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def list_alternatives(session: Session, product_ids: list[int]) -> list[tuple[int, int, int]]:
    """(product, category that is right as well, who said so)."""
    query = sa.select(
        AcceptedAlternativeRow.product_id, AcceptedAlternativeRow.category_id, AcceptedAlternativeRow.person_id
    ).where(AcceptedAlternativeRow.product_id.in_(product_ids))
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def map_merged(session: Session) -> dict[int, int]:
    """Category id -> the one it was merged into; one that was split became no single one and is missing."""
    split = list_split(session)
    query = sa.select(CategoryRow.id, CategoryRow.merged_into_id).where(CategoryRow.merged_into_id.is_not(None))
    return {old: new for old, new in session.execute(query) if new is not None and old not in split}


def list_scored_versions(session: Session, limit: int) -> list[tuple[int, str]]:
    """(id, name) of versions that answered products, newest first."""
    query = (
        sa.select(ModelVersionRow.id, ModelVersionRow.name)
        .where(sa.exists().where(PredictionRow.model_version_id == ModelVersionRow.id))
        .order_by(ModelVersionRow.id.desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def map_names(session: Session, version_ids: list[int]) -> dict[int, str]:
    query = sa.select(ModelVersionRow.id, ModelVersionRow.name).where(ModelVersionRow.id.in_(version_ids))
    return dict(session.execute(query).all())


def draw_undisputed(session: Session, version_id: int | None, person_id: int, seed: int, limit: int) -> list[int]:
    """Products whose blind votes all name one category, that nobody settled one by one and this person did not vote on.

    In a random order that stays; with a version those of the test fold that it answered.
    """
    said, is_said, says = said_today(DecisionRow, "said")
    votes = sa.select(DecisionRow.product_id).outerjoin(said, is_said).where(_is_blind_vote())
    agreed = (
        votes.group_by(DecisionRow.product_id)
        .having(
            sa.func.min(says) == sa.func.max(says),
            sa.func.count(DecisionRow.category_id) == sa.func.count(),
            sa.func.max(sa.case((DecisionRow.person_id == person_id, 1), else_=0)) == 0,
        )
        .subquery()
    )
    settled, product = aliased(DecisionRow), agreed.c.product_id
    alone = (settled.kind == DecisionKind.SETTLE, settled.batch_key.is_(None), _not_undone(settled))
    query = sa.select(product).where(~sa.exists().where(settled.product_id == product, *alone))
    if version_id is not None:
        answered = sa.exists().where(PredictionRow.product_id == product, PredictionRow.model_version_id == version_id)
        held_out = sa.exists().where(ProductSplitRow.product_id == product, ProductSplitRow.fold == Fold.TEST)
        query = query.where(answered, held_out)
    place = (product % SHUFFLE_PRIME * 48271 + seed) % SHUFFLE_PRIME
    return list(session.scalars(query.order_by(place * place % SHUFFLE_PRIME, product).limit(limit)))


class PartCount(NamedTuple):
    """How many voted products are alike in this."""

    is_single: bool
    is_disputed: bool
    model_differs: bool
    n: int


def count_parts(session: Session, version_id: int | None) -> list[PartCount]:
    """Voted products by whether one vote was given, votes contradict each other, the model contradicts them.

    With a version only products of the test fold that it answered. What was merged since is one category.
    """
    said, is_said, says = said_today(DecisionRow, "said")
    answered, is_answered, answers = judged_as(PredictionRow.category_id, "answered")
    votes = (
        sa.select(
            DecisionRow.product_id,
            sa.func.count().label("n"),
            sa.func.count(DecisionRow.category_id).label("n_categories"),
            sa.func.min(says).label("lowest"),
            sa.func.max(says).label("highest"),
        )
        .select_from(DecisionRow)
        .outerjoin(said, is_said)
        .where(_is_blind_vote())
    )
    if version_id is not None:
        votes = votes.join(ProductSplitRow, ProductSplitRow.product_id == DecisionRow.product_id).where(
            ProductSplitRow.fold == Fold.TEST
        )
    voted = votes.group_by(DecisionRow.product_id).subquery()
    contradicts = sa.or_(
        voted.c.lowest != voted.c.highest, sa.and_(voted.c.n_categories > 0, voted.c.n_categories < voted.c.n)
    )
    differs: sa.ColumnElement[Any] = sa.literal(0)
    if version_id is not None:
        differs = sa.case((voted.c.lowest == answers, 0), else_=1)
    query = sa.select(
        sa.case((voted.c.n == 1, 1), else_=0).label("is_single"),
        sa.case((contradicts, 1), else_=0).label("is_disputed"),
        differs.label("model_differs"),
    ).select_from(voted)
    if version_id is not None:
        answer = sa.and_(PredictionRow.product_id == voted.c.product_id, PredictionRow.model_version_id == version_id)
        query = query.join(PredictionRow, answer).outerjoin(answered, is_answered)
    alike = query.subquery()
    kinds = (alike.c.is_single, alike.c.is_disputed, alike.c.model_differs)
    rows = session.execute(sa.select(*kinds, sa.func.count()).group_by(*kinds))
    return [PartCount(bool(single), bool(disputed), bool(differ), n) for single, disputed, differ, n in rows]


def find_measurement(session: Session, version_id: int | None) -> MeasurementRow | None:
    """The newest of this version (none: without a model)."""
    return session.scalar(
        sa.select(MeasurementRow)
        .where(
            MeasurementRow.kind == KIND,
            MeasurementRow.campaign_id.is_(None),
            MeasurementRow.model_version_id.is_not_distinct_from(version_id),
        )
        .order_by(MeasurementRow.id.desc())
        .limit(1)
    )


def replace_measurement(
    session: Session, version_id: int | None, last_decision_id: int, result: dict[str, Any], now: datetime
) -> None:
    """Keep the newest of a version only: a trend is worked out anew from what is stored, not read from old ones."""
    is_same = MeasurementRow.model_version_id.is_not_distinct_from(version_id)
    session.execute(sa.delete(MeasurementRow).where(MeasurementRow.kind == KIND, is_same))
    insert_measurement(session, KIND, None, last_decision_id, result, now, version_id)
