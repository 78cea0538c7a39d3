"""Rows for browser tests: products with suggestions in a campaign of their own."""

import uuid
from dataclasses import dataclass

import sqlalchemy as sa

from core.catalogue.taxonomy import ensure_categories
from core.labeling.decisions import MyDecision, list_my_decisions
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import utc_now
from db.enums import CampaignKind, CampaignOrder, CampaignStatus, LabelSource, ModelStatus
from db.tables import (
    CampaignRow,
    CategoryRow,
    DecisionRow,
    LabelRow,
    ModelVersionRow,
    PredictionRow,
    ProductRow,
    TaskRow,
)

LEAVES = [
    ("의류", "남성", "바지"),
    ("의류", "남성", "셔츠"),
    ("의류", "여성", "바지"),
    ("의류", "여성", "치마"),
    ("잡화", "가방", "백팩"),
    ("잡화", "신발", "운동화"),
]


@dataclass(frozen=True)
class Queue:
    """A campaign over products titled 'Product 1 of <name>' ..., all with the same five suggestions, best first."""

    campaign_id: int
    name: str
    leaf_ids: tuple[int, ...]  # of LEAVES: the first five are suggested
    product_ids: tuple[int, ...]

    def title(self, n: int) -> str:
        """Of the n-th product to come, from 1."""
        return f"Product {n} of {self.name}"

    @property
    def path(self) -> str:
        return f"label?campaign={self.campaign_id}"


def make_queue(runtime: Runtime, n: int = 5, suggestions: bool = True) -> Queue:
    name = uuid.uuid4().hex[:8]
    now, person = utc_now(), sign_in_local(runtime, "tester")
    with runtime.sessions.write() as session:
        ids = ensure_categories(session, LEAVES, now)
        leaves = tuple(ids[path] for path in LEAVES)
        session.execute(sa.update(CategoryRow).where(CategoryRow.id == leaves[0]).values(guidelines="No leggings."))
        version = ModelVersionRow(
            name=name, status=ModelStatus.READY, config={}, seed=1, created_by=person.person_id, created_at=now
        )
        session.add(version)
        session.flush()
        products = [_product(name, i, leaves[5], now) for i in range(1, n + 1)]
        session.add_all(products)
        session.flush()
        session.add_all(_import_label(product, now) for product in products)
        if suggestions:
            session.add_all(_prediction(version.id, product.id, leaves) for product in products)
        campaign = CampaignRow(
            name=f"Queue {name}",
            kind=CampaignKind.RANDOM,
            status=CampaignStatus.ACTIVE,
            filter={},
            order=CampaignOrder.RANDOM,
            overlap=1,
            model_version_id=version.id,
            n_tasks=n,
            created_by=person.person_id,
            created_at=now,
        )
        session.add(campaign)
        session.flush()
        session.add_all(
            TaskRow(campaign_id=campaign.id, product_id=product.id, slot=0, position=position)
            for position, product in enumerate(products)
        )
        return Queue(campaign.id, name, leaves, tuple(product.id for product in products))


def _product(name: str, i: int, label: int, now) -> ProductRow:  # type: ignore[no-untyped-def]
    return ProductRow(
        source=name,
        external_id=str(i),
        title=f"Product {i} of {name}",
        content_hash=str(i),
        category_id=label,
        label_source=LabelSource.IMPORT,
        labeled_at=now,
        created_at=now,
        updated_at=now,
    )


def _import_label(product: ProductRow, now) -> LabelRow:  # type: ignore[no-untyped-def]
    return LabelRow(product_id=product.id, category_id=product.category_id, source=LabelSource.IMPORT, created_at=now)


def _prediction(version: int, product: int, leaves: tuple[int, ...]) -> PredictionRow:
    top = list(zip(leaves[:5], (0.6, 0.2, 0.1, 0.06, 0.04), strict=True))
    return PredictionRow(
        model_version_id=version,
        product_id=product,
        category_id=leaves[0],
        confidence=0.6,
        margin=0.4,
        top=[list(pair) for pair in top],
    )


def decisions(runtime: Runtime, queue: Queue) -> list[DecisionRow]:
    """All rows of the campaign, undo rows too, oldest first."""
    with runtime.sessions.read() as session:
        query = sa.select(DecisionRow).where(DecisionRow.campaign_id == queue.campaign_id).order_by(DecisionRow.id)
        return list(session.scalars(query))


def my_decisions(runtime: Runtime, person: str, queue: Queue) -> list[MyDecision]:
    return list_my_decisions(runtime, sign_in_local(runtime, person), queue.campaign_id)
