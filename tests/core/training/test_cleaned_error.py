"""The calibration error without suspected labels: only where a search has looked at all held-out rows."""

import numpy as np
import pytest

from core.runtime import Runtime
from core.training.cleaned_error import measure_cleaned_error
from core.training.registry import list_versions
from core.training.snapshot import take_snapshot
from core.training.splits import assign_folds
from core.training.train import enqueue_training
from core.training.training_settings import TrainingSettings
from core.types import Actor, utc_now
from db.enums import JobStatus
from db.tables import JobRow
from tests.core.curation.suspects import add_suspects
from tests.core.training.shelf import fill_shelf
from tests.core.training.test_train import run_next
from tests.roles import ADMIN


def finish_search(runtime: Runtime) -> None:
    """As if a search had judged what is known now."""
    assign_folds(runtime)
    snapshot = take_snapshot(runtime, 2, 1.0)
    with runtime.sessions.write() as session:
        result = {"snapshot_id": snapshot.id}
        session.add(
            JobRow(
                kind="find_label_issues", payload={}, status=JobStatus.SUCCEEDED, result=result, created_at=utc_now()
            )
        )


def test_suspected_labels_are_set_aside_where_a_search_has_looked(runtime: Runtime) -> None:
    ids = fill_shelf(runtime, 8)["신발"]
    doubted = add_suspects(runtime, [0.1, 0.2])
    asked = [*ids[:2], *doubted]
    sure, right = np.full(4, 0.9, np.float32), np.array([True, True, False, False])
    assert measure_cleaned_error(runtime, asked, sure, right) is None  # nobody has looked
    finish_search(runtime)
    found = measure_cleaned_error(runtime, asked, sure, right)
    assert found
    assert (found.n, found.n_aside) == (2, 2)
    assert found.ece == pytest.approx(0.1)
    assert measure_cleaned_error(runtime, [*asked, 10**6], np.append(sure, sure[0]), np.append(right, True)) is None
    assert measure_cleaned_error(runtime, doubted, sure[:2], right[:2]) is None  # most are suspected


def test_a_version_keeps_both_errors(sqlite_runtime: Runtime, actor: Actor) -> None:
    fill_shelf(sqlite_runtime, 60)
    finish_search(sqlite_runtime)
    enqueue_training(sqlite_runtime, actor, TrainingSettings(epochs=1, score_after=False))
    assert run_next(sqlite_runtime).status == JobStatus.SUCCEEDED
    (version,) = list_versions(sqlite_runtime, ADMIN)
    test, cleaned = version.test, version.ece_cleaned
    assert test
    assert cleaned
    assert (cleaned.n, cleaned.n_aside) == (test.n, 0)
    assert cleaned.ece == test.ece
