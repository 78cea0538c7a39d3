"""The job that looks for wrong labels: freeze what is known, judge it out of fold, write what is suspected."""

from functools import partial
from typing import Any

import numpy as np

from core.curation.noise_search import Judged, judge_rows
from core.disk import room_on_disk
from core.errors import N_
from core.jobs.context import JobContext
from core.jobs.ownership import keep_hold
from core.json_file import read_json, write_json
from core.patience import patiently
from core.training import splits
from core.training.encoder_settings import check_settings, encoder_config
from core.training.fit_rows import resolve_training_device
from core.training.learning_rows import LearningRows, read_snapshot
from core.training.snapshot import Snapshot, get_snapshot, take_snapshot
from core.training.training_settings import TrainingSettings
from core.training.usable_rows import check_rows
from core.types import utc_now
from db import label_issues
from db.enums import NoiseMethod, NoiseVerdict
from db.people import add_audit, raise_revision

CHUNK = 1_000  # verdicts in one transaction
FREEZING, JUDGING = 0.05, 0.95


def run_search_job(context: JobContext) -> dict[str, Any]:
    """The handler of 'find_label_issues'; the payload is `search_payload`. Safe to run twice."""
    with room_on_disk(context.runtime.data_dir):
        settings = TrainingSettings(encoder=context.payload.get("encoder", "joint"))
        check_settings(settings)
        snapshot = _snapshot(context, settings)
        rows = read_snapshot(context.runtime, snapshot)
        check_rows(rows)
        judged = judge_rows(
            rows,
            settings.encoder,
            encoder_config(settings),
            int(context.payload.get("n_folds", 5)),
            resolve_training_device(context.runtime.settings.device),
            context.folder / "out_of_fold",
            lambda share, stage: context.report(FREEZING + (JUDGING - FREEZING) * share, stage),
            settings.seed,
            held_out=(rows.validation, rows.test),
        )
        n_issues = write_judged(context, judged, rows)
    result = {"n_judged": len(judged.product_ids), "n_issues": n_issues, "snapshot_id": snapshot.id}
    context.log(f"{n_issues:,} of {len(judged.product_ids):,} labels look wrong.")
    return result


def _snapshot(context: JobContext, settings: TrainingSettings) -> Snapshot:
    """What is known now; a second attempt judges what the first one froze."""
    state_file = context.folder / "search.json"
    state = read_json(state_file) or {}
    known = get_snapshot(context.runtime, state["snapshot_id"]) if state else None
    if known:
        return known
    splits.assign_folds(context.runtime, lambda f: context.report(0.5 * FREEZING * f, N_("grouping near-duplicates")))
    snapshot = take_snapshot(
        context.runtime,
        settings.min_rows,
        settings.human_weight,
        lambda f: context.report(0.5 * FREEZING * (1 + f), N_("freezing a snapshot")),
    )
    write_json(state_file, {"snapshot_id": snapshot.id})
    return snapshot


def write_judged(context: JobContext, judged: Judged, rows: LearningRows) -> int:
    """Write the suspected labels, take the earlier ones away; returns how many there are. The rest is not stored."""
    now, found = utc_now(), judged.found
    chosen = np.flatnonzero(judged.is_issue())
    values = [
        {
            "product_id": judged.product_ids[row],
            "method": NoiseMethod.CONFIDENT_LEARNING,
            "verdict": NoiseVerdict.ISSUE,
            "given_category_id": rows.class_ids[int(judged.given[row])],
            "suggested_category_id": rows.class_ids[int(found.suggested[row])],
            "label_quality_score": float(found.label_quality_score[row]),
            "confidence": float(found.confidence[row]),
            "job_id": context.job.id,
            "model_version_id": None,
            "created_at": now,
        }
        for row in chosen.tolist()
    ]
    write_verdicts(context, NoiseMethod.CONFIDENT_LEARNING, values)
    return len(values)


def write_verdicts(context: JobContext, method: NoiseMethod, values: list[dict[str, Any]]) -> None:
    """In short transactions: the new verdicts, then away with those of the method's earlier runs."""
    for start in range(0, len(values), CHUNK):
        if method == NoiseMethod.CONFIDENT_LEARNING:
            share = start / max(1, len(values))
            context.report(JUDGING + (1 - JUDGING) * share, N_("writing what was found"))
        patiently(partial(_write, context, values[start : start + CHUNK]))
    while patiently(partial(_clear, context, method)) == CHUNK:
        pass
    patiently(partial(_finish, context, method, len(values)))


def _write(context: JobContext, values: list[dict[str, Any]]) -> None:
    with context.runtime.sessions.write() as session:
        label_issues.upsert_issues(session, values)
        keep_hold(session, context)


def _clear(context: JobContext, method: NoiseMethod) -> int:
    with context.runtime.sessions.write() as session:
        n_gone = label_issues.delete_older(session, method, context.job.id, CHUNK)
        keep_hold(session, context)
    return n_gone


def _finish(context: JobContext, method: NoiseMethod, n: int) -> None:
    with context.runtime.sessions.write() as session:
        after = {"method": method.value, "n": n}
        add_audit(session, utc_now(), context.job.created_by, "find_label_issues", "job", context.job.id, after=after)
        raise_revision(session, "labels")
        keep_hold(session, context)
