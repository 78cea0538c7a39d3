"""Fills a database for `bench.label_page`: 65,871 products, a tree of 4,993 leaves, made-up predictions, pictures."""

import csv
import gzip
import io
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa
from PIL import Image

from core.catalogue.products import ProductFilter
from core.catalogue.taxonomy import ensure_categories
from core.labeling.campaigns import create_campaign
from core.people import sign_in_local
from core.runtime import Runtime
from core.settings import ROOT
from core.types import utc_now
from db.enums import CampaignKind, LabelSource, ModelStatus
from db.tables import MallCategoryRow, MallRow, ModelVersionRow, PredictionRow, ProductRow, PromotionRow

DATA = ROOT.parent / "shared" / "data"
PRODUCTS = DATA / "heissepreise" / "products_labelled.csv.gz"
TAXONOMY = DATA / "naver-categories" / "naver_categories.csv"
N_PRODUCTS, N_LEAVES, N_PICTURES = 65_871, 4_993, 400
CHUNK = 5_000


def fill(runtime: Runtime) -> tuple[int, str]:
    """The campaign's id, and where the data is from. Predictions are random leaves with random confidence."""
    rng = random.Random(7)
    actor, now = sign_in_local(runtime, "bench"), utc_now()
    _draw_pictures(runtime.data_dir / "images", rng)
    paths, tree_from = _leaves()
    rows, products_from = _products()
    with runtime.sessions.write() as session:
        ids = ensure_categories(session, paths, now)
        leaves = [ids[path] for path in paths]
        version = ModelVersionRow(
            name="made-up", status=ModelStatus.READY, config={}, seed=7, created_by=actor.person_id, created_at=now
        )
        session.add(version)
        session.flush()
        session.add(PromotionRow(model_version_id=version.id, person_id=actor.person_id, reason="-", created_at=now))
        malls, sections = {}, {}
        batch = []
        for i, (mall, section, title, price) in enumerate(rows, start=1):
            if mall not in malls:
                malls[mall] = _insert(session, MallRow, name=mall, weight=1.0)
            if (mall, section) not in sections:
                sections[mall, section] = _insert(session, MallCategoryRow, mall_id=malls[mall], path=section)
            label = rng.choice(leaves)
            batch.append(
                {
                    "id": i,
                    "source": "bench",
                    "external_id": str(i),
                    "title": title,
                    "mall_id": malls[mall],
                    "mall_category_id": sections[mall, section],
                    "price": price,
                    "image": f"{i % N_PICTURES}.jpg" if i % 10 else None,
                    "registered_at": now,
                    "content_hash": "x",
                    "category_id": label,
                    "label_source": LabelSource.IMPORT,
                    "labeled_at": now,
                    "created_at": now,
                    "updated_at": now,
                }
            )
        for start in range(0, len(batch), CHUNK):
            part = batch[start : start + CHUNK]
            session.execute(sa.insert(ProductRow), part)
            session.execute(sa.insert(PredictionRow), [_prediction(row, version.id, leaves, rng) for row in part])
    with runtime.sessions.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text("ANALYZE"))
    wanted = ProductFilter(confidence_below=1.0)
    campaign = create_campaign(
        runtime, actor, "Least sure first", CampaignKind.LOW_CONFIDENCE, wanted, on_report=lambda *_: None
    )
    return campaign.id, f"{products_from}; {tree_from}; predictions and pictures made up"


def _insert(session, row_class, **values) -> int:  # type: ignore[no-untyped-def]
    row = row_class(**values)
    session.add(row)
    session.flush()
    return int(row.id)


def _prediction(row: dict[str, object], version: int, leaves: list[int], rng: random.Random) -> dict[str, object]:
    first = rng.uniform(0.25, 0.95)
    rest = 1 - first
    shares = (first, *(rest / n for n in (2, 4, 8, 16)))
    top = [[leaf, share] for leaf, share in zip(rng.sample(leaves, 5), shares, strict=True)]
    return {
        "model_version_id": version,
        "product_id": row["id"],
        "category_id": top[0][0],
        "confidence": first,
        "margin": max(0.0, first - rest / 2),
        "top": top,
    }


def _leaves() -> tuple[list[tuple[str, ...]], str]:
    if not TAXONOMY.exists():
        paths = [("상품", f"묶음 {i // 100}", f"분류 {i}") for i in range(N_LEAVES)]
        return paths, f"{N_LEAVES:,} generated leaves"
    with TAXONOMY.open(encoding="utf-8-sig", newline="") as file:
        paths = [tuple(row["wholeCategoryName"].split(">")) for row in csv.DictReader(file) if row["last"] == "True"]
    return paths, f"{len(paths):,} leaves of naver-categories"


def _products() -> tuple[Iterator[tuple[str, str, str, Decimal | None]], str]:
    """(mall, its category, title, price) of each product."""
    if not PRODUCTS.exists():
        rows = (
            (f"mall {i % 6}", f"shelf {i % 90}", f"Product no {i} 500 g", Decimal(i % 999)) for i in range(N_PRODUCTS)
        )
        return rows, f"{N_PRODUCTS:,} generated products"
    return _read_products(), f"{N_PRODUCTS:,} products of heissepreise"


def _read_products() -> Iterator[tuple[str, str, str, Decimal | None]]:
    with gzip.open(PRODUCTS, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            price = Decimal(row["price"]).quantize(Decimal("0.01")) if row["price"] else None
            yield row["store"], f"{row['level1']} > {row['level2']}", row["name"] or "?", price


def _draw_pictures(folder: Path, rng: random.Random) -> None:
    """Photos of an ordinary size: 800 x 800, some 100 kB."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(N_PICTURES):
        grain = Image.effect_noise((100, 100), 60).resize((800, 800))
        tint = Image.new("RGB", (800, 800), tuple(rng.randrange(256) for _channel in range(3)))
        out = io.BytesIO()
        Image.blend(Image.merge("RGB", (grain, grain, grain)), tint, 0.4).save(out, "JPEG", quality=85)
        (folder / f"{i}.jpg").write_bytes(out.getvalue())
