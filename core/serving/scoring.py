"""Scoring: a version's first five answers for every product, in chunks, going on where a killed run stopped."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from core.disk import room_on_disk
from core.errors import N_, NoModelYet
from core.jobs.context import JobContext
from core.jobs.ownership import keep_hold
from core.jobs.queue import enqueue
from core.json_file import read_json, write_json
from core.patience import patiently
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.serving.answer_rules import find_rules
from core.serving.loading import load_version_model
from core.training.product_images import find_reader
from core.training.registry import find_promoted_version, get_version
from core.training.versions import ModelVersion
from core.types import Actor
from db import model_versions, predictions
from db.people import raise_revision
from db.predictions import Scope
from db.product_texts import ProductText
from models.answers import NOWHERE, AnswerRules, Answers
from models.types import CategoryModel, Products

TOP = 5
NO_RULES = AnswerRules()
CHUNK = 2_048  # products in one transaction: short enough that an annotator's click does not wait

OnScored = Callable[[float, dict[str, Any]], None]
BeforeCommit = Callable[[Session], object]


@dataclass(frozen=True)
class ScoringResult:
    """`rows_scored` counts what was left to do when this run (not the killed one before it) began."""

    rows_scored: int
    seconds: float
    n_scored: int  # products with an answer of this version, now
    n_hard: int  # of those scored in this run, 'hard to predict'

    @property
    def titles_per_second(self) -> float:
        return self.rows_scored / self.seconds if self.seconds else 0.0


def resolve_version(runtime: Runtime, version_id: int | None) -> ModelVersion:
    """The version of this id, or the one in use. Raises NotFound, NoModelYet."""
    version = get_version(runtime, version_id) if version_id else find_promoted_version(runtime)
    if version is None:
        raise NoModelYet()
    return version


def scoring_payload(
    runtime: Runtime, actor: Actor, version_id: int | None = None, only_missing: bool = False
) -> dict[str, Any]:
    """What a score job carries. Raises Forbidden, NoModelYet when there is none in use, NotFound."""
    authorize(actor, Action.TRAIN)
    return {"version_id": resolve_version(runtime, version_id).id, "only_missing": only_missing}


def enqueue_scoring(runtime: Runtime, actor: Actor, version_id: int | None = None, only_missing: bool = False) -> int:
    """Let a version (none: the one in use) answer for all products; returns the job's id.

    `only_missing`: only for products it has not answered yet, such as newly imported ones.
    While the same scoring waits, that job's id. Raises Forbidden, NoModelYet, NotFound.
    """
    payload = scoring_payload(runtime, actor, version_id, only_missing)
    return enqueue(runtime, actor, "score", payload, dedupe_key=f"score:{payload['version_id']}:{only_missing}")


def run_score_job(context: JobContext) -> dict[str, Any]:
    """The handler of 'score' jobs: {'version_id': none for the one in use, 'only_missing': bool}."""
    runtime = context.runtime
    version = resolve_version(runtime, context.payload.get("version_id"))
    context.report(0.0, N_("loading the model"), version=version.name)
    model = load_version_model(runtime, version)
    result = score_products(
        runtime,
        Scope(version.id, only_missing=bool(context.payload.get("only_missing"))),
        model,
        context.folder / "scored.json",
        lambda fraction, detail: context.report(fraction, N_("scoring"), version=version.name, **detail),
        partial(keep_hold, context=context),
    )
    context.log(
        f"{result.rows_scored:,} products scored with {version.name} in {result.seconds:.1f} s "
        f"({result.titles_per_second:,.0f}/s); {result.n_hard:,} are hard to predict."
    )
    return {
        "version": version.name,
        "rows_scored": result.rows_scored,
        "n_scored": result.n_scored,
        "n_hard_to_predict": result.n_hard,
        "seconds": round(result.seconds, 2),
        "titles_per_second": round(result.titles_per_second, 1),
    }


def score_titles(model: CategoryModel, texts: Products, k: int = TOP, rules: AnswerRules = NO_RULES) -> Answers:
    """The first k answers with calibrated probabilities, best first; by `rules` which are sure and what is left out.

    The one way from texts to answers: jobs, pages and services all come through here.
    """
    from models.answering import answer_products

    return answer_products(model, texts, k, rules)


def score_products(
    runtime: Runtime,
    scope: Scope,
    model: CategoryModel,
    checkpoint: Path,
    on_scored: OnScored,
    before_commit: BeforeCommit = lambda session: None,
) -> ScoringResult:
    """Answer for the products of `scope` by id, chunk by chunk with flat memory; a chunk is one transaction.

    `checkpoint` remembers how far an earlier run came. A chunk that was written but not remembered is written
    again with the same values. `on_scored` may raise to stop; what is written stays. `before_commit` ends each
    transaction; what it raises takes the chunk back.
    """
    after_id = int((read_json(checkpoint) or {"after_id": 0})["after_id"])
    with runtime.sessions.read() as session:
        n_left = predictions.count_to_score(session, scope, after_id)
    start, done, n_hard = time.monotonic(), 0, 0
    rules = find_rules(runtime, get_version(runtime, scope.version_id))
    reader = find_reader(runtime, model)
    with room_on_disk(runtime.data_dir):
        while True:
            if n_left:
                on_scored(min(1.0, done / n_left), _speed(done, n_left, time.monotonic() - start))
            with runtime.sessions.read() as session:
                products = predictions.list_to_score(session, scope, after_id, CHUNK)
            if not products:
                break
            told = partial(_tell_reading, on_scored, done, len(products), n_left)
            texts = product_texts(products)
            if reader is not None:
                texts = reader.attach([product.id for product in products], texts, told)
            answers = score_titles(model, texts, rules=rules)
            rows = prediction_rows(scope.version_id, [p.id for p in products], answers)
            n_hard += int(answers.abstained.sum())
            write_predictions(runtime, rows, before_commit)
            after_id, done = products[-1].id, done + len(products)
            write_json(checkpoint, {"after_id": after_id})
        with runtime.sessions.write() as session:
            n_scored = model_versions.set_n_scored(session, scope.version_id)
            raise_revision(session, "predictions", "models")
            before_commit(session)
    return ScoringResult(done, time.monotonic() - start, n_scored, n_hard)


def product_texts(products: Sequence[ProductText]) -> Products:
    """What a model reads; a product without a mall or a brand has '' there."""
    weights = [1.0 if product.mall_weight is None else product.mall_weight for product in products]
    return Products(
        titles=[product.title for product in products],
        mall_categories=[product.mall_category or "" for product in products],
        brands=[product.brand or "" for product in products],
        mall_weights=np.asarray(weights, dtype=np.float32),
    )


def prediction_rows(version_id: int, product_ids: Sequence[int], answers: Answers) -> list[dict[str, Any]]:
    """Rows for the predictions table from `score_titles`. The margin of a model with one category is 1."""
    probs = answers.probs
    second = probs[:, 1] if probs.shape[1] > 1 else np.zeros(len(probs), dtype=np.float32)
    margins = (probs[:, 0] - second).tolist()
    rounded = probs.astype(np.float64).round(6).tolist()
    return [
        {
            "model_version_id": version_id,
            "product_id": product_id,
            "category_id": ids[0],
            "confidence": confidences[0],
            "margin": margin,
            "top": [list(pair) for pair in zip(ids, confidences, strict=True)],
            "abstained": abstained,
            "back_off_category_id": None if back_off == NOWHERE else back_off,
        }
        for product_id, ids, confidences, margin, abstained, back_off in zip(
            product_ids,
            answers.ids.tolist(),
            rounded,
            margins,
            answers.abstained.tolist(),
            answers.back_off_ids.tolist(),
            strict=True,
        )
    ]


def write_predictions(runtime: Runtime, rows: list[dict[str, Any]], before_commit: BeforeCommit) -> None:
    """One transaction; waits while another process holds the database."""

    def write() -> None:
        with runtime.sessions.write() as session:
            predictions.upsert_predictions(session, rows)
            before_commit(session)

    patiently(write)


def _tell_reading(on_scored: OnScored, done: int, n: int, n_left: int, fraction: float) -> None:
    """Say how far the reading of this chunk's images is; it takes far longer than answering."""
    on_scored(min(1.0, (done + fraction * n) / max(1, n_left)), {"rows": done, "n_rows": n_left})


def _speed(done: int, total: int, seconds: float) -> dict[str, Any]:
    speed = done / seconds if done and seconds else None
    return {
        "rows": done,
        "n_rows": total,
        "rows_per_second": round(speed) if speed else None,
        "seconds_left": round((total - done) / speed, 1) if speed else None,
    }
