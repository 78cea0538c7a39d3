"""Fills a database for `bench.queue_order`: titles with labels, a model's answers and a detector's verdicts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from core.catalogue.products import ProductFilter
from core.catalogue.taxonomy import ensure_categories
from core.labeling.campaigns import create_campaign
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import Settings
from core.types import Actor, utc_now
from db.enums import CampaignKind, CampaignOrder, LabelSource, ModelStatus, NoiseMethod, NoiseVerdict
from db.tables import LabelIssueRow, ModelVersionRow, PredictionRow, ProductRow, PromotionRow, TaskRow, table_of
from models.noise.detector import Suspicion
from models.noise.treatment import issues

N_TOP = 5
CHUNK = 5_000


@dataclass(frozen=True)
class OrderShelf:
    """Product ids are the rows' numbers from 1."""

    runtime: Runtime
    actor: Actor


def fill(
    folder: Path,
    titles: list[str],
    labels: NDArray[np.int64],
    answers: NDArray[np.float32],
    detected: Suspicion | None,
) -> OrderShelf:
    """`labels` (N,) as the shop has them; `answers` (N, K) probabilities of a model that did not learn from the row."""
    runtime = open_runtime(Settings(data_dir=folder))
    actor, now = sign_in_local(runtime, "bench"), utc_now()
    with runtime.sessions.write() as session:
        paths = [("all", f"leaf {k}") for k in range(answers.shape[1])]
        ids = ensure_categories(session, paths, now)
        leaves = [ids[path] for path in paths]
        version = ModelVersionRow(
            name="v1", status=ModelStatus.READY, config={}, seed=1, created_by=actor.person_id, created_at=now
        )
        session.add(version)
        session.flush()
        session.add(PromotionRow(model_version_id=version.id, person_id=actor.person_id, reason="-", created_at=now))
        _insert(session, ProductRow, _products(titles, labels, leaves, now))
        _insert(session, PredictionRow, _predictions(answers, leaves, version.id))
        if detected is not None:
            _insert(session, LabelIssueRow, _issues(labels, detected, leaves, now))
    return OrderShelf(runtime, actor)


def _insert(session: Any, row: Any, values: Iterator[dict[str, Any]]) -> None:
    chunk: list[dict[str, Any]] = []
    for one in values:
        chunk.append(one)
        if len(chunk) == CHUNK:
            session.execute(sa.insert(table_of(row)), chunk)
            chunk = []
    if chunk:
        session.execute(sa.insert(table_of(row)), chunk)


def _products(titles: list[str], labels: NDArray[np.int64], leaves: list[int], now: Any) -> Iterator[dict[str, Any]]:
    for i, (title, label) in enumerate(zip(titles, labels.tolist(), strict=True)):
        yield {
            "id": i + 1,
            "source": "bench",
            "external_id": str(i),
            "title": title,
            "content_hash": "x",
            "category_id": leaves[label],
            "label_source": LabelSource.IMPORT,
            "labeled_at": now,
            "created_at": now,
            "updated_at": now,
        }


def _predictions(answers: NDArray[np.float32], leaves: list[int], version_id: int) -> Iterator[dict[str, Any]]:
    best = np.argsort(-answers, axis=1, kind="stable")[:, :N_TOP]
    for i, places in enumerate(best.tolist()):
        shares = [float(answers[i, place]) for place in places]
        yield {
            "model_version_id": version_id,
            "product_id": i + 1,
            "category_id": leaves[places[0]],
            "confidence": shares[0],
            "margin": shares[0] - shares[1],
            "top": [[leaves[place], share] for place, share in zip(places, shares, strict=True)],
        }


def _issues(labels: NDArray[np.int64], found: Suspicion, leaves: list[int], now: Any) -> Iterator[dict[str, Any]]:
    for i in np.flatnonzero(issues(found)).tolist():
        yield {
            "product_id": i + 1,
            "method": NoiseMethod.CONFIDENT_LEARNING,
            "verdict": NoiseVerdict.ISSUE,
            "given_category_id": leaves[labels[i]],
            "label_quality_score": float(found.label_quality_score[i]),
            "created_at": now,
        }


def queue_of(shelf: OrderShelf, order: CampaignOrder) -> NDArray[np.int64]:
    """The rows in the order in which a campaign of this order hands them out.

    As in the ready-made kind, 'disagreement' asks only where the model contradicts the label.
    """
    wanted = ProductFilter(label_source="unchecked", disagrees=order == CampaignOrder.DISAGREEMENT, seed=1)
    campaign = create_campaign(
        shelf.runtime, shelf.actor, order.value, CampaignKind.RANDOM, wanted, order, on_report=lambda *_: None
    )
    tasks = table_of(TaskRow)
    query = sa.select(tasks.c.product_id).where(tasks.c.campaign_id == campaign.id).order_by(tasks.c.position)
    with shelf.runtime.sessions.read() as session:
        return np.array(list(session.scalars(query)), np.int64) - 1
