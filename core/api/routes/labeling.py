"""Labeling: claim a card, keep it, put it off, decide, undo. What is hidden on the page is hidden here."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Response
from pydantic import Field

from core.api.guard import Caller, CallerHere, guarded_router, needs
from core.api.product_query import ProductShape
from core.api.shapes import Body, Id, IdInPath, Shape, Text
from core.api_tokens import Scope
from core.catalogue.product_sight import without_gold
from core.catalogue.taxonomy import load_categories
from core.labeling.card import Card, get_card
from core.labeling.decisions import Decision, MyDecision, list_my_decisions, record_decision, undo_decision
from core.labeling.queue import Task, claim_task, release_task, renew_lease, skip_task
from db.enums import CampaignKind, DecisionKind

router = guarded_router("labeling")
TaskName = Annotated[str, Path(max_length=32, description="`task.id` of the card.")]


class TaskShape(Shape):
    """A product in an annotator's hands until its lease ends."""

    id: str
    campaign_id: int
    product_id: int
    lease_expires_at: datetime | None


class SuggestionShape(Shape):
    """What a model would say. Rank 1 is the first."""

    rank: int
    category_id: int
    category: str
    confidence: float


class TagShape(Shape):
    """An attribute that title or image tells."""

    name: str
    value: str
    source: str


class IssueShape(Shape):
    """Why the label of now looks wrong."""

    given_category_id: int
    suggested_category_id: int | None
    label_quality_score: float
    confidence: float | None


class ExampleShape(Shape):
    """A product that shows what belongs into a category, or what does not."""

    title: str
    is_counterexample: bool
    note: str | None


class ChoiceShape(Shape):
    """A category that the campaign asks about."""

    category_id: int
    category: str
    guidelines: str | None
    examples: list[ExampleShape]


class CardShape(Shape):
    """A task with its evidence; a blind campaign shows the product alone."""

    task: TaskShape
    product: ProductShape
    suggestions: list[SuggestionShape]
    model_version_id: int | None
    margin: float | None
    is_hard_to_predict: bool
    back_off_category_id: int | None
    tags: list[TagShape]
    issue: IssueShape | None
    kind: CampaignKind
    is_blind: bool
    choices: list[ChoiceShape]


class Claim(Shape):
    """The card; none when nothing is left for this person."""

    card: CardShape | None


class DecisionBody(Body):
    """What the person decided. `suggestion_rank` and `model_version_id` say what they saw and took."""

    kind: Literal["label", "cannot_tell", "bad_listing"] = "label"
    category_id: Id | None = None
    suggestion_rank: Annotated[int, Field(ge=1, le=100)] | None = None
    seconds_spent: Annotated[float, Field(ge=0, le=86_400)] | None = None
    note: Text | None = None
    model_version_id: Id | None = None


class DecisionShape(Shape):
    """A decision as it stands."""

    id: int
    kind: DecisionKind
    task_id: str | None
    campaign_id: int | None
    product_id: int
    category_id: int | None
    note: str | None
    created_at: datetime


class MyDecisionShape(DecisionShape):
    """With what the product is called, and whether it was undone."""

    title: str
    is_undone: bool


@router.post("/campaigns/{campaign_id}/claim", response_model=Claim)
@needs(Scope.LABEL, keeps_answers=False)
def claim(caller: CallerHere, campaign_id: IdInPath) -> dict[str, Any]:
    """The card this person holds already, its lease renewed; else the best one that is free."""
    task = claim_task(caller.runtime, caller.actor, campaign_id)
    return {"card": _card(caller, get_card(caller.runtime, task)) if task else None}


@router.post("/tasks/{task_id}/decisions", response_model=DecisionShape, status_code=201)
@needs(Scope.LABEL, keeps_answers=False)
def decide(caller: CallerHere, task_id: TaskName, body: DecisionBody) -> dict[str, Any]:
    """Decide a task. Needs an Idempotency-Key: the same again answers the decision that stands."""
    decision = record_decision(
        caller.runtime,
        caller.actor,
        caller.task_ids.id_of(task_id),
        DecisionKind(body.kind),
        body.category_id,
        caller.decision_key,
        suggestion_rank=body.suggestion_rank,
        seconds_spent=body.seconds_spent,
        note=body.note,
        model_version_id=body.model_version_id,
    )
    return _decision(caller, decision)


