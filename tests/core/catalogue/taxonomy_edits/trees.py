"""A small tree with labeled products to edit, and what must hold after whatever was done to it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from core.catalogue.taxonomy import SEPARATOR, ensure_categories, load_categories
from core.labeling.decisions import record_decision
from core.labeling.queue import claim_task
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import CampaignKind, CampaignOrder, CampaignStatus, DecisionKind, LabelSource
from db.labels_for_training import map_verdicts, now_in_labels
from db.tables import CampaignRow, CategoryRow, DecisionRow, LabelRow, ProductRow, TaskRow, TaxonomyEditRow

PATHS = [
    ("옷", "바지"),
    ("옷", "셔츠"),
    ("옷", "모자"),
    ("신발", "구두"),
    ("신발", "장화"),
]
TITLES = ["blue jeans", "wool hat 모자", "rain boots", "청바지 slim", "plain thing"]


@dataclass(frozen=True)
class Shop:
    leaves: list[int]
    clothes: int
    shoes: int
    products: list[int]


def fill_shop(runtime: Runtime, n: int = 10) -> Shop:
    """n products, labeled by import with the leaves in turn; their titles in turn too."""
    now = utc_now()
    with runtime.sessions.write() as session:
        ids = ensure_categories(session, [*PATHS, ("옷",), ("신발",)], now)
        leaves = [ids[path] for path in PATHS]
        products = [
            ProductRow(
                source="shop",
                external_id=f"p{i}",
                title=TITLES[i % 4 if i % 7 else 4],
                content_hash=str(i),
                category_id=leaves[i % 5],
                label_source=LabelSource.IMPORT,
                labeled_at=now,
                created_at=now,
                updated_at=now,
            )
            for i in range(n)
        ]
        session.add_all(products)
        session.flush()
        session.add_all(
            LabelRow(product_id=row.id, category_id=row.category_id, source=LabelSource.IMPORT, created_at=now)
            for row in products
        )
        return Shop(leaves, ids[("옷",)], ids[("신발",)], [row.id for row in products])


def decide(runtime: Runtime, actor: Actor, product_id: int, category_id: int | None) -> int:
    """The person's decision on one product, in a campaign of its own: its id. No category: cannot tell."""
    now = utc_now()
    with runtime.sessions.write() as session:
        campaign = CampaignRow(
            name=uuid.uuid4().hex,
            kind=CampaignKind.RANDOM,
            status=CampaignStatus.ACTIVE,
            filter={},
            order=CampaignOrder.RANDOM,
            overlap=1,
            n_tasks=1,
            created_by=actor.person_id,
            created_at=now,
        )
        session.add(campaign)
        session.flush()
        session.add(TaskRow(campaign_id=campaign.id, product_id=product_id, slot=0, position=0))
        campaign_id = campaign.id
    task = claim_task(runtime, actor, campaign_id)
    assert task is not None
    kind = DecisionKind.CANNOT_TELL if category_id is None else DecisionKind.LABEL
    return record_decision(runtime, actor, task.id, kind, category_id, uuid.uuid4().hex).id


def another(runtime: Runtime, name: str = "other") -> Actor:
    return sign_in_local(runtime, name)


def labels_now(runtime: Runtime) -> dict[int, tuple[int | None, str | None]]:
    """Product -> (category, source) as the products say it."""
    with runtime.sessions.read() as session:
        rows = session.execute(sa.select(ProductRow.id, ProductRow.category_id, ProductRow.label_source))
        return {id_: (category, source.value if source else None) for id_, category, source in rows}


def leaf_of(runtime: Runtime, *names: str) -> int:
    """The category in use with this path."""
    path = SEPARATOR.join(names)
    return next(one.id for one in load_categories(runtime).values() if one.path == path and one.retired_at is None)


def edits_in_force(runtime: Runtime) -> list[int]:
    """The newest first."""
    with runtime.sessions.read() as session:
        query = sa.select(TaxonomyEditRow.id).where(TaxonomyEditRow.undone_at.is_(None))
        return list(session.scalars(query.order_by(TaxonomyEditRow.id.desc())))


def check_nothing_lost(runtime: Runtime, seen: dict[int, tuple[int, int, str]], files_came: bool = False) -> None:
    """What must hold always. `seen` remembers the label rows of the last look: none may vanish or change.

    The winner is worked out in Python from all rows, one by one, and must be what the product says, and what a
    training would learn unless a person could not tell. A file (`files_came`) may name an inner category, or put one
    below a leaf; else only leaves have labels.
    """
    with runtime.sessions.read() as session:
        rows = session.execute(sa.select(LabelRow).order_by(LabelRow.id)).scalars().all()
        undone_edits = set(session.scalars(sa.select(TaxonomyEditRow.id).where(TaxonomyEditRow.undone_at.is_not(None))))
        undone = set(session.scalars(sa.select(DecisionRow.undoes_id).where(DecisionRow.undoes_id.is_not(None))))
        products = session.execute(sa.select(ProductRow.id, ProductRow.category_id, ProductRow.label_source)).all()
        is_usable = CategoryRow.retired_at.is_(None) & (sa.true() if files_came else CategoryRow.is_leaf)
        usable = set(session.scalars(sa.select(CategoryRow.id).where(is_usable)))
        paths = list(session.scalars(sa.select(CategoryRow.path).where(CategoryRow.retired_at.is_(None))))
        verdicts = map_verdicts(session, 1, max(id_ for id_, *_ in products), now_in_labels(session))
    now = {row.id: (row.product_id, row.category_id, row.source.value) for row in rows}
    assert seen.items() <= now.items(), "a label row vanished or changed"
    seen.update(now)
    assert len(paths) == len(set(paths))
    by_id = {row.id: row for row in rows}
    winners: dict[int, tuple[tuple[int, int, int], LabelRow]] = {}
    for row in rows:
        given = by_id[row.carried_from_id or row.id]
        assert given.carried_from_id is None, "a carried label names the label that was given"
        assert (given.product_id, given.source, given.person_id) == (row.product_id, row.source, row.person_id)
        if row.edit_id in undone_edits or given.decision_id in undone:
            continue
        place = (["import", "human", "gold"].index(row.source.value), given.id, row.id)
        if row.product_id not in winners or place > winners[row.product_id][0]:
            winners[row.product_id] = (place, row)
    for product_id, category_id, source in products:
        winner = winners[product_id][1] if product_id in winners else None
        assert (category_id, source) == ((winner.category_id, winner.source) if winner else (None, None)), product_id
        assert category_id is None or category_id in usable, product_id
        verdict = verdicts.get(product_id)
        if verdict is not None and verdict.kind == DecisionKind.LABEL:
            assert verdict.category_id == category_id


def count_rows(runtime: Runtime, row_class: type, *where: object) -> int:
    with runtime.sessions.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(row_class).where(*where)) or 0  # type: ignore[arg-type]


def titles(runtime: Runtime, ids: Sequence[int]) -> list[str]:
    with runtime.sessions.read() as session:
        return list(session.scalars(sa.select(ProductRow.title).where(ProductRow.id.in_(ids)).order_by(ProductRow.id)))
