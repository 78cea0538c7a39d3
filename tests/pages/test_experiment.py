"""The experiment page: a form that asks for a job, results with advice, the way to the Training page."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs.queue import list_jobs
from core.runtime import Runtime
from core.training.experiments import ExperimentSettings, Run, enqueue_experiment
from core.training.tuning import TuningSettings, TuningTrial, enqueue_tuning
from core.types import Actor, utc_now
from db import experiments, jobs
from db.enums import JobStatus
from pages.components.training_choices import TAKEN

OpenPage = Callable[[str], AppTest]
PAGE = "pages/experiment.py"


def a_run(encoder: str, right: int, shares: list[float], low: float | None = None, high: float | None = None) -> Run:
    difference = None if low is None or high is None else (low + high) / 2
    by_depth = dict.fromkeys((1, 2, 4), shares)
    n_right = dict.fromkeys((1, 2, 4), right)
    return Run(encoder, "none", 100, 200, n_right, 0.5, by_depth, 9.0, 900.0, None, difference, low, high)


def finish(runtime: Runtime, job_id: int, kind: str, settings: dict[str, object], results: list[object]) -> None:
    now = utc_now()
    with runtime.sessions.write() as session:
        assert jobs.claim_job(session, "w", now) == job_id
        entry = experiments.ensure_experiment(session, kind, job_id, settings, now)
        experiments.update_experiment(session, entry, results=results, finished_at=now)
        jobs.finish_job(session, job_id, "w", JobStatus.SUCCEEDED, now, {}, None)


def test_an_empty_database_says_so_and_a_press_asks_for_the_job(open_page: OpenPage, sqlite_runtime: Runtime) -> None:
    page = open_page(PAGE).run()
    assert not page.exception
    assert "Nothing was tried yet." in page.info[0].value
    usual = ExperimentSettings()
    n_runs = len(usual.encoders) * len(usual.caps)
    assert any(f"Starts {n_runs} runs" in caption.value for caption in page.caption)
    page.button[0].click().run()
    (job,) = list_jobs(sqlite_runtime)
    assert (job.kind, job.payload["encoders"]) == ("experiment", list(ExperimentSettings().encoders))


def test_nothing_to_compare_is_said(open_page: OpenPage) -> None:
    page = open_page(PAGE).run()
    page.multiselect[0].set_value([]).run()
    page.button[0].click().run()
    assert "takes one or more of" in page.error[0].value


@pytest.mark.parametrize("language", ["en", "ko"])
def test_results_come_with_advice(open_page: OpenPage, sqlite_runtime: Runtime, actor: Actor, language: str) -> None:
    settings = ExperimentSettings(encoders=("joint", "dan"), caps=("none",))
    job_id = enqueue_experiment(sqlite_runtime, actor, settings)
    runs = [a_run("joint", 180, [0.5, 0.9, 1.0]), a_run("dan", 160, [0.4], -0.2, -0.05)]
    finish(sqlite_runtime, job_id, "experiment", settings.to_dict(), [run.to_dict() for run in runs])
    page = open_page(PAGE)
    page.session_state["app.language"] = language
    page.run()
    assert not page.exception
    words = " ".join(text.value for text in page.text)
    assert ("is right most often: 90.0 % of 200" if language == "en" else "90.0 %") in words
    assert len(page.dataframe[0].value) == 2


def test_a_trial_is_taken_to_training(open_page: OpenPage, sqlite_runtime: Runtime, actor: Actor) -> None:
    settings = TuningSettings(n_trials=2)
    job_id = enqueue_tuning(sqlite_runtime, actor, settings)
    params = {"epochs": 4, "hidden_dim": 64, "piece_dim": 32, "dropout": 0.1, "learning_rate": 0.1,
              "piece_learning_rate": 0.001, "idf_power": 1.0, "mall_category_dropout": 0.3}  # fmt: skip
    trials = [
        TuningTrial(0, "complete", params, 200, 150, 3.0),
        TuningTrial(1, "complete", params | {"hidden_dim": 128}, 200, 170, 3.0),
        TuningTrial(2, "pruned", params, 0, 0, 1.0),
    ]
    results = [{"trials": [vars(trial) for trial in trials], "importances": {"hidden_dim": 0.9, "dropout": 0.1}}]
    finish(sqlite_runtime, job_id, "tuning", settings.to_dict(), list(results))
    page = open_page(PAGE)
    page.session_state["experiment.kind"] = "tune"
    page.run()
    assert not page.exception
    assert page.selectbox[-1].value == 1  # the best one
    page.button(key="experiment.take_trial").click().run()
    assert page.session_state["training.chosen"]["model"]["hidden_dim"] == 128


def test_taken_settings_fill_the_form_of_the_training_page(open_page: OpenPage) -> None:
    page = open_page("app.py").run()
    page.session_state[TAKEN] = {
        "encoder": "dan",
        "epochs": 5,
        "cap": "log",
        "cap_constant": 50,
        "use_images": True,
        "model": {"layer_sizes": [512, 256], "image": {"fc_dim": 64}},
    }
    page.switch_page("pages/training.py").run()
    assert not page.exception
    state = page.session_state
    assert (state["training.encoder"], state["training.epochs"], state["training.cap"]) == ("dan", 5, "log")
    assert (state["training.cap_constant"], state["training.use_images"]) == (50, True)
    assert state["training.own"].splitlines() == ["layer_sizes=512,256", "image.fc_dim=64"]
    assert TAKEN not in state


def test_epochs_are_asked_for_only_where_they_are_not_tuned(open_page: OpenPage, sqlite_runtime: Runtime) -> None:
    page = open_page(PAGE)
    page.session_state["experiment.kind"] = "tune"
    page.run()
    assert "Epochs" not in [field.label for field in page.number_input]
    assert "Epochs are tuned too: 4 to 16." in [caption.value for caption in page.caption]
    page.button[0].click().run()
    (job,) = list_jobs(sqlite_runtime)
    assert TuningSettings.from_dict(job.payload) == TuningSettings(max_rows=ExperimentSettings().max_rows)


def test_epochs_of_an_encoder_that_does_not_tune_them_are_asked_for(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    page.session_state["experiment.kind"] = "tune"
    page.session_state["experiment.tuned"] = "label_tree"
    page.run()
    assert not page.exception
    assert "Epochs" in [field.label for field in page.number_input]