@router.post("/tasks/{task_id}/renew", response_model=TaskShape)
@needs(Scope.LABEL, keeps_answers=False)
def renew(caller: CallerHere, task_id: TaskName) -> dict[str, Any]:
    """Keep the task for another full lease."""
    return _task(caller, renew_lease(caller.runtime, caller.actor, caller.task_ids.id_of(task_id)))


@router.post("/tasks/{task_id}/release", status_code=204)
@needs(Scope.LABEL, keeps_answers=False)
def release(caller: CallerHere, task_id: TaskName) -> Response:
    """Put the task back where it stood; harmless when it is no longer this person's."""
    release_task(caller.runtime, caller.actor, caller.task_ids.id_of(task_id))
    return Response(status_code=204)


@router.post("/tasks/{task_id}/skip", status_code=204)
@needs(Scope.LABEL)
def skip(caller: CallerHere, task_id: TaskName) -> Response:
    """Leave the task to others; this person gets it again at the end."""
    skip_task(caller.runtime, caller.actor, caller.task_ids.id_of(task_id))
    return Response(status_code=204)


@router.post("/decisions/{decision_id}/undo", response_model=TaskShape)
@needs(Scope.LABEL, keeps_answers=False)
def undo(caller: CallerHere, decision_id: IdInPath) -> dict[str, Any]:
    """Take back a decision of one's own; its task is in this person's hands again. Needs an Idempotency-Key."""
    return _task(caller, undo_decision(caller.runtime, caller.actor, decision_id, caller.decision_key))


@router.get("/decisions", response_model=list[MyDecisionShape])
@needs(Scope.LABEL)
def find_my_decisions(
    caller: CallerHere,
    campaign_id: Annotated[Id | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> list[dict[str, Any]]:
    """This person's last decisions, newest first, undone ones too."""
    return [_mine(caller, line) for line in list_my_decisions(caller.runtime, caller.actor, campaign_id, limit)]


# Named part by part: what a task or a decision is besides (a hidden check, say) never slips into an answer.


def _task(caller: Caller, task: Task) -> dict[str, Any]:
    shown = {name: getattr(task, name) for name in ("campaign_id", "product_id", "lease_expires_at")}
    return {**shown, "id": caller.task_ids.name(task.id)}


def _decision(caller: Caller, decision: Decision) -> dict[str, Any]:
    shown = {name: getattr(decision, name) for name in DecisionShape.model_fields}
    return {**shown, "task_id": None if decision.task_id is None else caller.task_ids.name(decision.task_id)}


def _mine(caller: Caller, line: MyDecision) -> dict[str, Any]:
    return {**_decision(caller, line.decision), "title": line.title, "is_undone": line.is_undone}


def _card(caller: Caller, card: Card) -> dict[str, Any]:
    categories = load_categories(caller.runtime)
    return {
        "task": _task(caller, card.task),
        "product": without_gold(card.product),
        "suggestions": [
            {"rank": rank, "category_id": category, "category": categories[category].path, "confidence": confidence}
            for rank, (category, confidence) in enumerate(card.suggestions, 1)
            if category in categories
        ],
        "model_version_id": card.model_version_id,
        "margin": card.margin,
        "is_hard_to_predict": card.is_hard_to_predict,
        "back_off_category_id": card.back_off_category_id,
        "tags": card.tags,
        "issue": card.issue,
        "kind": card.kind,
        "is_blind": card.is_blind,
        "choices": [
            {
                "category_id": choice.category_id,
                "category": categories[choice.category_id].path,
                "guidelines": categories[choice.category_id].guidelines,
                "examples": choice.examples,
            }
            for choice in card.choices
            if choice.category_id in categories
        ],
    }
