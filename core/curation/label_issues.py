"""Labels that look wrong: asking for a search, listing what it found, and what people made of it."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import N_, InvalidInput, NotReady
from core.jobs.queue import enqueue
from core.labeling.campaigns import Campaign, create_campaign, list_names
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.training.intervals import Rate, rate
from core.types import Actor
from db import label_issues
from db.enums import CampaignKind, NoiseMethod, NoiseVerdict

JOB = "find_label_issues"
MAX_PAGE = 500
MIN_FOLDS, MAX_FOLDS = 2, 8


@dataclass(frozen=True)
class LabelIssue:
    """A label that a method calls wrong, still standing and decided by nobody."""

    product_id: int
    title: str
    verdict: NoiseVerdict
    given_category_id: int
    suggested_category_id: int | None
    label_quality_score: float  # 0 suspicious .. 1 clean
    confidence: float | None  # probability of the suggestion


@dataclass(frozen=True)
class IssuePage:
    """`next_cursor` goes on after the last row; none at the end."""

    rows: tuple[LabelIssue, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class IssueSummary:
    """What a method has found and what came of it. `confirmed`: of the decided issues, those whose label changed."""

    method: NoiseMethod
    found_at: datetime | None  # none: it never ran
    n_by_verdict: dict[str, int]
    n_open: int
    confirmed: Rate


def search_payload(actor: Actor, encoder: str = "joint", n_folds: int = 5) -> dict[str, Any]:
    """What a search's job carries. Raises Forbidden, InvalidInput."""
    from core.training.training_settings import ENCODERS

    authorize(actor, Action.TRAIN)
    if encoder not in ENCODERS:
        raise InvalidInput(N_("There is no encoder '{encoder}' in this version."), encoder=encoder)
    if not MIN_FOLDS <= n_folds <= MAX_FOLDS:
        raise InvalidInput(N_("A search has {least} to {most} folds."), least=MIN_FOLDS, most=MAX_FOLDS)
    return {"encoder": encoder, "n_folds": n_folds}


def enqueue_search(runtime: Runtime, actor: Actor, encoder: str = "joint", n_folds: int = 5) -> int:
    """Ask for a search for wrong labels; returns the job's id. While one waits, that one's id."""
    return enqueue(runtime, actor, JOB, search_payload(actor, encoder, n_folds), dedupe_key=JOB)


def list_label_issues(
    runtime: Runtime,
    actor: Actor,
    method: NoiseMethod = NoiseMethod.CONFIDENT_LEARNING,
    limit: int = 50,
    cursor: str | None = None,
) -> IssuePage:
    """A page of open issues, the most suspicious first, paged by key.

    Raises Forbidden (annotators), InvalidInput for a foreign cursor.
    """
    authorize(actor, Action.SEE_ANALYSIS)
    limit = max(1, min(limit, MAX_PAGE))
    after = _read_cursor(cursor) if cursor else None
    with runtime.sessions.read() as session:
        found = label_issues.list_open(session, method, limit + 1, after)
        rows = tuple(
            LabelIssue(
                row.product_id,
                title,
                row.verdict,
                row.given_category_id,
                row.suggested_category_id,
                row.label_quality_score,
                row.confidence,
            )
            for row, title in found[:limit]
        )
    more = len(found) > limit
    return IssuePage(rows, _write_cursor(rows[-1].label_quality_score, rows[-1].product_id) if more else None)


def summarise_issues(runtime: Runtime, method: NoiseMethod = NoiseMethod.CONFIDENT_LEARNING) -> IssueSummary:
    """Counts of a method's verdicts, and the share that people confirmed."""
    with runtime.sessions.read() as session:
        latest = label_issues.find_latest(session, method)
        by_verdict = label_issues.count_by_verdict(session, method)
        n_changed, n_decided = label_issues.count_confirmed(session, method)
        n_open = label_issues.count_open(session, method)
    counts = {verdict.value: n for verdict, n in by_verdict.items()}
    return IssueSummary(method, latest[0] if latest else None, counts, n_open, rate(n_changed, n_decided))


def create_issue_campaign(runtime: Runtime, actor: Actor, method: NoiseMethod, name: str) -> Campaign:
    """A queue of the open issues, the most suspicious first; what people decide in it confirms or refutes them.

    A taken name gets a number. Raises NotReady when there is no open issue, Forbidden.
    """
    from dataclasses import replace

    from core.labeling.campaigns import ready_made

    authorize(actor, Action.EDIT_CAMPAIGNS)
    with runtime.sessions.read() as session:
        if not label_issues.count_open(session, method):
            raise NotReady(N_("No suspicious label is open. Look for them first."))
    recipe = ready_made(CampaignKind.LABEL_ISSUES)
    taken = set(list_names(runtime))
    numbered = (name if n == 1 else f"{name} {n}" for n in range(1, len(taken) + 2))
    free = next(text for text in numbered if text not in taken)
    return create_campaign(
        runtime, actor, free, CampaignKind.LABEL_ISSUES, replace(recipe.filter, label_issue=method.value), recipe.order
    )


def _write_cursor(score: float, product_id: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([score, product_id]).encode()).decode()


def _read_cursor(cursor: str) -> tuple[float, int]:
    try:
        score, product_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return float(score), int(product_id)
    except (ValueError, TypeError, OverflowError):
        raise InvalidInput(N_("This page of the list cannot be found. Start again from its first page.")) from None
