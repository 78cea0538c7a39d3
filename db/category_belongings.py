"""What hangs on a category beside labels and follows it through edits of the tree: examples, accepted alternatives,
label issues; and its counts for a preview."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.decisions import PROMOTED
from db.enums import CampaignStatus, TaskStatus
from db.people import insert_for
from db.tables import (
    AcceptedAlternativeRow,
    CampaignRow,
    CategoryExampleRow,
    CategoryMetricRow,
    ExclusionRuleRow,
    LabelIssueRow,
    LabelRow,
    ModelVersionRow,
    PersonRow,
    PredictionRow,
    ProductRow,
    TaskRow,
    table_of,
)

IN_CHUNK = 2_000
examples = table_of(CategoryExampleRow)
alternatives = table_of(AcceptedAlternativeRow)
issues = table_of(LabelIssueRow)


def list_rules_of(session: Session, category_id: int) -> Sequence[ExclusionRuleRow]:
    """Its rules in force, not those of categories above it."""
    query = sa.select(ExclusionRuleRow).where(
        ExclusionRuleRow.category_id == category_id, ExclusionRuleRow.ended_at.is_(None)
    )
    return session.scalars(query.order_by(ExclusionRuleRow.id)).all()


def copy_examples(session: Session, from_id: int, to_id: int) -> list[int]:
    """Examples of the one are the other's too; the products that were not before."""
    return _copy(session, examples, from_id, to_id, ("is_counterexample", "note", "person_id", "created_at"))


def copy_alternatives(session: Session, from_id: int, to_id: int) -> list[int]:
    """Who fits the one as well fits the other as well; the products that did not before."""
    return _copy(session, alternatives, from_id, to_id, ("person_id", "created_at"))


def _copy(session: Session, table: sa.Table, from_id: int, to_id: int, rest: tuple[str, ...]) -> list[int]:
    names = ["category_id", "product_id", *rest]
    found = sa.select(sa.literal(to_id, sa.BigInteger), *[table.c[name] for name in names[1:]])
    added = session.execute(
        insert_for(session)(table)
        .from_select(names, found.where(table.c.category_id == from_id))
        .on_conflict_do_nothing()
        .returning(table.c.product_id)
    )
    return sorted(added.scalars())


def remove_copies(session: Session, kind: str, category_id: int, product_ids: Sequence[int]) -> None:
    """Take back what `copy_examples` or `copy_alternatives` added; `kind` says which."""
    table = {"examples": examples, "alternatives": alternatives}[kind]
    for start in range(0, len(product_ids), IN_CHUNK):
        part = product_ids[start : start + IN_CHUNK]
        session.execute(sa.delete(table).where(table.c.category_id == category_id, table.c.product_id.in_(part)))


def carry_issues(session: Session, edit_id: int, from_id: int, is_back: bool = False) -> None:
    """What looked wrong as a label of `from_id` looks wrong as what the edit carried it to; `is_back`: as before."""
    carried = table_of(LabelRow).alias("carried")
    old, new = (carried.c.category_id, from_id) if is_back else (from_id, carried.c.category_id)
    session.execute(
        sa.update(issues)
        .where(
            issues.c.product_id == carried.c.product_id, carried.c.edit_id == edit_id, issues.c.given_category_id == old
        )
        .values(given_category_id=new)
    )


def count_labels(session: Session, category_ids: Sequence[int]) -> dict[str, int]:
    """Source -> products with this label now."""
    query = (
        sa.select(ProductRow.label_source, sa.func.count())
        .where(ProductRow.category_id.in_(category_ids), ProductRow.label_source.is_not(None))
        .group_by(ProductRow.label_source)
    )
    return {str(source): n for source, n in session.execute(query)}


