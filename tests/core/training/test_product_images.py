"""Products' images: read once, counted by what they came to, in training and scoring by the job as people start it."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image

from core.catalogue import images
from core.errors import InvalidInput, NotReady
from core.jobs.queue import list_log
from core.jobs.worker import run_claimed
from core.runtime import Runtime
from core.training.product_images import ImageReader, open_reader, uses_images
from core.training.read_images_job import enqueue_read_images
from core.training.registry import list_versions
from core.training.train import enqueue_training
from core.training.training_settings import TrainingSettings
from core.types import Actor, utc_now
from db import jobs
from db.enums import JobStatus
from db.tables import PredictionRow, ProductImageRow, ProductRow
from models.device import one_thread
from models.image import reading
from tests.core.training.shelf import add_products, fill_shelf, make_titles
from tests.models.image.made_up import COLOURS
from tests.roles import ADMIN

STATUSES = {
    "good.png": "ok",
    "cmyk.jpg": "cmyk",
    "film.gif": "animated",
    "lying.jpg": "rotated",
    "clear.png": "transparent",
    "deep.png": "deep",
    "half.png": "broken",
    "dot.png": "tiny",
    "nowhere.png": "missing",
    "../outside.png": "missing",
    "https://example.com/a.png": "not_fetched",
    None: "none",
}


@pytest.fixture(autouse=True)
def single_thread() -> Iterator[None]:
    """Beside other test processes threads only wait for each other."""
    with one_thread():
        yield


def scratch(runtime: Runtime) -> Runtime:
    return Runtime(replace(runtime.settings, image_weights="scratch", device="cpu"), runtime.sessions)


def draw(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(0)
    noise = Image.fromarray(chance.integers(0, 256, (40, 40, 3)).astype(np.uint8))
    noise.save(folder / "good.png")
    noise.convert("CMYK").save(folder / "cmyk.jpg")
    noise.save(folder / "film.gif", save_all=True, append_images=[Image.new("RGB", (40, 40))])
    exif = Image.Exif()
    exif[0x0112] = 6
    noise.save(folder / "lying.jpg", exif=exif.tobytes())
    noise.convert("RGBA").save(folder / "clear.png")
    Image.fromarray(chance.integers(0, 60_000, (40, 40)).astype(np.uint16)).save(folder / "deep.png")
    (folder / "half.png").write_bytes((folder / "good.png").read_bytes()[:900])
    Image.new("RGB", (2, 2)).save(folder / "dot.png")
    (folder.parent / "outside.png").write_bytes((folder / "good.png").read_bytes())


def name_images(runtime: Runtime, ids: list[int], references: list[Any]) -> None:
    with runtime.sessions.write() as session:
        for product_id, reference in zip(ids, references, strict=True):
            session.execute(sa.update(ProductRow).where(ProductRow.id == product_id).values(image=reference))


def run_next(runtime: Runtime) -> Any:
    with runtime.sessions.write() as session:
        job_id = jobs.claim_job(session, "w1", utc_now())
    assert job_id
    return run_claimed(runtime, job_id, "w1", None)


def count_looks(reader: ImageReader, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures the network sees, each time it is asked."""
    seen: list[int] = []
    look = reader._trunk.features

    def counted(pixels: Any) -> Any:
        seen.append(len(pixels))
        return look(pixels)

    monkeypatch.setattr(reader._trunk, "features", counted)
    return seen


def test_each_kind_of_image_is_handled_and_counted(runtime: Runtime, actor: Actor) -> None:
    runtime = scratch(runtime)
    draw(runtime.data_dir / "images")
    ids = add_products(runtime, None, make_titles("바지", len(STATUSES)))
    name_images(runtime, ids, list(STATUSES))
    enqueue_read_images(runtime, actor)
    job = run_next(runtime)
    assert job.status == JobStatus.SUCCEEDED, job.error
    assert job.result["statuses"] == Counter(STATUSES.values())
    assert job.result["readable"] == 6
    assert any("6 of 12 products have a readable image" in line for _, line in list_log(runtime, job.id))
    with runtime.sessions.read() as session:
        rows = {row.product_id: row for row in session.scalars(sa.select(ProductImageRow))}
    assert [rows[ids[place]].status for place in range(11)] == list(STATUSES.values())[:11]
    assert ids[11] not in rows


