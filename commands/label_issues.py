"""Command: label-issues, looking for labels that look wrong and listing them."""

from typing import Annotated, Any

import typer

from commands.terminal import JsonFlag, emit, opened, run_job
from core.errors import InvalidInput
from core.runtime import Runtime
from db.enums import NoiseMethod

METHODS = {method.value.replace("_", "-"): method for method in NoiseMethod}


def register(app: typer.Typer) -> None:
    """Add this room's command to the command line."""
    app.command("label-issues")(label_issues)


def label_issues(
    run: Annotated[bool, typer.Option("--run", help="Look for wrong labels first.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List them, the most suspicious first.")] = False,
    campaign: Annotated[str | None, typer.Option(help="Make a campaign of this name of what is open.")] = None,
    method: Annotated[str, typer.Option(metavar="|".join(METHODS), help="Whose verdicts.")] = "confident-learning",
    encoder: Annotated[str, typer.Option(help="Which model answers out of fold.")] = "joint",
    folds: Annotated[int, typer.Option(help="How many such models, 2 to 8.")] = 5,
    limit: Annotated[int, typer.Option(help="How many are listed, 500 at most.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where a list goes on: next_cursor of the page before.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Labels that look wrong: how many there are, what people confirmed of them, and which.

    Each label is judged by models that learned neither from it nor from its near-duplicates.

    Examples:

        cli.py label-issues --run --list

        cli.py label-issues --campaign "Suspicious labels"

        cli.py label-issues --method selfie --list --limit 50 --json
    """
    from core.curation import label_issues as issues

    chosen = METHODS.get(method.replace("_", "-"))
    if chosen is None:
        raise InvalidInput("'{word}' is none of {words}.", word=method, words=", ".join(METHODS))
    with opened() as (runtime, actor):
        if run:
            run_job(runtime, actor, issues.JOB, issues.search_payload(actor, encoder, folds))
        made = issues.create_issue_campaign(runtime, actor, chosen, campaign) if campaign else None
        summary = issues.summarise_issues(runtime, chosen)
        page = issues.list_label_issues(runtime, actor, chosen, limit, cursor) if list_ else None
        rows = _rows(runtime, page.rows) if page else []
    facts: dict[str, Any] = {
        "method": chosen.value,
        "found_at": summary.found_at,
        "n_by_verdict": summary.n_by_verdict,
        "n_open": summary.n_open,
        "confirmed": {
            "value": summary.confirmed.value,
            "low": summary.confirmed.low,
            "high": summary.confirmed.high,
            "n": summary.confirmed.n,
        },
        "campaign_id": made.id if made else None,
        "issues": rows,
        "next_cursor": page.next_cursor if page else None,
    }
    lines = [_in_words(facts)]
    lines += [f"Campaign {made.id} '{made.name}' waits with {made.n_tasks:,} tasks."] if made else []
    lines += [
        f"{row['label_quality_score']:.3f}  {row['product_id']:>8}  {row['title']}\n"
        f"{'':17}{row['given']} -> {row['suggested'] or 'not known'}"
        for row in rows
    ]
    emit(as_json, facts, "\n".join(lines))


def _rows(runtime: Runtime, found: tuple[Any, ...]) -> list[dict[str, Any]]:
    from core.catalogue.taxonomy import load_categories

    tree = load_categories(runtime)
    return [
        {
            "product_id": issue.product_id,
            "title": issue.title,
            "verdict": issue.verdict.value,
            "given": tree[issue.given_category_id].path,
            "suggested": tree[issue.suggested_category_id].path if issue.suggested_category_id else None,
            "label_quality_score": issue.label_quality_score,
            "confidence": issue.confidence,
        }
        for issue in found
    ]


def _in_words(facts: dict[str, Any]) -> str:
    if facts["found_at"] is None:
        return "Nobody has looked for wrong labels yet: cli.py label-issues --run"
    confirmed = facts["confirmed"]
    text = f"{facts['n_open']:,} labels look wrong and wait for a person."
    if confirmed["value"] is None:
        return f"{text} None has been decided yet."
    return (
        f"{text} People changed {confirmed['value']:.0%} of {confirmed['n']:,} decided ones "
        f"(95 %: {confirmed['low']:.0%} to {confirmed['high']:.0%})."
    )
