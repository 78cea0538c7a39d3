"""Who waits for whom on PostgreSQL: what only refers to a row (its foreign keys) holds up no decision and no build."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.labeling.campaigns import build_campaign
from core.labeling.decisions import record_decision
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import Settings
from core.types import Actor, utc_now
from db import predictions
from db.enums import CampaignOrder, CampaignStatus, DecisionKind
from db.tables import CampaignRow, DecisionRow, TaskRow
from tests.core.labeling.shelf import add_campaign, add_version, change_row, count, fill_shelf
from tests.core.labeling.test_queue import claim


@pytest.fixture
def impatient(postgres_emptied: str, tmp_path: Path) -> Iterator[tuple[Runtime, Actor]]:
    """On PostgreSQL; who waits a second for a lock fails."""
    runtime = open_runtime(Settings(data_dir=tmp_path, database_url=postgres_emptied, person="tester"))

    @sa.event.listens_for(runtime.sessions.engine, "begin")
    def limit(connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '1s'")

    yield runtime, sign_in_local(runtime, "tester")
    runtime.close()


def test_a_decision_does_not_wait_for_a_chunk_of_predictions(impatient: tuple[Runtime, Actor]) -> None:
    runtime, actor = impatient
    shelf = fill_shelf(runtime, 3)
    campaign = add_campaign(runtime, shelf)
    task = claim(runtime, actor, campaign)
    leaf = shelf.leaves[0]
    answer = {
        "product_id": task.product_id,
        "category_id": leaf,
        "confidence": 0.5,
        "margin": 0.1,
        "top": [[leaf, 0.5]],
    }
    with runtime.sessions.write() as scoring:
        version = add_version(scoring, actor, utc_now(), "v2")
        predictions.upsert_predictions(scoring, [{"model_version_id": version, **answer}])
        made = record_decision(runtime, actor, task.id, DecisionKind.LABEL, leaf, "k1")
    assert made.category_id == leaf


def test_a_build_does_not_wait_for_an_open_decision(impatient: tuple[Runtime, Actor]) -> None:
    runtime, actor = impatient
    shelf = fill_shelf(runtime, 3)
    campaign = add_campaign(runtime, shelf, [])
    change_row(runtime, CampaignRow, campaign, status=CampaignStatus.BUILDING, order=CampaignOrder.RANDOM)
    with runtime.sessions.write() as deciding:
        values = {"campaign_id": campaign, "product_id": shelf.products[0], "person_id": actor.person_id}
        values |= {"kind": DecisionKind.CANNOT_TELL, "idempotency_key": "k1", "created_at": utc_now()}
        deciding.execute(sa.insert(DecisionRow).values(values))
        build_campaign(runtime, campaign)
    assert count(runtime, TaskRow) == 3
