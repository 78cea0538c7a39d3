"""Labels, titles and files that no model can come of: each a clear sentence, and the version in use stays as it is."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import AppError, NotReady
from core.i18n import translations
from core.jobs.queue import Job, list_log
from core.runtime import Runtime
from core.serving.loading import load_version_model
from core.training.registry import find_promoted_version, get_version, list_versions
from core.training.train import enqueue_training
from core.training.training_settings import TrainingSettings
from core.types import Actor
from db.enums import JobStatus
from models.artifact import hash_file
from tests.core.training.shelf import add_products, decide, fill_shelf, make_titles
from tests.core.training.test_train import QUICK, run_next
from tests.roles import ADMIN

ONLY_TRAIN = replace(QUICK, score_after=False)


def train(runtime: Runtime, actor: Actor, settings: TrainingSettings = ONLY_TRAIN) -> Job:
    enqueue_training(runtime, actor, settings)
    return run_next(runtime)


def log_of(runtime: Runtime, job: Job) -> str:
    return "\n".join(line for _, line in list_log(runtime, job.id))


def korean(error: AppError) -> str:
    """As pages/components/words.py says it."""
    values = {name: korean(value) if isinstance(value, AppError) else value for name, value in error.values.items()}
    return translations("ko").gettext(error.template).format(**values)


def test_a_training_that_diverges_says_so_and_leaves_the_version_in_use(sqlite_runtime: Runtime, actor: Actor) -> None:
    fill_shelf(sqlite_runtime)
    assert train(sqlite_runtime, actor).status == JobStatus.SUCCEEDED
    before = find_promoted_version(sqlite_runtime)
    assert before
    job = train(sqlite_runtime, actor, replace(ONLY_TRAIN, model={"piece_learning_rate": 1e30}))
    assert job.status == JobStatus.FAILED
    assert job.error
    assert job.error.startswith("This model cannot be trained: The training went astray at step ")
    assert job.failure
    assert str(job.failure) == job.error
    assert "학습이 발산했습니다" in korean(job.failure)
    assert find_promoted_version(sqlite_runtime) == before
    assert list_versions(sqlite_runtime, ADMIN) == [before]
    assert load_version_model(sqlite_runtime, before) is not None


def test_labels_of_one_category_are_too_few_to_tell_apart(sqlite_runtime: Runtime, actor: Actor) -> None:
    add_products(sqlite_runtime, "바지", make_titles("바지", 60))
    job = train(sqlite_runtime, actor)
    assert job.status == JobStatus.FAILED
    assert job.error
    assert "are of one category. A model needs at least two" in job.error
    assert job.failure
    assert "모두 한 카테고리에 속합니다" in korean(job.failure)


def test_a_category_with_one_row_is_learned_where_that_is_allowed(sqlite_runtime: Runtime, actor: Actor) -> None:
    fill_shelf(sqlite_runtime)
    add_products(sqlite_runtime, "모자", ["하나뿐인 밀짚모자"])
    job = train(sqlite_runtime, actor)
    assert job.status == JobStatus.SUCCEEDED, job.error
    allowed = train(sqlite_runtime, actor, replace(ONLY_TRAIN, min_rows=1))
    assert allowed.status == JobStatus.SUCCEEDED, allowed.error
    few, more = (get_version(sqlite_runtime, one.result["version_id"]).metrics["n_classes"] for one in (job, allowed))
    assert few == 3
    assert more in (3, 4)  # the one row may be held out


def test_labels_of_one_source_are_told_in_the_log(sqlite_runtime: Runtime, actor: Actor) -> None:
    ids = fill_shelf(sqlite_runtime, n=40)
    imported = train(sqlite_runtime, actor)
    assert "All labels to train on are imported" in log_of(sqlite_runtime, imported)
    decide(sqlite_runtime, actor, ids["바지"][0], "바지")
    decide(sqlite_runtime, actor, ids["바지"][1], "바지")
    decide(sqlite_runtime, actor, ids["바지"][2], "바지")
    mixed = train(sqlite_runtime, actor)
    assert mixed.status == JobStatus.SUCCEEDED, mixed.error
    assert "All labels" not in log_of(sqlite_runtime, mixed)


def test_titles_without_a_word_are_counted_and_if_all_are_so_it_is_said(sqlite_runtime: Runtime, actor: Actor) -> None:
    blank = "\u200b\u200e \u2063"  # letters that nobody sees
    add_products(sqlite_runtime, "바지", [f"{blank}{blank * n}" for n in range(60)])
    add_products(sqlite_runtime, "신발", [f"{blank}\ufeff{blank * n}" for n in range(60)])
    job = train(sqlite_runtime, actor)
    assert job.status == JobStatus.FAILED
    assert job.error
    assert job.error.startswith("None of the ")
    assert job.failure
    assert "남는 단어가 없고" in korean(job.failure)
    fill_shelf(sqlite_runtime)
    some = train(sqlite_runtime, actor)
    assert some.status == JobStatus.SUCCEEDED, some.error
    assert "titles to train on have no word left after cleaning." in log_of(sqlite_runtime, some)


def test_more_subwords_than_the_titles_carry_are_not_asked_of_them(sqlite_runtime: Runtime, actor: Actor) -> None:
    fill_shelf(sqlite_runtime)
    job = train(sqlite_runtime, actor, replace(ONLY_TRAIN, model={"vocabulary_size": 1_000_000}))
    assert job.status == JobStatus.SUCCEEDED, job.error
    assert "fewer than the 1,000,000 asked for" in log_of(sqlite_runtime, job)


def change_a_byte(folder: Path) -> None:
    with (folder / "weights.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))


def remove_a_file(folder: Path) -> None:
    (folder / "tokenizer.model").unlink()


def raise_the_format(folder: Path) -> None:
    """As a later version of the program would write it: whole, with a right manifest."""
    config, manifest = (json.loads((folder / name).read_text("utf-8")) for name in ("config.json", "manifest.json"))
    (folder / "config.json").write_text(json.dumps(config | {"format": 99}), "utf-8")
    manifest["files"]["config.json"] = hash_file(folder / "config.json")
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


DAMAGES: list[tuple[Callable[[Path], Any], str, str]] = [
    (change_a_byte, "weights.safetensors differs from what was saved.", "저장했을 때와 다릅니다"),
    (remove_a_file, "tokenizer.model is missing.", "파일이 없습니다"),
    (raise_the_format, "was saved in format 99", "형식 99(으)로 저장되었는데"),
]


def test_a_version_with_broken_files_is_refused_and_a_training_starts_afresh(
    sqlite_runtime: Runtime, actor: Actor
) -> None:
    runtime = sqlite_runtime
    fill_shelf(runtime, n=40)
    for damage, english, in_korean in DAMAGES:
        job = train(runtime, actor, replace(ONLY_TRAIN, warm_start=True, promote_if_first=True))
        assert job.status == JobStatus.SUCCEEDED, job.error
        first = find_promoted_version(runtime)
        assert first
        assert first.artifact
        damage(runtime.data_dir / first.artifact)
        with pytest.raises(NotReady) as raised:
            load_version_model(runtime, first)
        assert english in str(raised.value)
        assert in_korean in korean(raised.value)
        again = train(runtime, actor, replace(ONLY_TRAIN, warm_start=True))
        assert again.status == JobStatus.SUCCEEDED, again.error
        log = log_of(runtime, again)
        assert "Starts afresh" in log
        assert english in log
        assert find_promoted_version(runtime) == first
        demote(runtime)


def demote(runtime: Runtime) -> None:
    """Nothing is in use any more."""
    import sqlalchemy as sa

    from db.tables import PromotionRow

    with runtime.sessions.write() as session:
        session.execute(sa.delete(PromotionRow))


def test_a_training_begins_from_the_version_in_use(sqlite_runtime: Runtime, actor: Actor) -> None:
    runtime = sqlite_runtime
    warm = replace(ONLY_TRAIN, warm_start=True)
    ids = fill_shelf(runtime)
    first = train(runtime, actor, warm)
    assert "Starts afresh: no version is in use." in log_of(runtime, first)
    for product in ids["바지"][:10]:
        decide(runtime, actor, product, "치마")  # a category added, labels moved
    second = train(runtime, actor, warm)
    assert second.status == JobStatus.SUCCEEDED, second.error
    log = log_of(runtime, second)
    assert "Begins from v1, the version in use." in log
    assert "Begins from the earlier model: 3 categories known to it, 1 new." in log
    assert "Trains on cpu." in log
