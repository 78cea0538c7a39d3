"""Commands: claim, decide, undo, skip."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from commands.category_words import category_of_words
from commands.terminal import JsonFlag, chosen_word, emit, opened
from core.errors import LeaseLost, NotFound
from core.runtime import Runtime
from core.types import Actor
from db.enums import CampaignStatus, DecisionKind

if TYPE_CHECKING:
    from core.labeling.queue import Task


def register(app: typer.Typer) -> None:
    """Add this room's commands to the command line."""
    app.command("claim")(claim_command)
    app.command("decide")(decide_command)
    app.command("undo")(undo_command)
    app.command("skip")(skip_command)


DECISION_KINDS = {
    kind.value.replace("_", "-"): kind
    for kind in (DecisionKind.LABEL, DecisionKind.CANNOT_TELL, DecisionKind.BAD_LISTING)
}
DecisionWord = Annotated[str, typer.Option(metavar="|".join(DECISION_KINDS), help="What is decided.")]


CampaignOption = Annotated[
    int | None, typer.Option(help="Its id; when not given, the newest open one with something left.")
]


def claim_command(campaign: CampaignOption = None, as_json: JsonFlag = False) -> None:
    """Take the next product of a campaign, or the one you hold already, and show it.

    Examples:

        cli.py claim

        cli.py claim --campaign 3 --json
    """
    from core.catalogue.taxonomy import load_categories
    from core.labeling.card import get_card

    with opened() as (runtime, actor):
        campaign_ids = [campaign] if campaign is not None else _open_campaigns(runtime, actor)
        task = _claim_first(runtime, actor, campaign_ids)
        if task is None:
            where = "this campaign" if len(campaign_ids) == 1 else "any open campaign"
            emit(as_json, {"campaign_id": campaign_ids[0], "task_id": None}, f"Nothing is left in {where}.")
            return
        card = get_card(runtime, task)
        paths = {id_: category.path for id_, category in load_categories(runtime).items()}
    suggestions = [
        {"category_id": category, "path": paths.get(category), "confidence": round(confidence, 4)}
        for category, confidence in card.suggestions
    ]
    facts = {
        "task_id": task.id,
        "campaign_id": task.campaign_id,
        "product_id": card.product.id,
        "title": card.product.title,
        "brand": card.product.brand,
        "mall": card.product.mall,
        "mall_category": card.product.mall_category,
        "category_id": card.product.category_id,
        "category": paths.get(card.product.category_id) if card.product.category_id else None,
        "suggestions": suggestions,
        "lease_expires_at": task.lease_expires_at,
    }
    lines = [f"Task {task.id}: {card.product.title}", f"  now: {facts['category'] or 'no label'}"]
    lines += [f"  {one['confidence']:4.0%}  {one['path']}  ({one['category_id']})" for one in suggestions]
    emit(as_json, facts, "\n".join(lines))


def _claim_first(runtime: Runtime, actor: Actor, campaign_ids: list[int]) -> "Task | None":
    """The best task of the first of these campaigns that has one."""
    from core.labeling.queue import claim_task

    return next((task for id_ in campaign_ids if (task := claim_task(runtime, actor, id_))), None)


def _open_campaigns(runtime: Runtime, actor: Actor) -> list[int]:
    """Newest first; there is one at least."""
    from core.labeling.campaigns import list_choices

    active = [
        campaign.id
        for campaign in list_choices(runtime, person_id=actor.person_id)
        if campaign.status == CampaignStatus.ACTIVE
    ]
    if not active:
        raise NotFound("No campaign is open. Make one: cli.py campaign create --kind low-confidence")
    return active


def decide_command(
    task: Annotated[int, typer.Argument(help="Its id, from `claim`.")],
    category: Annotated[str, typer.Argument(help="A leaf: its id, its path, or an end of its path.")] = "",
    kind: DecisionWord = "label",
    key: Annotated[str, typer.Option(help="Idempotency key: repeat it when you retry, and nothing doubles.")] = "",
    note: Annotated[str, typer.Option(help="Kept with the decision.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Decide a task you hold.

    Examples:

        cli.py decide 118 42

        cli.py decide 118 "여성의류 > 바지"

        cli.py decide 118 --kind cannot-tell --note "no picture"

        cli.py decide 118 42 --key my-retry-1 --json
    """
    from core.labeling.decisions import record_decision

    chosen = chosen_word(DECISION_KINDS, kind, "--kind")
    with opened() as (runtime, actor), _not_held(task):
        category_id = category_of_words(runtime, category) if category else None
        made = record_decision(runtime, actor, task, chosen, category_id, key or uuid.uuid4().hex, note=note or None)
    facts = {
        "decision_id": made.id,
        "task_id": made.task_id,
        "campaign_id": made.campaign_id,
        "product_id": made.product_id,
        "kind": made.kind.value,
        "category_id": made.category_id,
        "previous_category_id": made.previous_category_id,
        "idempotency_key": made.idempotency_key,
    }
    emit(as_json, facts, f"Decision {made.id} is recorded.")


@contextmanager
def _not_held(task: int) -> Iterator[None]:
    """Here a task is only a number: whoever names it may have lost it, or never have had it."""
    try:
        yield
    except LeaseLost:
        raise LeaseLost(
            "Task {task} is not in your hands: you never took it, or your time on it ran out. Nothing was saved "
            "for it. cli.py claim gives you the next one.",
            task=task,
        ) from None


def undo_command(
    decision: Annotated[int | None, typer.Argument(help="Its id; your last one when not given.")] = None,
    key: Annotated[str, typer.Option(help="Idempotency key: repeat it when you retry, and nothing doubles.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Take back a decision of yours; its task is in your hands again.

    Examples:

        cli.py undo

        cli.py undo 87 --json
    """
    from core.labeling.decisions import undo_decision

    with opened() as (runtime, actor):
        decision_id = decision if decision is not None else _last_decision(runtime, actor)
        task = undo_decision(runtime, actor, decision_id, key or uuid.uuid4().hex)
    facts = {"decision_id": decision_id, "task_id": task.id, "product_id": task.product_id}
    emit(as_json, facts, f"Decision {decision_id} is undone; task {task.id} waits for you.")


def _last_decision(runtime: Runtime, actor: Actor) -> int:
    from core.labeling.decisions import list_my_decisions

    standing = [line.decision.id for line in list_my_decisions(runtime, actor, limit=100) if not line.is_undone]
    if not standing:
        raise NotFound("You have decided nothing that could be undone.")
    return standing[0]


def skip_command(task: Annotated[int, typer.Argument(help="Its id, from `claim`.")], as_json: JsonFlag = False) -> None:
    """Leave a task to others; you get it again at the end.

    Example: cli.py skip 118
    """
    from core.labeling.queue import skip_task

    with opened() as (runtime, actor), _not_held(task):
        skip_task(runtime, actor, task)
    emit(as_json, {"task_id": task}, f"Task {task} is put off.")
