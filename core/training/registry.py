"""The trained versions and which of them answers: list, promote, roll back."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core.errors import N_, AppError, Conflict, InvalidInput, NotFound
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.training.compare import CategoryChange, list_category_changes
from core.training.versions import ModelVersion, model_version
from core.types import Actor, utc_now
from core.webhooks import note_event
from db import model_versions
from db.enums import ModelStatus
from db.people import add_audit, raise_revision

GATE_ROWS = 30  # a category with fewer held-out rows does not hold a promotion up
NAMED = 8  # so many fallen categories are named in a sentence


class PromotionRefused(AppError):
    """Promoting this version would make categories worse."""


@dataclass(frozen=True)
class GateVerdict:
    """Whether a version may be promoted. `fallen` are the categories that hold it up, the worst first."""

    against_id: int | None  # the version in use; none: there is nothing to lose
    against: str | None
    margin: float  # P@1 may fall by this much, 0..1
    n_judged: int  # categories with enough held-out rows
    fallen: list[CategoryChange]

    @property
    def passed(self) -> bool:
        return not self.fallen


@dataclass(frozen=True)
class Promotion:
    """From `at` on this version answered."""

    version: str
    person: str
    reason: str
    gate_overridden: bool
    at: datetime


def list_versions(runtime: Runtime, actor: Actor, limit: int = 50, before_id: int | None = None) -> list[ModelVersion]:
    """Usable versions, newest first; `before_id` continues a list. Raises Forbidden (annotators)."""
    authorize(actor, Action.SEE_ANALYSIS)
    with runtime.sessions.read() as session:
        promoted = model_versions.find_promoted_id(session)
        return [model_version(record, promoted) for record in model_versions.list_versions(session, limit, before_id)]


def find_version(runtime: Runtime, version_id: int) -> ModelVersion | None:
    with runtime.sessions.read() as session:
        record = model_versions.find_version(session, version_id)
        return model_version(record, model_versions.find_promoted_id(session)) if record else None


def get_version(runtime: Runtime, version_id: int) -> ModelVersion:
    """Raises NotFound."""
    version = find_version(runtime, version_id)
    if version is None:
        raise NotFound(N_("There is no model version {version}."), version=version_id)
    return version


def read_version(runtime: Runtime, actor: Actor, version_id: int) -> ModelVersion:
    """`get_version` for somebody who wants to look at it. Raises Forbidden (annotators), NotFound."""
    authorize(actor, Action.SEE_ANALYSIS)
    return get_version(runtime, version_id)


def get_version_named(runtime: Runtime, name: str) -> ModelVersion:
    """The version called `name` ('v3' or '3'). Raises NotFound."""
    number = re.fullmatch(r"[vV]?(\d{1,9})", name.strip())
    with runtime.sessions.read() as session:
        record = model_versions.find_version_named(session, f"v{int(number[1])}" if number else name)
        promoted = model_versions.find_promoted_id(session)
    if record is None:
        raise NotFound(N_("There is no model version {version}."), version=name)
    return model_version(record, promoted)


def find_promoted_version(runtime: Runtime) -> ModelVersion | None:
    """The version that answers now."""
    with runtime.sessions.read() as session:
        promoted = model_versions.find_promoted_id(session)
        record = model_versions.find_version(session, promoted) if promoted else None
    return model_version(record, promoted) if record else None


def list_promotions(runtime: Runtime) -> list[Promotion]:
    """All promotions and rollbacks, newest first."""
    with runtime.sessions.read() as session:
        rows = model_versions.list_promotions(session)
    return [
        Promotion(version, person, row.reason, row.gate_overridden, row.created_at) for row, version, person in rows
    ][::-1]


def find_rollback_target(runtime: Runtime) -> ModelVersion | None:
    """The version that `roll_back` would return to; none when there is no earlier one."""
    with runtime.sessions.read() as session:
        target = _rollback_target_id(session)
        record = model_versions.find_version(session, target) if target else None
        return model_version(record, model_versions.find_promoted_id(session)) if record else None


def judge_promotion(runtime: Runtime, version_id: int) -> GateVerdict:
    """Would `promote` take this version? Both versions are judged on the same held-out rows."""
    version = get_version(runtime, version_id)
    current = find_promoted_version(runtime)
    margin = runtime.settings.promotion_margin
    if current is None or current.id == version.id:
        return GateVerdict(current.id if current else None, current.name if current else None, margin, 0, [])
    judged = [change for change in list_category_changes(runtime, current.id, version.id) if change.n >= GATE_ROWS]
    fallen = sorted((change for change in judged if -change.difference > margin), key=lambda c: c.difference)
    return GateVerdict(current.id, current.name, margin, len(judged), fallen)


def promote(runtime: Runtime, actor: Actor, version_id: int, reason: str, override: bool = False) -> ModelVersion:
    """Let this version answer from now on.

    Raises PromotionRefused, naming the categories, when one with at least 30 held-out rows falls by more than the
    margin and `override` is not set; InvalidInput without a reason; Conflict when it is in use already; NotFound.
    """
    authorize(actor, Action.PROMOTE)
    reason = _reason(reason)
    version = get_version(runtime, version_id)
    if version.status != ModelStatus.READY:
        raise Conflict(N_("{version} is not ready."), version=version.name)
    verdict = judge_promotion(runtime, version_id)
    if not verdict.passed and not override:
        raise PromotionRefused(
            N_("{version} is not promoted: against {current}, P@1 falls by more than {margin} in {categories}"),
            version=version.name,
            current=verdict.against,
            margin=f"{verdict.margin:.0%}",
            categories=_named(verdict.fallen),
        )
    _answer_from_now_on(
        runtime, actor, version, reason, "promote", replaces=verdict.against_id, overridden=not verdict.passed
    )
    return get_version(runtime, version_id)


def roll_back(runtime: Runtime, actor: Actor, reason: str) -> ModelVersion:
    """Return to the version that answered before. No gate: this is the way out of trouble.

    Raises Conflict when there is no earlier one, InvalidInput without a reason.
    """
    authorize(actor, Action.PROMOTE)
    reason = _reason(reason)
    current, target = find_promoted_version(runtime), find_rollback_target(runtime)
    if current is None or target is None:
        raise Conflict(N_("There is no earlier version to return to."))
    _answer_from_now_on(runtime, actor, target, reason, "roll_back", replaces=current.id, overridden=False)
    return get_version(runtime, target.id)


def _reason(reason: str) -> str:
    reason = " ".join(reason.split())
    if not reason or len(reason) > 500:
        raise InvalidInput(N_("Say why, in 1 to 500 characters."))
    return reason


def _named(fallen: list[CategoryChange]) -> str:
    names = [f"{c.path} ({c.share_a:.1%} -> {c.share_b:.1%}, n = {c.n})" for c in fallen[:NAMED]]
    more = len(fallen) - NAMED
    return "; ".join(names) + (f"; +{more}" if more > 0 else "")


def _answer_from_now_on(
    runtime: Runtime,
    actor: Actor,
    version: ModelVersion,
    reason: str,
    action: str,
    replaces: int | None,
    overridden: bool,
) -> None:
    """Write the promotion, unless another came in between: it was judged against the version it `replaces`."""
    now = utc_now()
    with runtime.sessions.write() as session:
        model_versions.lock_promotions(session)
        before = model_versions.find_promoted_id(session)
        if before == version.id:
            raise Conflict(N_("{version} is in use already."), version=version.name)
        if before != replaces:
            raise Conflict()
        model_versions.insert_promotion(session, version.id, actor.person_id, reason, overridden, now)
        add_audit(
            session,
            now,
            actor.person_id,
            action,
            "model_version",
            version.id,
            before={"promoted": before},
            after={"promoted": version.id, "gate_overridden": overridden},
            reason=reason,
        )
        told = {"version_id": version.id, "version": version.name, "replaces_id": before, "reason": reason}
        told |= {"person_id": actor.person_id, "person": actor.name, "gate_overridden": overridden}
        note_event(session, "promotion.rolled_back" if action == "roll_back" else "promotion.promoted", told)
        raise_revision(session, "models")


def _rollback_target_id(session: Session) -> int | None:
    """Promotions are a stack: going back to a version takes off all that came after it.

    So rolling back twice goes back two steps and never forward again.
    """
    stack: list[int] = []
    for row, _, _ in model_versions.list_promotions(session):
        if row.model_version_id in stack:
            del stack[stack.index(row.model_version_id) :]
        stack.append(row.model_version_id)
    return stack[-2] if len(stack) > 1 else None