def count_touched(session: Session, category_ids: Sequence[int]) -> dict[str, int]:
    """What names these categories, or products labeled with them, by name of the count."""
    labeled = sa.select(ProductRow.id).where(ProductRow.category_id.in_(category_ids))
    is_waiting = sa.and_(TaskRow.product_id.in_(labeled), TaskRow.status.in_([TaskStatus.OPEN, TaskStatus.LEASED]))
    predicted = (PredictionRow.model_version_id == PROMOTED, PredictionRow.category_id.in_(category_ids))
    metric = (CategoryMetricRow.model_version_id == PROMOTED, CategoryMetricRow.category_id.in_(category_ids))
    n = sa.func.count()
    queries = {
        "exclusion_rules": sa.select(n).where(
            ExclusionRuleRow.category_id.in_(category_ids), ExclusionRuleRow.ended_at.is_(None)
        ),
        "mall_categories": sa.select(sa.func.count(ProductRow.mall_category_id.distinct())).where(
            ProductRow.category_id.in_(category_ids)
        ),
        "head_classes": sa.select(n).where(*metric),
        "thresholds": sa.select(n).where(*metric, CategoryMetricRow.threshold.is_not(None)),
        "predictions": sa.select(n).where(*predicted),
        "open_tasks": sa.select(n).select_from(TaskRow).where(is_waiting),
        "campaigns": sa.select(sa.func.count(TaskRow.campaign_id.distinct())).where(is_waiting),
        "label_issues": sa.select(n).where(
            sa.or_(
                LabelIssueRow.given_category_id.in_(category_ids), LabelIssueRow.suggested_category_id.in_(category_ids)
            )
        ),
        "alternatives": sa.select(n).where(AcceptedAlternativeRow.category_id.in_(category_ids)),
        "examples": sa.select(n).where(CategoryExampleRow.category_id.in_(category_ids)),
    }
    return {name: session.scalar(query) or 0 for name, query in queries.items()}


def list_campaign_filters(session: Session) -> Sequence[sa.Row[str, dict[str, Any], list[Any] | None]]:
    """(name, stored filter, choices) of the campaigns that are not closed."""
    query = sa.select(CampaignRow.name, CampaignRow.filter, CampaignRow.choices).where(
        CampaignRow.status != CampaignStatus.CLOSED
    )
    return session.execute(query).all()


def find_promoted_name(session: Session) -> str | None:
    return session.scalar(sa.select(ModelVersionRow.name).where(ModelVersionRow.id == PROMOTED))


def put_example(
    session: Session,
    category_id: int,
    product_id: int,
    is_counter: bool,
    note: str | None,
    person_id: int,
    now: datetime,
) -> None:
    """A new example, or what is known of one is said anew."""
    values = {"is_counterexample": is_counter, "note": note, "person_id": person_id, "created_at": now}
    session.execute(
        insert_for(session)(examples)
        .values(category_id=category_id, product_id=product_id, **values)
        .on_conflict_do_update(index_elements=["category_id", "product_id"], set_=values)
    )


def delete_example(session: Session, category_id: int, product_id: int) -> bool:
    """Whether it was there."""
    deleted = session.execute(
        sa.delete(examples)
        .where(examples.c.category_id == category_id, examples.c.product_id == product_id)
        .returning(examples.c.product_id)
    )
    return deleted.first() is not None


def list_examples(session: Session, category_id: int) -> Sequence[sa.Row[CategoryExampleRow, str, str | None, str]]:
    """(example, title, image, name of who chose it): examples first, then counterexamples, the oldest first."""
    query = (
        sa.select(CategoryExampleRow, ProductRow.title, ProductRow.image, PersonRow.name)
        .join(ProductRow, ProductRow.id == CategoryExampleRow.product_id)
        .join(PersonRow, PersonRow.id == CategoryExampleRow.person_id)
        .where(CategoryExampleRow.category_id == category_id)
        .order_by(CategoryExampleRow.is_counterexample, CategoryExampleRow.created_at, CategoryExampleRow.product_id)
    )
    return session.execute(query).all()


def count_examples(session: Session, category_id: int) -> int:
    query = sa.select(sa.func.count()).where(CategoryExampleRow.category_id == category_id)
    return session.scalar(query) or 0


def find_product_id(session: Session, words: str) -> int | None:
    """The product of this id or of this key in its file."""
    by_id = ProductRow.id == int(words) if words.isascii() and words.isdigit() and len(words) < 18 else sa.false()
    found = session.scalars(
        sa.select(ProductRow.id).where(sa.or_(by_id, ProductRow.external_id == words)).order_by(~by_id).limit(1)
    )
    return found.first()
