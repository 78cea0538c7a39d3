"""How fast agreement is measured and the next disagreement comes, and how good consensus is, on simulated crowds.

`python -m bench.agreement [--quick]`. Peers in the same run: the library `krippendorff`, the plain majority, and
ranking the whole campaign anew for each settlement.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import sqlalchemy as sa

from core.catalogue.taxonomy import ensure_categories, load_categories
from core.jobs.queue import enqueue
from core.jobs.worker import run_claimed
from core.labeling.category_tree import CategoryTree
from core.labeling.crowd.agreement import measure_agreement
from core.labeling.crowd.crowdlab import fit_crowdlab
from core.labeling.crowd.dawid_skene import fit_one_coin
from core.labeling.crowd.vote_table import VoteTable, make_table
from core.labeling.disputes import find_disputes, list_disputes
from core.labeling.review_card import get_review_card
from core.labeling.settling import settle
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import Settings
from core.types import Actor, utc_now
from db import votes
from db.enums import CampaignKind, CampaignOrder, CampaignStatus, DecisionKind, TaskStatus
from db.tables import CampaignRow, DecisionRow, ProductRow, TaskRow, table_of
from tests.core.labeling.crowd.known_people import simulate

ACCURACIES = [0.95, 0.9, 0.8, 0.75, 0.7, 0.6]


def seconds(act: Callable[[], object], times: int = 3) -> float:
    """The fastest of some tries."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        found.append(time.perf_counter() - start)
    return min(found)


def other_or_not(table: VoteTable) -> np.ndarray:
    return (1 - np.eye(len(table.category_ids))).astype(np.float32)


def bench_alpha(n: int, n_large: int) -> dict[str, Any]:
    """Alpha of the same votes by the library and by us (without the interval), and a size the library cannot hold."""
    table = make_table(simulate(ACCURACIES, n, 60, 3)[1])
    distances = other_or_not(table)
    counts = table.counts().toarray().astype(int)
    of_library = seconds(lambda: krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))
    ours = seconds(lambda: measure_agreement(table, distances, replicates=1))
    large = make_table(simulate(ACCURACIES, n_large, 3_000, 3)[1])
    of_large = other_or_not(large)
    return {
        "products": n,
        "library_over_ours": round(of_library / ours, 1),
        "large": f"{n_large:,} products, {len(large.category_ids):,} categories, 400 draws",
        "large_seconds": round(seconds(lambda: measure_agreement(large, of_large), 1), 1),
        "library_would_need_gb": round(n_large * len(large.category_ids) ** 2 * 8 / 1e9),
    }


def bench_consensus(n: int) -> dict[str, Any]:
    """The share of products whose consensus is right: majority, one-coin, CROWDLAB with a model of 80 %."""
    truth, said = simulate(ACCURACIES, n, 200, 3)
    table = make_table(said)
    rng = np.random.default_rng(4)
    tops = {
        product: [(right if rng.random() < 0.8 else 1000 + int(rng.integers(0, 200)), 0.7)]
        for product, right in enumerate(truth)
    }
    ids = np.array(table.category_ids)
    one_coin, crowdlab = fit_one_coin(table), fit_crowdlab(table, tops)
    return {
        "majority": round(float((ids[table.counts().toarray().argmax(axis=1)] == truth).mean()), 3),
        "one_coin": round(float((ids[one_coin.consensus] == truth).mean()), 3),
        "crowdlab": round(float(np.mean([crowdlab.consensus[u][0] == truth[u] for u in range(n)])), 3),
        "one_coin_accuracy_error": round(float(np.abs(one_coin.accuracy - ACCURACIES).max()), 3),
    }


