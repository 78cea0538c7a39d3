"""Commands: error rates of people and model, and a simulated crowd to try them on."""

import csv
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from commands.terminal import JsonFlag, emit, opened, print_table, rate_cell, run_job
from core.analysis.error_rates import JOB, ErrorRates, get_error_rates
from core.analysis.verdicts import ErrorRow
from core.catalogue.rejects import neutralised
from core.catalogue.taxonomy import SEPARATOR, load_categories
from core.errors import InvalidInput, NotReady, UnknownCategory
from core.labeling.crowd_votes import Confusion
from core.labeling.simulated_crowd import CrowdPlan, simulate_crowd
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.training.registry import get_version_named


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    app.command("error-rates")(error_rates)
    app.command("demo-crowd")(demo_crowd)


def error_rates(
    version: Annotated[str | None, typer.Option(help="Model version, as v3. Default: the one in use.")] = None,
    level: Annotated[int | None, typer.Option(min=1, help="1: departments, 2 ... Default: the smallest.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print one line a category, for a spreadsheet.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """How often people and the model are wrong in each category: blind votes and answers, judged by gold.

    Example: `cli.py error-rates --level 1`
    """
    with opened() as (runtime, actor):
        authorize(actor, Action.SEE_ANALYSIS)
        version_id = get_version_named(runtime, version).id if version else None
        found = get_error_rates(runtime, actor, version_id)
        if found is None or found.n_newer:  # a large catalogue: it is worked out here and now, and kept
            run_job(runtime, actor, JOB, {"version_id": version_id})
            found = get_error_rates(runtime, actor, version_id)
    if found is None:
        raise NotReady("The error rates could not be worked out.")
    rows = [_facts(found, row) for row in found.rows(level)]
    if as_csv:
        _write_csv(rows)
        return
    if not as_json:
        _print(found, rows)
    emit(as_json, _overall(found) | {"categories": rows}, _sentence(found))


def _overall(found: ErrorRates) -> dict[str, Any]:
    people, paired, verdict = found.overall()
    return {
        "version": found.version,
        "as_of": found.as_of.isoformat(),
        "n_gold": found.n_gold,
        "n_judged": found.n,
        "left_out": found.left_out,
        "people": asdict(people),
        "model": asdict(paired.model) if paired else None,
        "difference": paired.difference if paired else None,
        "difference_low": paired.low if paired else None,
        "difference_high": paired.high if paired else None,
        "verdict": verdict.value,
        "is_fair": found.may_judge,
        "vote_correlation": found.rho,
        "settled": [
            {"part": one.part.value, "voted": one.n_voted, "settled": one.n_settled} for one in found.sampling.parts
        ],
    }


def _facts(found: ErrorRates, row: ErrorRow) -> dict[str, Any]:
    """A row as a flat record. Rates and verdicts of too few products are left empty."""
    enough, paired = row.n >= found.rules.fewest, row.paired
    rates: dict[str, float | None] = {}
    for side, rate in (("people", row.people), ("model", row.model)):
        shown = rate if enough else None
        rates[f"{side}_error"] = shown.value if shown else None
        rates[f"{side}_low"], rates[f"{side}_high"] = (shown.low, shown.high) if shown else (None, None)
    return {
        "category": found.categories[row.category_id].path if row.category_id else None,
        "pooled_categories": len(row.leaf_ids) if row.is_pooled else 0,
        "n": row.n,
        "votes": int(row.sums.n_votes),
        "undecided": int(row.sums.n_undecided),
        **rates,
        "difference": paired.difference if paired and enough else None,
        "difference_low": paired.low if paired and enough else None,
        "difference_high": paired.high if paired and enough else None,
        "p_adjusted": row.p_adjusted if paired and enough else None,
        "verdict": row.verdict.value,
    }


def _write_csv(rows: list[dict[str, Any]]) -> None:
    if rows:
        writer = csv.DictWriter(sys.stdout, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {"category": neutralised(row["category"] or "")} for row in rows)


def _print(found: ErrorRates, rows: list[dict[str, Any]]) -> None:
    print_table(
        ["category", "n", "people", "model", "difference", "verdict"],
        [
            [
                (row["category"] or "other")
                + (f" ({row['pooled_categories']} small)" if row["pooled_categories"] else ""),
                str(row["n"]),
                _cell(row, "people"),
                _cell(row, "model"),
                "" if row["difference"] is None else f"{row['difference']:+.3f}",
                row["verdict"].replace("_", " "),
            ]
            for row in rows
        ],
    )


def _cell(row: dict[str, Any], side: str) -> str:
    value = row[f"{side}_error"]
    return "" if value is None else f"{value:.3f} ({row[f'{side}_low']:.3f}-{row[f'{side}_high']:.3f})"


def _sentence(found: ErrorRates) -> str:
    people, paired, verdict = found.overall()
    if people.value is None:
        return "No product has both blind votes and gold: make a human-baseline campaign, settle, and ask again."
    if not found.may_judge:
        parts = "; ".join(
            f"{one.part.value.replace('_', ' ')}: {one.n_settled} of {one.n_voted} settled"
            for one in found.sampling.neglected()
        )
        return f"The rates are not fair yet, as too little is settled of what people voted on ({parts})."
    if people.is_too_few:
        return f"Only {people.n} products are judged: too few for an error rate."
    model = f"; {found.version} {rate_cell(paired.model)}" if paired else ""
    judged = f"{people.n:,} of {found.n_gold:,} gold products"
    return f"Error on {judged}: people {rate_cell(people)}{model}. Verdict: {verdict.value.replace('_', ' ')}."


def demo_crowd(
    people: Annotated[int, typer.Option(help="How many annotators.")] = 5,
    products: Annotated[int | None, typer.Option(help="Of the human baseline. Default: all held-out ones.")] = None,
    unsettled: Annotated[
        int | None, typer.Option(help="Further products, left to be settled. Default: a fifteenth of the demo.")
    ] = None,
    votes: Annotated[int, typer.Option(help="Votes a product.")] = 3,
    accuracy: Annotated[float, typer.Option(help="Share of right votes, 0..1, on average.")] = 0.78,
    settled: Annotated[float, typer.Option(help="Share of the baseline that is settled into gold, 0..1.")] = 0.9,
    confuse: Annotated[
        list[str] | None, typer.Option(help="A category that people take for another: 'PATH=OTHER PATH:0.4'.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same votes.")] = 7,
    as_json: JsonFlag = False,
) -> None:
    """Let invented annotators with known errors vote blind on the demo catalogue, and settle part of it into gold.

    On demo data only. Safe to run twice: a second time adds nothing.

    Examples:

        cli.py demo-crowd

        cli.py demo-crowd --people 8 --accuracy 0.7 --confuse "식품 > 음료 > 차=식품 > 음료 > 생수:0.5"
    """
    with opened() as (runtime, actor):
        confusions = tuple(_confusion(runtime, words) for words in confuse or [])
        plan = CrowdPlan(people, products, unsettled, votes, accuracy, settled, confusions, seed)
        made = simulate_crowd(runtime, actor, plan)
    done = (
        f"{made.n_people} demo annotators gave {made.n_votes:,} blind votes on {made.n_products:,} products; "
        f"{made.n_settled:,} are settled into gold; {made.n_checks:,} further cards were hidden checks of it."
    )
    emit(as_json, asdict(made), done if made.n_votes else "The demo crowd has voted already; nothing was changed.")


def _confusion(runtime: Runtime, words: str) -> Confusion:
    """'PATH=OTHER PATH:0.4' read against the tree."""
    paths, colon, share = words.rpartition(":")
    category, equals, other = paths.partition("=")
    if not colon or not equals or not share.replace(".", "", 1).isdigit():
        raise InvalidInput("A confusion is written 'PATH=OTHER PATH:0.4', not '{words}'.", words=words)
    leaves = {one.path: one.id for one in load_categories(runtime).values() if one.is_leaf}
    for path in (category, other):
        if SEPARATOR.join(part.strip() for part in path.split(">")) not in leaves:
            raise UnknownCategory("There is no leaf category '{path}'.", path=path.strip())
    ids = [leaves[SEPARATOR.join(part.strip() for part in path.split(">"))] for path in (category, other)]
    return Confusion(ids[0], ids[1], float(share))
