"""Fills a database for `bench.label_queue`: n products with labels and predictions, all in one campaign."""

import os
import time
from pathlib import Path

import sqlalchemy as sa

from core.catalogue.products import ProductFilter
from core.catalogue.taxonomy import ensure_categories
from core.labeling.campaigns import create_campaign
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import Settings
from core.types import utc_now
from db.enums import CampaignKind, ModelStatus
from db.tables import ModelVersionRow, PromotionRow

N_LEAVES = 400
NUMBERS = "WITH RECURSIVE numbers(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM numbers WHERE i < :n) "
PRODUCTS = """
INSERT INTO products (id, source, external_id, title, content_hash, category_id, label_source, labeled_at,
                      created_at, updated_at)
SELECT i, 'bench', 'p' || i, 'Trousers 바지 no ' || i, 'x', :leaf + i * 7919 % :leaves, 'import', :now, :now, :now
FROM numbers
"""
LABELS = """
INSERT INTO labels (product_id, category_id, source, created_at)
SELECT i, :leaf + i * 7919 % :leaves, 'import', :now FROM numbers
"""
PREDICTIONS = """
INSERT INTO predictions (model_version_id, product_id, category_id, confidence, margin, top)
SELECT :version, i, :leaf + i * 104729 % :leaves, (i * 48271 % 100003) / 100003.0 * 0.8 + 0.1,
       (i * 48271 % 100003) / 100003.0 * 0.8, CAST(:top AS {json}) FROM numbers
"""


def fill(folder: Path, url: str, n: int) -> tuple[Runtime, int, float]:
    """A runtime over n products, the campaign's id, and the seconds its queue took to build."""
    runtime = open_runtime(Settings(data_dir=folder, database_url=url, lease_minutes=60))
    actor = sign_in_local(runtime, "bench")
    now = utc_now()
    with runtime.sessions.write() as session:
        ids = ensure_categories(session, [("top", f"leaf {i}") for i in range(N_LEAVES)], now)
        version = ModelVersionRow(
            name="v1", status=ModelStatus.READY, config={}, seed=1, created_by=actor.person_id, created_at=now
        )
        session.add(version)
        session.flush()
        session.add(PromotionRow(model_version_id=version.id, person_id=actor.person_id, reason="-", created_at=now))
        leaf = min(ids.values())
        values = {
            "n": n,
            "leaf": leaf,
            "leaves": N_LEAVES,
            "now": now if url else now.replace(tzinfo=None).isoformat(" "),
            "version": version.id,
            "top": str([[leaf + i, 0.5 / (i + 1)] for i in range(5)]),
        }
        json = "JSONB" if url else "TEXT"
        for statement in (PRODUCTS, LABELS, PREDICTIONS.format(json=json)):
            head, select = statement.split("SELECT", 1)
            sql = f"{head} {NUMBERS} SELECT {select}"
            session.execute(sa.text(sql), {name: value for name, value in values.items() if f":{name}" in sql})
    with runtime.sessions.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text("ANALYZE"))
    started = time.perf_counter()
    wanted = ProductFilter(confidence_below=1.0)
    campaign = create_campaign(
        runtime, actor, "bench", CampaignKind.LOW_CONFIDENCE, wanted, overlap=1, on_report=lambda *_: None
    )
    seconds = time.perf_counter() - started
    os.sync()  # a gigabyte just written is not what an annotator waits for
    return runtime, campaign.id, seconds
