"""The job that measures a campaign: agreement, consensus, quality of annotators, and what people disagree on."""

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from core.catalogue.taxonomy import load_categories
from core.errors import N_
from core.jobs.context import JobContext
from core.jobs.ownership import keep_hold
from core.labeling.category_tree import CategoryTree
from core.labeling.disputes import KIND as DISPUTES
from core.labeling.disputes import STORED, Dispute, as_stored, find_disputes
from core.patience import patiently
from core.runtime import Runtime
from core.types import utc_now
from db import campaigns, measurements, model_versions, votes
from db.votes import Vote

KIND = "agreement"  # of measurements
CHUNK = 2_000  # products
MOST_CATEGORIES = 2_000

Report = Callable[[float, str], None]


def run_agreement_job(context: JobContext) -> dict[str, Any]:
    """The handler of 'measure_agreement'; the payload names the campaign. Safe to run twice."""
    campaign_id = int(context.payload["campaign_id"])
    result, disputes, last_id = measure(context.runtime, campaign_id, context.report)
    patiently(partial(_write, context, campaign_id, result, disputes, last_id))
    return {name: result[name] for name in ("n_products", "n_people", "n_disputed")}


def measure(runtime: Runtime, campaign_id: int, report: Report) -> tuple[dict[str, Any], list[Dispute], int]:
    """What the measurement keeps, the disputes worst first, and the last decision that is in it.

    `report` hears (fraction done 0..1, stage) and may raise to stop.
    """
    tree = CategoryTree(load_categories(runtime))
    with runtime.sessions.read() as session:
        last_id = measurements.last_decision(session)
        campaign = campaigns.find_campaign(session, campaign_id)
        version_id = campaign.model_version_id if campaign else None
        version_id = version_id or model_versions.find_promoted_id(session)
    given = _read_votes(runtime, campaign_id, tree, lambda share: report(0.3 * share, N_("reading votes")))
    return *_measure_votes(runtime, given, tree, version_id, report), last_id


def _read_votes(runtime: Runtime, campaign_id: int, tree: CategoryTree, report: Callable[[float], None]) -> list[Vote]:
    """All votes of the campaign, in categories of today; a short transaction for each part."""
    found: list[Vote] = []
    after = 0
    while True:
        with runtime.sessions.read() as session:
            products = votes.list_decided(session, campaign_id, after, CHUNK)
            part = votes.list_votes_of(session, campaign_id, products)
        found += [vote._replace(category_id=vote.category_id and tree.now(vote.category_id)) for vote in part]
        if len(products) < CHUNK:
            return found
        after = products[-1]
        report(1 - CHUNK / (CHUNK + len(found)))


def _measure_votes(
    runtime: Runtime, given: list[Vote], tree: CategoryTree, version_id: int | None, report: Report
) -> tuple[dict[str, Any], list[Dispute]]:
    from core.labeling.crowd.agreement import measure_agreement, measure_categories, measure_pairs
    from core.labeling.crowd.crowdlab import fit_crowdlab
    from core.labeling.crowd.vote_table import make_table

    named = [(vote.product_id, vote.person_id, vote.category_id) for vote in given if vote.category_id is not None]
    table = make_table(named)
    report(0.35, N_("measuring agreement"))
    distances = tree.distances(table.category_ids)
    whole = measure_agreement(table, distances)
    categories = measure_categories(table, distances)
    of_departments = make_table((product, person, tree.root(category)) for product, person, category in named)
    departments = measure_categories(of_departments, tree.distances(of_departments.category_ids))
    report(0.5, N_("measuring pairs of people"))
    pairs = measure_pairs(table, distances)
    report(0.6, N_("finding the consensus"))
    tops = _tops(runtime, version_id, table.product_ids, tree)
    consensus = fit_crowdlab(table, tops)
    report(0.9, N_("ranking what people disagree on"))
    doubts = {id_: 1 - quality for id_, (_, quality) in consensus.consensus.items()}
    found = find_disputes(given, tree, doubts)
    weighed = [replace(one, consensus_id=consensus.consensus.get(one.product_id, (None,))[0]) for one in found]
    disputes = sorted(weighed, key=lambda one: one.key)
    untold = [vote.product_id for vote in given if vote.category_id is None]
    result = {
        "n_products": table.n_products,
        "n_votes": len(table.product),
        "n_people": len(table.person_ids),
        "n_untold": len(untold),
        "n_untold_products": len(set(untold)),
        "n_disputed": len(disputes),
        "whole": asdict(whole),
        "categories": [asdict(one) for one in categories[:MOST_CATEGORIES]],
        "n_too_few": len(table.category_ids) - len(categories),
        "departments": [asdict(one) for one in departments],
        "pairs": [asdict(pair) for pair in pairs],
        "people": _people(table, consensus.quality),
        "model_version_id": version_id if consensus.used_model else None,
    }
    return result, disputes


def _people(table: Any, crowdlab: dict[int, float]) -> list[dict[str, Any]]:
    """Each person: agreement with the others, one-coin accuracy, CROWDLAB's quality."""
    from core.labeling.crowd.agreement import agreement_with_others
    from core.labeling.crowd.dawid_skene import fit_one_coin
    from core.training.intervals import rate

    if not table.n_products:
        return []
    one_coin = fit_one_coin(table)
    found = []
    for place, (person_id, same) in enumerate(agreement_with_others(table).items()):
        accuracy = rate(round(float(one_coin.accuracy[place]) * same.n), same.n)
        found.append(
            {
                "person_id": person_id,
                "same": asdict(same),
                "accuracy": asdict(accuracy),
                "quality": crowdlab.get(person_id),
            }
        )
    return found


def _tops(
    runtime: Runtime, version_id: int | None, product_ids: list[int], tree: CategoryTree
) -> dict[int, tuple[tuple[int, float], ...]]:
    """Product -> what the version says of it, in categories of today."""
    found: dict[int, tuple[tuple[int, float], ...]] = {}
    if version_id is None:
        return found
    for start in range(0, len(product_ids), CHUNK):
        with runtime.sessions.read() as session:
            tops = votes.map_tops(session, version_id, product_ids[start : start + CHUNK])
        found |= {id_: ranking for id_, top in tops.items() if (ranking := tree.ranking(top))}
    return found


def _write(
    context: JobContext, campaign_id: int, result: dict[str, Any], disputes: list[Dispute], last_id: int
) -> None:
    now = utc_now()
    rows = {"rows": [as_stored(one) for one in disputes[:STORED]]}
    with context.runtime.sessions.write() as session:
        version_id = result["model_version_id"]
        measurements.insert_measurement(session, KIND, campaign_id, last_id, result, now, version_id)
        newest = measurements.insert_measurement(session, DISPUTES, campaign_id, last_id, rows, now)
        measurements.delete_older(session, DISPUTES, campaign_id, newest)
        keep_hold(session, context)
