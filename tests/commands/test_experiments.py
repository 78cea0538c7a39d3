"""experiment and tune from a terminal; what `tune` prints is a command that `train` understands."""

import json
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import app
from commands import experiments, training
from core.people import sign_in_local
from core.runtime import Runtime, open_runtime
from core.settings import Settings
from core.training.training_settings import TrainingSettings
from core.training.tuning import KIND, TuningSettings, TuningTrial, enqueue_tuning
from core.types import utc_now
from db.enums import JobStatus
from db.experiments import ensure_experiment, update_experiment
from db.jobs import claim_job, finish_job
from tests.core.training.shelf import fill_shelf


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(tmp_path))
    runtime = open_runtime(Settings(data_dir=tmp_path))
    sign_in_local(runtime, "tester")
    return runtime


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception:
        raise result.exception
    return result.stdout


def facts(*arguments: str) -> dict[str, Any]:
    return json.loads(run(*arguments, "--json").splitlines()[-1])  # type: ignore[no-any-return]


def test_an_experiment_recommends_and_says_why(shop: Runtime) -> None:
    fill_shelf(shop, 120)
    found = facts("experiment", "--encoder", "joint", "--cap", "none", "--epochs", "1")
    assert [(one["encoder"], one["cap"]) for one in found["runs"]] == [("joint", "none")]
    assert found["recommended"] == {"encoder": "joint", "cap": "none"}
    assert found["why"]


def test_a_tuning_lists_its_trials_and_how_to_train_with_the_best(shop: Runtime) -> None:
    fill_shelf(shop, 120)
    said = run("tune", "--encoder", "label_tree", "--trials", "1", "--epochs", "2")
    assert "Best: trial 1. Train with it: cli.py train --encoder label_tree --epochs 2 --model cost=" in said


def test_the_printed_command_is_the_trial(shop: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = TuningSettings(encoder="dan", use_images=True)
    params = {"epochs": 5, "layer_sizes": [], "learning_rate": 0.00123456789, "image.fc_dim": 64, "image.dropout": 0.0}
    tuning_id = store(shop, settings, [TuningTrial(0, "complete", params, 200, 150, 3.0)])
    monkeypatch.setattr(experiments, "run_job", lambda *given: SimpleNamespace(result={"tuning_id": tuning_id}, id=1))
    said = run("tune", "--encoder", "dan", "--images")
    command = shlex.split(said.split("cli.py ")[1].splitlines()[0])
    asked: list[dict[str, Any]] = []

    class Asked(Exception):
        pass

    def listen(runtime: Any, actor: Any, kind: str, payload: dict[str, Any]) -> None:
        asked.append(payload)
        raise Asked

    monkeypatch.setattr(training, "run_job", listen)
    with pytest.raises(Asked):
        run(*command)
    assert TrainingSettings.from_dict(asked[0]) == settings.training(params)


def store(runtime: Runtime, settings: TuningSettings, trials: list[TuningTrial]) -> int:
    """A finished tuning; returns its id."""
    now, job_id = utc_now(), enqueue_tuning(runtime, sign_in_local(runtime, "tester"), settings)
    results = [{"trials": [vars(trial) for trial in trials], "importances": {}}]
    with runtime.sessions.write() as session:
        assert claim_job(session, "w", now) == job_id
        entry = ensure_experiment(session, KIND, job_id, settings.to_dict(), now)
        update_experiment(session, entry, results=results, finished_at=now)
        finish_job(session, job_id, "w", JobStatus.SUCCEEDED, now, {}, None)
    return entry


@pytest.mark.parametrize("command", ["experiment", "tune", "read-attributes", "read-images", "label-issues"])
def test_help_has_an_example(command: str) -> None:
    assert f"cli.py {command}" in " ".join(run(command, "--help").split())
