"""Tuning: seeded trials in a job, kept one by one, the chosen one becomes the settings of a training."""

from pathlib import Path

import pytest

from core.errors import Forbidden, InvalidInput, NotFound
from core.jobs.queue import Job
from core.runtime import Runtime
from core.training import tuning_job
from core.training.encoder_settings import check_settings, image_settings, own_settings
from core.training.search_space import SPACES, OneOf, Range, space_of
from core.training.training_settings import TrainingSettings
from core.training.tuning import Tuning, TuningSettings, enqueue_tuning, get_tuning, list_tunings
from core.types import Actor, utc_now
from db import jobs
from db.enums import JobStatus, Role
from tests.core.training.shelf import fill_shelf
from tests.core.training.test_train import run_next

QUICK = TuningSettings(n_trials=2, epochs=1)


def tune(runtime: Runtime, actor: Actor, settings: TuningSettings = QUICK) -> tuple[Job, Tuning]:
    enqueue_tuning(runtime, actor, settings)
    job = run_next(runtime)
    assert job.status == JobStatus.SUCCEEDED, job.error
    return job, get_tuning(runtime, job.result["tuning_id"])


def test_the_best_trial_becomes_the_settings(sqlite_runtime: Runtime, actor: Actor) -> None:
    fill_shelf(sqlite_runtime, n=150)
    job, tuning = tune(sqlite_runtime, actor)
    assert [trial.number for trial in tuning.trials] == [0, 1]
    assert tuning.finished_at
    best = tuning.best
    assert best
    assert best.n_right / best.n == job.result["p_at_1"]
    base = TrainingSettings(human_weight=5.0)
    chosen = tuning.training(best.number, base)
    assert chosen.human_weight == 5.0
    assert chosen.epochs == best.params["epochs"]
    assert chosen.model["hidden_dim"] == best.params["hidden_dim"]
    with pytest.raises(NotFound):
        tuning.training(99)
    assert list_tunings(sqlite_runtime) == [tuning]


def test_a_killed_tuning_goes_on_with_the_next_trial(sqlite_runtime: Runtime, actor: Actor) -> None:
    fill_shelf(sqlite_runtime, n=150)
    job_id = enqueue_tuning(sqlite_runtime, actor, QUICK)

    def die_in_second(fraction: float, stage: str, detail: dict[str, object]) -> None:
        if detail.get("trial") == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_next(sqlite_runtime, die_in_second)
    (begun,) = list_tunings(sqlite_runtime)
    assert len(begun.trials) == 1
    with sqlite_runtime.sessions.read() as session:
        assert jobs.find_job(session, job_id).status == JobStatus.TODO  # type: ignore[union-attr]
    job = run_next(sqlite_runtime)
    assert job.status == JobStatus.SUCCEEDED, job.error
    tuning = get_tuning(sqlite_runtime, begun.id)
    assert tuning.trials[0] == begun.trials[0]
    assert len(tuning.trials) == 2
    assert utc_now() >= tuning.created_at


def test_layers_activation_and_the_image_layer_become_settings() -> None:
    params = {"epochs": 5, "layer_sizes": [512, 256], "activation": "gelu", "image.fc_dim": 64}
    chosen = TuningSettings(encoder="dan", use_images=True).training(params)
    assert (chosen.encoder, chosen.epochs, chosen.use_images) == ("dan", 5, True)
    assert chosen.model == {"layer_sizes": [512, 256], "activation": "gelu", "image": {"fc_dim": 64}}
    for encoder in SPACES:  # every bound is one that the encoder takes
        for value in ("low", "high"):
            settings = TuningSettings(encoder=encoder, use_images=True)
            tried = {
                name: part.values[0] if isinstance(part, OneOf) else getattr(part, value)
                for name, part in space_of(encoder, True).items()
            }
            check_settings(settings.training(tried))


def test_what_cannot_be_tuned_is_refused(sqlite_runtime: Runtime, actor: Actor) -> None:
    for wrong in ({"encoder": "magic"}, {"n_trials": 0}, {"epochs": 0}):
        with pytest.raises(InvalidInput):
            TuningSettings(**wrong)
    with pytest.raises(Forbidden):
        enqueue_tuning(sqlite_runtime, Actor(actor.person_id, "ann", Role.ANNOTATOR), QUICK)


def test_every_default_lies_within_what_is_tried() -> None:
    for encoder in SPACES:
        usual = own_settings(encoder) | image_settings() | {"epochs": TrainingSettings.epochs}
        for name, part in space_of(encoder, use_images=True).items():
            default = usual[name]
            if isinstance(part, OneOf):
                assert default in part.values, (encoder, name)
            else:
                assert part.low <= default <= part.high, (encoder, name)


def test_a_killed_trial_begins_in_a_folder_of_its_own_values(
    sqlite_runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_shelf(sqlite_runtime, n=150)
    enqueue_tuning(sqlite_runtime, actor, TuningSettings(n_trials=1, epochs=1))
    asked: dict[str, dict[str, object]] = {}

    def die(context: object, trial: object, settings: TrainingSettings, folder: Path, on_progress: object) -> None:
        asked[folder.name] = settings.model
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning_job, "run_trial", die)
    for hidden_dim in (64, 64, 512):
        fixed = {"hidden_dim": Range(hidden_dim, hidden_dim)}
        monkeypatch.setattr(tuning_job, "space_of", lambda encoder, use_images, fixed=fixed: fixed)
        with pytest.raises(KeyboardInterrupt):
            run_next(sqlite_runtime)
    assert list(asked.values()) == [{"hidden_dim": 64}, {"hidden_dim": 512}]
