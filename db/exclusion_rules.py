"""Queries on exclusion rules: words that mislead in a category."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from db.enums import KeywordMatch, RuleAction
from db.session import is_sqlite
from db.tables import ExclusionRuleRow, PersonRow, ProductRow, ProductSplitRow


def list_rules(session: Session, in_force_only: bool = True) -> Sequence[sa.Row[ExclusionRuleRow, str, str | None]]:
    """(rule, author's name, name of who ended it), by id."""
    ender = aliased(PersonRow)
    query = (
        sa.select(ExclusionRuleRow, PersonRow.name, ender.name)
        .join(PersonRow, PersonRow.id == ExclusionRuleRow.created_by)
        .join(ender, ender.id == ExclusionRuleRow.ended_by, isouter=True)
        .order_by(ExclusionRuleRow.id)
    )
    if in_force_only:
        query = query.where(ExclusionRuleRow.ended_at.is_(None))
    return session.execute(query).all()


def find_same(
    session: Session, category_id: int, keyword: str, action: RuleAction, match: KeywordMatch
) -> ExclusionRuleRow | None:
    """The rule in force that says the same."""
    return session.scalar(
        sa.select(ExclusionRuleRow)
        .where(
            ExclusionRuleRow.category_id == category_id,
            ExclusionRuleRow.keyword == keyword,
            ExclusionRuleRow.action == action,
            ExclusionRuleRow.match == match,
            ExclusionRuleRow.ended_at.is_(None),
        )
        .limit(1)
    )


def insert_rule(
    session: Session,
    category_id: int,
    keyword: str,
    action: RuleAction,
    match: KeywordMatch,
    person_id: int,
    now: datetime,
) -> int:
    row = ExclusionRuleRow(
        category_id=category_id, keyword=keyword, action=action, match=match, created_by=person_id, created_at=now
    )
    session.add(row)
    session.flush()
    return row.id


def find_rule(session: Session, rule_id: int) -> ExclusionRuleRow | None:
    return session.get(ExclusionRuleRow, rule_id)


def end_rule(session: Session, rule_id: int, person_id: int, now: datetime) -> bool:
    """Whether it was in force until now."""
    ended = session.execute(
        sa.update(ExclusionRuleRow)
        .where(ExclusionRuleRow.id == rule_id, ExclusionRuleRow.ended_at.is_(None))
        .values(ended_by=person_id, ended_at=now)
        .returning(ExclusionRuleRow.id)
    )
    return ended.first() is not None


def lock_rules(session: Session) -> None:
    """Hold others who add rules until the end of the transaction; on SQLite a writer is alone anyway."""
    if not is_sqlite(session):
        session.execute(sa.text("LOCK TABLE exclusion_rules IN SHARE ROW EXCLUSIVE MODE"))


def iter_training_titles(
    session: Session, category_ids: Sequence[int], chunk: int = 5_000
) -> Iterator[list[tuple[str, int]]]:
    """(title, category id) of the products with these labels that are not held out, by id."""
    held_out = sa.select(ProductSplitRow.product_id).where(
        ProductSplitRow.product_id == ProductRow.id, ProductSplitRow.fold < 2
    )
    after_id = 0
    while True:
        rows = session.execute(
            sa.select(ProductRow.id, ProductRow.title, ProductRow.category_id)
            .where(ProductRow.id > after_id, ProductRow.category_id.in_(category_ids), ~held_out.exists())
            .order_by(ProductRow.id)
            .limit(chunk)
        ).all()
        if not rows:
            return
        yield [(title, category_id) for _, title, category_id in rows if category_id is not None]
        after_id = rows[-1][0]
