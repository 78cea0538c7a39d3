"""Commands of reviewers: what people disagree on, settling into gold, agreement, annotators on gold."""

import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.category_words import category_of_words
from commands.terminal import JsonFlag, emit, opened, print_table, rate_cell, run_job
from core.errors import InvalidInput
from db.enums import DecisionKind

if TYPE_CHECKING:
    from core.labeling.crowd.agreement import Estimate

ASIDE = {"cannot-tell": DecisionKind.CANNOT_TELL, "bad-listing": DecisionKind.BAD_LISTING}
KeyOption = Annotated[str, typer.Option(help="Idempotency key: repeat it when you retry, and nothing doubles.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    app.command("disagreements")(disagreements_command)
    app.command("settle")(settle_command)
    app.command("unsettle")(unsettle_command)
    app.command("settle-agreed")(settle_agreed_command)
    app.command("agreement")(agreement_command)
    app.command("annotators")(annotators_command)


def disagreements_command(
    campaign: Annotated[int, typer.Argument(help="Its id.")],
    limit: Annotated[int, typer.Option(min=1, max=500, help="So many, the worst first.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """What people disagree on in a campaign and nobody has settled, the worst first.

    Example: `cli.py disagreements 3`
    """
    from core.catalogue.taxonomy import load_categories
    from core.labeling.disputes import list_disputes

    with opened() as (runtime, actor):
        page = list_disputes(runtime, actor, campaign, limit=limit)
        paths = {id_: category.path for id_, category in load_categories(runtime).items()}
    rows = [
        {
            "product_id": one.product_id,
            "title": page.titles.get(one.product_id, ""),
            "apart": round(one.apart, 4),
            "doubt": round(one.doubt, 4) if page.is_measured else None,
            "said": [{"category_id": id_, "path": paths.get(id_)} for id_ in one.category_ids],
        }
        for one in page.disputes
    ]
    if not as_json:
        print_table(
            ["product", "apart", "title", "said"],
            [
                [str(one.product_id), f"{one.apart:.2f}", page.titles.get(one.product_id, "")[:50], _said(one, paths)]
                for one in page.disputes
            ],
        )
    emit(as_json, {"disagreements": rows}, f"{len(rows)} disagreements" + (" and more." if page.next_after else "."))


def _said(one: Any, paths: dict[int, str]) -> str:
    return " | ".join(paths.get(id_, "?") for id_ in one.category_ids)


def settle_command(
    product: Annotated[int, typer.Argument(help="The product's id.")],
    category: Annotated[str, typer.Argument(help="A leaf: its id, its path, or an end of its path.")] = "",
    aside: Annotated[str, typer.Option(metavar="|".join(ASIDE), help="In place of a category: no gold.")] = "",
    note: Annotated[str, typer.Option(help="Why; kept with it.")] = "",
    key: KeyOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Settle what a product is: it becomes gold. Or set it aside, because nobody can tell.

    Examples:

        cli.py settle 118 "여성의류 > 바지" --note "the picture shows it"

        cli.py settle 118 --aside bad-listing
    """
    from core.labeling.settling import set_aside, settle

    if bool(category) == bool(aside):
        raise InvalidInput("Name a category, or --aside cannot-tell or bad-listing.")
    if aside and aside not in ASIDE:
        raise InvalidInput(f"--aside is {' or '.join(ASIDE)}, not '{aside}'.")
    key = key or uuid.uuid4().hex
    with opened() as (runtime, actor):
        if aside:
            made = set_aside(runtime, actor, product, ASIDE[aside], key, note or None)
        else:
            made = settle(runtime, actor, product, category_of_words(runtime, category), key, note or None)
    facts = {"decision_id": made.id, "idempotency_key": key} | {
        name: getattr(made, name) for name in ("product_id", "category_id", "previous_category_id", "is_undone")
    }
    done = "is gold" if made.kind == DecisionKind.SETTLE else "is set aside"
    emit(as_json, facts | {"kind": made.kind.value}, f"Product {product} {done} (decision {made.id}).")


def unsettle_command(
    decision: Annotated[int | None, typer.Argument(help="Its id. Default: the last one you settled.")] = None,
    batch: Annotated[str, typer.Option(help="All that was settled together: the key `settle-agreed` printed.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Take a settlement back: the product has the label that it would have without it.

    Examples:

        cli.py unsettle

        cli.py unsettle --batch 3f2a
    """
    from core.labeling.settling import find_last_settlement, undo_settlement
    from core.labeling.unanimous import undo_batch

    with opened() as (runtime, actor):
        if batch:
            n = undo_batch(runtime, actor, batch)
        else:
            last = None if decision is not None else find_last_settlement(runtime, actor)
            if decision is None and last is None:
                raise InvalidInput("You have settled nothing that stands.")
            id_ = decision if decision is not None else last.id if last else 0
            undo_settlement(runtime, actor, id_, f"undo-settle-{id_}")
            n = 1
    emit(as_json, {"n_undone": n}, f"{n} taken back.")


def settle_agreed_command(
    campaign: Annotated[int, typer.Argument(help="Its id.")],
    least: Annotated[int, typer.Option(min=2, help="At least so many people, all of one opinion.")] = 2,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    note: Annotated[str, typer.Option(help="Why; kept with each.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Make gold in one go what all agree on.

    Examples:

        cli.py settle-agreed 3 --dry-run

        cli.py settle-agreed 3 --least 3
    """
    from core.labeling.unanimous import preview_unanimous, settle_unanimous

    key = uuid.uuid4().hex
    with opened() as (runtime, actor):
        if dry_run:
            n = len(preview_unanimous(runtime, actor, campaign, least))
        else:
            n = settle_unanimous(runtime, actor, campaign, key, least, note=note or None)
    if dry_run:
        emit(as_json, {"n": n, "batch_key": None}, f"{n} products would become gold.")
        return
    emit(as_json, {"n": n, "batch_key": key}, f"{n} products are gold. Back: cli.py unsettle --batch {key}")


def agreement_command(
    campaign: Annotated[int, typer.Argument(help="Its id.")],
    stored: Annotated[bool, typer.Option("--stored", help="What was measured last; measures nothing.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Measure how far people agree in a campaign: percent, Krippendorff's alpha, tree distance, each with n.

    Example: `cli.py agreement 3`
    """
    from core.catalogue.taxonomy import load_categories
    from core.labeling.agreement import JOB, find_agreement
    from core.labeling.campaigns import get_campaign
    from core.permissions import Action, authorize

    with opened() as (runtime, actor):
        authorize(actor, Action.REVIEW)
        get_campaign(runtime, campaign)  # said before a job fails for it
        if not stored:
            run_job(runtime, actor, JOB, {"campaign_id": campaign})
        found = find_agreement(runtime, actor, campaign)
        paths = {id_: category.path for id_, category in load_categories(runtime).items()}
    if found is None:
        raise InvalidInput("This campaign has not been measured yet.")
    if not as_json:
        whole = [["all", rate_cell(found.whole.same), *_cells(found.whole.alpha, found.whole.closeness)]]
        rows = [
            [paths.get(one.category_id, "?"), rate_cell(one.same), *_cells(one.alpha, one.closeness)]
            for one in (*found.departments, *found.categories)
        ]
        pairs = [
            [
                " - ".join(found.names.get(id_, "?") for id_ in pair.person_ids),
                rate_cell(pair.same),
                *_cells(pair.alpha, pair.closeness),
            ]
            for pair in found.pairs
        ]
        shown = whole if not found.whole.same.is_too_few else []
        print_table(["", "same", "alpha", "closeness", "n"], shown + rows + pairs)
        people = [
            [one.name, rate_cell(one.same), rate_cell(one.accuracy), str(one.same.n)]
            for one in found.people
            if not one.same.is_too_few
        ]
        print_table(["person", "same as others", "Dawid-Skene", "n"], people)
    facts = asdict(found) | {"measured_at": found.measured_at.isoformat(), "campaign_id": campaign}
    emit(
        as_json,
        facts,
        f"{found.n_products} products with two votes or more of {found.n_people} people; they disagree on "
        f"{found.n_disputed}. Left out: {found.n_untold} votes that name no category.",
    )


def _cells(alpha: "Estimate", closeness: "Estimate") -> list[str]:
    return [_cell(alpha), _cell(closeness), str(alpha.n)]


def _cell(found: "Estimate") -> str:
    if found.is_too_few or found.value is None:
        return ""
    return f"{found.value:.3f} ({found.low:.3f}-{found.high:.3f})"


def annotators_command(as_json: JsonFlag = False) -> None:
    """How often each person is right on hidden gold checks, those below the set agreement first.

    Example: `cli.py annotators`
    """
    from core.labeling.annotator_quality import list_quality

    with opened() as (runtime, actor):
        people = list_quality(runtime, actor)
    if not as_json:
        print_table(
            ["person", "standing", "right on gold", "n", "recent", "cannot tell"],
            [
                [
                    one.name,
                    one.standing.value.replace("_", " "),
                    "" if one.right.is_too_few else rate_cell(one.right),
                    str(one.right.n),
                    "" if one.recent.is_too_few else rate_cell(one.recent),
                    str(one.n_cannot_tell),
                ]
                for one in people
            ],
        )
    facts = [asdict(one) | {"last_at": one.last_at.isoformat() if one.last_at else None} for one in people]
    n_below = sum(one.standing == "below" for one in people)
    emit(as_json, {"annotators": facts}, f"{len(people)} people were checked; {n_below} are surely below.")