def test_an_image_is_seen_once_however_many_products_share_it(
    sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = scratch(sqlite_runtime)
    folder = runtime.data_dir / "images"
    draw(folder)
    ids = add_products(runtime, None, make_titles("바지", 4))
    name_images(runtime, ids, ["good.png", "good.png", "clear.png", "half.png"])
    reader = open_reader(runtime, "cpu")
    seen = count_looks(reader, monkeypatch)
    first = reader.read(ids)
    assert first.images.present.tolist() == [True, True, True, False]
    assert sum(seen) == 2
    assert np.array_equal(first.images.features[0], first.images.features[1])
    again = reader.read([*ids[::-1], 9_999])
    assert sum(seen) == 2
    assert np.array_equal(again.images.features[:4], first.images.features[::-1])
    assert not again.images.present[4]
    Image.new("RGB", (30, 30), "red").save(folder / "good.png")  # a new picture under the old name
    os.utime(folder / "good.png", (1, 1))  # even when it pretends to be old
    changed = reader.read(ids)
    assert sum(seen) == 3
    assert not np.array_equal(changed.images.features[0], first.images.features[0])


def test_a_picture_touched_but_not_changed_is_read_once_more_only(
    sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = scratch(sqlite_runtime)
    draw(runtime.data_dir / "images")
    ids = add_products(runtime, None, make_titles("바지", 1))
    name_images(runtime, ids, ["good.png"])
    reader = open_reader(runtime, "cpu")
    reader.read(ids)
    read: list[str] = []
    real = reading.read_files

    def counted(files: Any, side: int) -> Any:
        read.extend(files)
        return real(files, side)

    monkeypatch.setattr(reading, "read_files", counted)
    os.utime(runtime.data_dir / "images" / "good.png")
    for _ in range(3):
        reader.read(ids)
    assert len(read) == 1


def test_a_picture_replaced_while_others_are_read_is_seen_the_next_time(
    sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = scratch(sqlite_runtime)
    folder = runtime.data_dir / "images"
    draw(folder)
    ids = add_products(runtime, None, make_titles("바지", 1))
    name_images(runtime, ids, ["good.png"])
    reader = open_reader(runtime, "cpu")
    real = reading.read_files

    def replaced_meanwhile(files: Any, side: int) -> Any:
        yield from real(files, side)
        Image.new("RGB", (30, 30), "red").save(folder / "good.png")

    with monkeypatch.context() as patched:
        patched.setattr(reading, "read_files", replaced_meanwhile)
        before = reader.read(ids).images.features
    assert not np.array_equal(reader.read(ids).images.features, before)


def test_images_on_the_internet_are_fetched_only_where_that_is_allowed(
    sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(sqlite_runtime.settings, image_weights="scratch", fetch_remote_images=True)
    runtime = Runtime(settings, sqlite_runtime.sessions)
    draw(runtime.data_dir / "images")
    content = (runtime.data_dir / "images" / "good.png").read_bytes()
    asked: list[str] = []

    def fetch(url: str, max_bytes: int) -> bytes:
        asked.append(url)
        if "gone" in url:
            raise InvalidInput
        return content

    monkeypatch.setattr(images, "fetch_image", fetch)
    ids = add_products(runtime, None, make_titles("바지", 2))
    name_images(runtime, ids, ["https://example.com/a.png", "https://example.com/gone.png"])
    reader = open_reader(runtime, "cpu")
    for _ in range(2):
        assert [status.value for status in reader.read(ids).statuses] == ["ok", "unreachable"]
    assert len(asked) == 2  # kept, and not asked for again at once


def test_without_weights_a_sentence_says_what_to_do(sqlite_runtime: Runtime, tmp_path: Path) -> None:
    for weights, scaling, said in (
        (str(tmp_path / "none.pt"), "symmetric", "there is no such file"),
        (str(tmp_path / "none.pt"), "", "how its pixels are scaled"),
    ):
        settings = replace(sqlite_runtime.settings, image_weights=weights, image_scaling=scaling)
        with pytest.raises(NotReady, match=said):
            open_reader(Runtime(settings, sqlite_runtime.sessions), "cpu")


QUICK = TrainingSettings(
    epochs=2,
    use_images=True,
    model={"image": {"epochs": 4, "folds": 2, "fusion_rows": 100, "fc_dim": 16}, "checkpoint_seconds": 0.01},
)


def test_a_version_that_uses_images_learns_judges_and_scores_with_them(sqlite_runtime: Runtime, actor: Actor) -> None:
    runtime = scratch(sqlite_runtime)
    folder = runtime.data_dir / "images"
    folder.mkdir(parents=True)
    for place, products in enumerate(fill_shelf(runtime).values()):
        for shade in range(6):
            picture = Image.new("RGB", (40, 40), COLOURS[place])
            picture.paste("gray", (0, 0, 3 * shade + 1, 5))
            picture.save(folder / f"{place}-{shade}.png")
        name_images(runtime, products, [f"{place}-{at % 6}.png" if at % 5 else None for at in range(len(products))])
    enqueue_training(runtime, actor, QUICK)
    job = run_next(runtime)
    assert job.status == JobStatus.SUCCEEDED, job.error
    (version,) = list_versions(runtime, ADMIN)
    assert uses_images(version.config["model"])
    facts = version.config["prepared"]["images"]
    assert facts["used"]
    assert facts["statuses"] == {"ok": facts["readable"], "none": 180 - facts["readable"]}
    assert any("from scratch" in line for _, line in list_log(runtime, job.id))
    with runtime.sessions.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(PredictionRow)) == 180


def test_without_any_image_the_titles_learn_alone_and_the_log_says_so(sqlite_runtime: Runtime, actor: Actor) -> None:
    runtime = scratch(sqlite_runtime)
    fill_shelf(runtime)
    enqueue_training(runtime, actor, QUICK)
    job = run_next(runtime)
    assert job.status == JobStatus.SUCCEEDED, job.error
    (version,) = list_versions(runtime, ADMIN)
    assert not uses_images(version.config["model"])
    assert any("learns from titles alone" in line for _, line in list_log(runtime, job.id))
