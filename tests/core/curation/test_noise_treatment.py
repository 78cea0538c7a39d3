"""Trainings beside wrong labels: rows left out, labels mended, SELFIE's verdicts in the database."""

import pytest

from core.curation.label_issues import JOB, search_payload, summarise_issues
from core.errors import InvalidInput
from core.jobs.queue import enqueue
from core.jobs.worker import run_claimed
from core.runtime import Runtime
from core.training.registry import list_versions
from core.training.train import training_payload
from core.training.training_settings import TrainingSettings
from core.training.versions import ModelVersion
from core.types import Actor
from db.enums import JobStatus, NoiseMethod
from tests.core.training.shelf import add_products, fill_shelf, make_titles
from tests.roles import ADMIN


@pytest.fixture
def noisy_shelf(sqlite_runtime: Runtime) -> Runtime:
    """Three categories of 80 products, and 10 shoes among the appliances."""
    fill_shelf(sqlite_runtime, 80)
    add_products(sqlite_runtime, "가전", make_titles("신발", 10, seed=5))
    return sqlite_runtime


def train(runtime: Runtime, actor: Actor, noise: str, epochs: int = 6, warm_start: bool = False) -> ModelVersion:
    settings = TrainingSettings(epochs=epochs, noise=noise, warm_start=warm_start, score_after=False)
    payload = training_payload(actor, settings)
    job = run_claimed(runtime, enqueue(runtime, actor, "train", payload, worker="me"), "me", None)
    assert job.status == JobStatus.SUCCEEDED, job.error
    return list_versions(runtime, ADMIN)[0]


def facts(version: ModelVersion) -> dict[str, object]:
    return version.config["prepared"]["noise"]  # type: ignore[no-any-return]


def test_wrong_labels_are_left_out_or_mended(noisy_shelf: Runtime, actor: Actor) -> None:
    search = enqueue(noisy_shelf, actor, JOB, search_payload(actor, n_folds=4), worker="me")
    assert run_claimed(noisy_shelf, search, "me", None).status == JobStatus.SUCCEEDED
    filtered = facts(train(noisy_shelf, actor, "filter"))
    mended = facts(train(noisy_shelf, actor, "refurbish"))
    assert filtered["judged"] == mended["judged"] == "stored"
    assert int(str(filtered["rows_dropped"])) >= 3
    assert int(str(mended["rows_mended"])) >= 3

    add_products(noisy_shelf, "신발", make_titles("신발", 2, seed=9))  # another snapshot: judged anew
    assert facts(train(noisy_shelf, actor, "filter"))["judged"] == "computed"


def test_validation_rows_that_look_wrong_do_not_choose_the_temperature(noisy_shelf: Runtime, actor: Actor) -> None:
    add_products(noisy_shelf, "가전", make_titles("신발", 20, seed=6))
    version = train(noisy_shelf, actor, "filter")  # nobody has searched before
    assert facts(version)["judged"] == "computed"
    assert int(str(facts(version)["validation_rows_aside"])) >= 1
    assert version.metrics["n_validation"] > int(str(facts(version)["validation_rows_aside"]))


def test_selfie_gives_every_training_row_a_verdict(noisy_shelf: Runtime, actor: Actor) -> None:
    version = train(noisy_shelf, actor, "selfie")
    summary = summarise_issues(noisy_shelf, NoiseMethod.SELFIE)
    assert sum(summary.n_by_verdict.values()) == version.metrics["n_train"]
    assert set(summary.n_by_verdict) <= {"clean", "refurbished", "unclean"}

    again = train(noisy_shelf, actor, "selfie")
    assert sum(summarise_issues(noisy_shelf, NoiseMethod.SELFIE).n_by_verdict.values()) == again.metrics["n_train"]


def test_selfie_is_refused_where_the_encoder_cannot(actor: Actor) -> None:
    with pytest.raises(InvalidInput, match="SELFIE"):
        training_payload(actor, TrainingSettings(noise="selfie", encoder="ngrams"))


def test_a_warm_training_judges_within_its_fewer_epochs(noisy_shelf: Runtime, actor: Actor) -> None:
    train(noisy_shelf, actor, "keep", epochs=2)
    warm = train(noisy_shelf, actor, "selfie", epochs=16, warm_start=True)
    assert sum(summarise_issues(noisy_shelf, NoiseMethod.SELFIE).n_by_verdict.values()) == warm.metrics["n_train"]

    train(noisy_shelf, actor, "selfie", epochs=1)  # ends in the warm-up: earlier verdicts stay
    assert sum(summarise_issues(noisy_shelf, NoiseMethod.SELFIE).n_by_verdict.values()) == warm.metrics["n_train"]
