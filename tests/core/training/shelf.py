"""Small catalogues for the tests of training: categories that can be told apart by their words."""

import random
import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from core.catalogue.taxonomy import ensure_categories
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import decisions
from db.enums import DecisionKind, LabelSource
from db.tables import DecisionRow, LabelRow, ProductRow

NOUNS = {
    "바지": ("청바지", "슬랙스", "반바지"),
    "신발": ("운동화", "구두", "샌들"),
    "가전": ("청소기", "선풍기", "밥솥"),
}


def make_titles(noun_group: str, n: int, seed: int = 0) -> list[str]:
    """Titles of one category; no two are near-duplicates."""
    chance = random.Random(f"{noun_group} {seed}")
    letters = "가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허고노도로모보소오조초코토포호"
    return [
        " ".join([chance.choice(NOUNS[noun_group]), *("".join(chance.choices(letters, k=5)) for _ in range(3))])
        for _ in range(n)
    ]


def add_products(runtime: Runtime, category: str | None, titles: Sequence[str], source: str = "test") -> list[int]:
    """Products with an imported label (none: without); returns their ids."""
    now = utc_now()
    with runtime.sessions.write() as session:
        category_id = ensure_categories(session, [("상품", category)], now)[("상품", category)] if category else None
        rows = [
            ProductRow(
                source=source,
                external_id=uuid.uuid4().hex,
                title=title,
                content_hash="",
                category_id=category_id,
                label_source=LabelSource.IMPORT if category_id else None,
                created_at=now,
                updated_at=now,
            )
            for title in titles
        ]
        session.add_all(rows)
        session.flush()
        if category_id:
            session.add_all(
                LabelRow(product_id=row.id, category_id=category_id, source=LabelSource.IMPORT, created_at=now)
                for row in rows
            )
        return [row.id for row in rows]


def fill_shelf(runtime: Runtime, n: int = 60, seed: int = 0) -> dict[str, list[int]]:
    """Three categories of n products each: category name -> product ids."""
    return {name: add_products(runtime, name, make_titles(name, n, seed)) for name in NOUNS}


def category_id(runtime: Runtime, name: str) -> int:
    with runtime.sessions.write() as session:
        return ensure_categories(session, [("상품", name)], utc_now())[("상품", name)]


def decide(
    runtime: Runtime, actor: Actor, product_id: int, category: str | None, kind: DecisionKind | None = None
) -> int:
    """A person's decision; returns its id. Without a category it is 'cannot tell'."""
    now = utc_now()
    chosen = category_id(runtime, category) if category else None
    with runtime.sessions.write() as session:
        row = DecisionRow(
            idempotency_key=uuid.uuid4().hex,
            kind=kind or (DecisionKind.LABEL if chosen else DecisionKind.CANNOT_TELL),
            product_id=product_id,
            person_id=actor.person_id,
            category_id=chosen,
            created_at=now,
        )
        session.add(row)
        session.flush()
        if chosen:
            decisions.add_human_label(session, product_id, chosen, actor.person_id, row.id, now)
        return row.id


def undo(runtime: Runtime, actor: Actor, decision_id: int) -> None:
    with runtime.sessions.write() as session:
        undone = session.get_one(DecisionRow, decision_id)
        session.add(
            DecisionRow(
                idempotency_key=uuid.uuid4().hex,
                kind=DecisionKind.UNDO,
                product_id=undone.product_id,
                person_id=actor.person_id,
                undoes_id=decision_id,
                created_at=utc_now(),
            )
        )
        session.flush()
        decisions.restore_winning_label(session, undone.product_id)


def set_title(runtime: Runtime, product_id: int, title: str) -> None:
    with runtime.sessions.write() as session:
        session.execute(sa.update(ProductRow).where(ProductRow.id == product_id).values(title=title))