def fill(runtime: Runtime, actor: Actor, n: int) -> int:
    """A campaign in which two people have decided n products; returns its id."""
    now = utc_now()
    people = [sign_in_local(runtime, f"p{j}").person_id for j in range(len(ACCURACIES))]
    with runtime.sessions.write() as session:
        paths = [(f"d{i // 20}", f"g{i // 5}", f"leaf {i}") for i in range(200)]
        ids = ensure_categories(session, paths, now)
        leaves = [ids[path] for path in paths]
        common = {"source": "s", "content_hash": "x", "created_at": now, "updated_at": now}
        rows = [{"id": i + 1, "external_id": str(i), "title": f"thing {i}", **common} for i in range(n)]
        session.execute(sa.insert(table_of(ProductRow)), rows)
        campaign = CampaignRow(
            name="bench",
            kind=CampaignKind.RANDOM,
            status=CampaignStatus.ACTIVE,
            filter={},
            order=CampaignOrder.RANDOM,
            overlap=2,
            created_by=actor.person_id,
            created_at=now,
        )
        session.add(campaign)
        session.flush()
        said = simulate(ACCURACIES, n, 200, 2)[1]
        of_campaign = {"campaign_id": campaign.id}
        tasks = [
            {"id": place + 1, "product_id": product + 1, "slot": place % 2, "position": product, "is_gold": False}
            | {"status": TaskStatus.DONE, "annotator_id": people[person - 100], **of_campaign}
            for place, (product, person, _) in enumerate(said)
        ]
        decisions = [
            {"idempotency_key": str(place), "kind": DecisionKind.LABEL, "task_id": place + 1, "created_at": now}
            | {"product_id": product + 1, "person_id": people[person - 100], **of_campaign}
            | {"category_id": leaves[category - 1000], "is_blind": False, "is_gold_check": False}
            for place, (product, person, category) in enumerate(said)
        ]
        session.execute(sa.insert(table_of(TaskRow)), tasks)
        session.execute(sa.insert(table_of(DecisionRow)), decisions)
        return campaign.id


def bench_review(runtime: Runtime, n: int, n_settled: int) -> dict[str, Any]:
    """The next disagreement, its card and its settlement; beside ranking all votes of the campaign each time."""
    actor = sign_in_local(runtime, "reviewer")
    campaign = fill(runtime, actor, n)
    job = enqueue(runtime, actor, "measure_agreement", {"campaign_id": campaign}, worker="bench")
    start = time.perf_counter()
    run_claimed(runtime, job, "bench")
    measured = time.perf_counter() - start
    tree = CategoryTree(load_categories(runtime))

    def rank_all() -> None:
        with runtime.sessions.read() as session:
            products = votes.list_decided(session, campaign, 0, n)
            given = [
                vote
                for place in range(0, n, 2_000)
                for vote in votes.list_votes_of(session, campaign, products[place : place + 2_000])
            ]
            settled = {
                id_ for at in range(0, n, 2_000) for id_ in votes.list_settled(session, products[at : at + 2_000])
            }
        sorted(
            (one for one in find_disputes(given, tree, {}) if one.product_id not in settled), key=lambda one: one.key
        )

    taken = []
    for _ in range(n_settled):
        start = time.perf_counter()
        one = list_disputes(runtime, actor, campaign, limit=12).disputes[0]
        card = get_review_card(runtime, actor, campaign, one.product_id)
        settle(runtime, actor, one.product_id, card.said[0][0], card.token, campaign_id=campaign)
        taken.append(time.perf_counter() - start)
    whole = seconds(rank_all, 1)
    median = float(np.median(taken))
    return {
        "products": n,
        "measuring_seconds": round(measured, 1),
        "next_and_settle_ms": round(1000 * median, 1),
        "p95_ms": round(1000 * float(np.quantile(taken, 0.95)), 1),
        "rank_all_over_next": round(whole / median, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    quick = parser.parse_args().quick
    found = {"alpha": bench_alpha(300 if quick else 1_000, 2_000 if quick else 20_000)}
    found["consensus"] = bench_consensus(500 if quick else 3_000)
    with tempfile.TemporaryDirectory() as folder:
        runtime = open_runtime(Settings(data_dir=Path(folder)))
        found["review"] = bench_review(runtime, 3_000 if quick else 30_000, 20 if quick else 100)
        runtime.close()
    found["peak_mb"] = {"all": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
