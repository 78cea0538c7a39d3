"""A small shelf to label: categories, products with imported labels, a model's answers, a campaign."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.catalogue.taxonomy import ensure_categories
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import CampaignKind, CampaignOrder, CampaignStatus, LabelSource, ModelStatus, Role
from db.tables import (
    CampaignRow,
    LabelRow,
    MallRow,
    ModelVersionRow,
    PredictionRow,
    ProductRow,
    PromotionRow,
    TaskRow,
)

PATHS = [("남성", "바지"), ("남성", "셔츠"), ("여성", "바지"), ("여성", "치마")]


@dataclass(frozen=True)
class Shelf:
    """`leaves` are the ids of PATHS, `men` the inner node above the first two."""

    leaves: list[int]
    men: int
    products: list[int]
    version: int


def fill_shelf(runtime: Runtime, n: int = 10, promoted: bool = True) -> Shelf:
    """n products: labeled by import with leaf 0 (every fifth has none), predicted as leaf 0 or 1 in turn,
    with confidence and margin rising with the id."""
    now = utc_now()
    person = sign_in_local(runtime, "tester")
    with runtime.sessions.write() as session:
        ids = ensure_categories(session, [*PATHS, ("남성",)], now)
        leaves = [ids[path] for path in PATHS]
        mall = MallRow(name="가게", weight=1.0)
        version = add_version(session, person, now, "v1")
        session.add(mall)
        session.flush()
        products = [_product(i, mall.id, leaves, now) for i in range(n)]
        session.add_all(products)
        session.flush()
        for i, product in enumerate(products):
            if product.category_id:
                session.add(_import_label(product, now))
            session.add(_prediction(i, n, product.id, version, leaves))
        if promoted:
            promote(session, person, version, now)
        return Shelf(leaves, ids[("남성",)], [product.id for product in products], version)


def _product(i: int, mall_id: int, leaves: list[int], now: datetime) -> ProductRow:
    labeled = i % 5 != 4
    return ProductRow(
        source="shop",
        external_id=f"p{i}",
        title=f"상품 {i} Trousers 100%_면" if i % 2 else f"상품 {i} shirt",
        mall_id=mall_id if i % 3 else None,
        price=None,
        registered_at=now - timedelta(days=i),
        content_hash=f"{i}",
        category_id=leaves[0] if labeled else None,
        label_source=LabelSource.IMPORT if labeled else None,
        labeled_at=now if labeled else None,
        created_at=now,
        updated_at=now,
    )


def _import_label(product: ProductRow, now: datetime) -> LabelRow:
    return LabelRow(product_id=product.id, category_id=product.category_id, source=LabelSource.IMPORT, created_at=now)


def _prediction(i: int, n: int, product_id: int, version: int, leaves: list[int]) -> PredictionRow:
    confidence = 0.3 + 0.6 * i / n
    return PredictionRow(
        model_version_id=version,
        product_id=product_id,
        category_id=leaves[i % 2],
        confidence=confidence,
        margin=confidence - 0.2,
        top=[[leaves[i % 2], confidence], [leaves[2], 0.2], [leaves[3], 0.1]],
    )


def add_version(session: Session, person: Actor, now: datetime, name: str) -> int:
    row = ModelVersionRow(
        name=name, status=ModelStatus.READY, config={}, seed=1, created_by=person.person_id, created_at=now
    )
    session.add(row)
    session.flush()
    return row.id


def promote(session: Session, person: Actor, version: int, now: datetime) -> None:
    session.add(PromotionRow(model_version_id=version, person_id=person.person_id, reason="first", created_at=now))


def add_campaign(
    runtime: Runtime, shelf: Shelf, products: list[int] | None = None, overlap: int = 1, name: str = "check"
) -> int:
    """A ready queue over the products, in their order."""
    now = utc_now()
    person = sign_in_local(runtime, "tester")
    products = shelf.products if products is None else products
    with runtime.sessions.write() as session:
        campaign = CampaignRow(
            name=name,
            kind=CampaignKind.LOW_CONFIDENCE,
            status=CampaignStatus.ACTIVE,
            filter={},
            order=CampaignOrder.MARGIN,
            overlap=overlap,
            model_version_id=shelf.version,
            n_tasks=len(products) * overlap,
            created_by=person.person_id,
            created_at=now,
        )
        session.add(campaign)
        session.flush()
        session.add_all(
            TaskRow(campaign_id=campaign.id, product_id=product, slot=slot, position=position)
            for position, product in enumerate(products)
            for slot in range(overlap)
        )
        return campaign.id


def annotator(runtime: Runtime, name: str) -> Actor:
    return sign_in_local(runtime, name, Role.ANNOTATOR)


def expire_leases(runtime: Runtime) -> None:
    """Move the end of every lease into the past."""
    with runtime.sessions.write() as session:
        past = utc_now() - timedelta(seconds=1)
        session.execute(sa.update(TaskRow).where(TaskRow.status == "leased").values(lease_expires_at=past))


def change_row(runtime: Runtime, row_class: type, row_id: int, **values: Any) -> None:
    with runtime.sessions.write() as session:
        session.execute(sa.update(row_class).where(row_class.id == row_id).values(**values))


def count(runtime: Runtime, row_class: type, *where: Any) -> int:
    with runtime.sessions.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(row_class).where(*where)) or 0


def product_label(runtime: Runtime, product_id: int) -> tuple[int | None, LabelSource | None]:
    with runtime.sessions.read() as session:
        row = session.get_one(ProductRow, product_id)
        return row.category_id, row.label_source
