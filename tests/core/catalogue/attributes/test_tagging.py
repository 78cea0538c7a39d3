"""The job that reads attributes: which readings a category believes, images by Tesseract, safe to run twice."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from core.catalogue.attributes import ocr, tagging
from core.catalogue.attributes.ocr import ocr_languages, read_image
from core.catalogue.attributes.tagging import attributes_payload, enqueue_attributes
from core.catalogue.attributes.tags import tags_of
from core.errors import Forbidden, NotReady
from core.jobs.queue import get_job
from core.runtime import Runtime
from core.types import Actor
from db.enums import JobStatus, Role
from db.tables import ProductRow
from tests.core.training.shelf import add_products
from tests.core.training.test_train import run_next


def values(runtime: Runtime, product_id: int) -> list[tuple[str, str, str]]:
    with runtime.sessions.read() as session:
        return [(tag.name, tag.value, tag.source) for tag in tags_of(session, product_id)]


def test_noodles_have_no_material_and_shirts_do(runtime: Runtime, actor: Actor) -> None:
    shirts = add_products(runtime, "셔츠", [f"순면 셔츠 {n}호" for n in range(30)] + ["면 티셔츠 블랙"])
    noodles = add_products(runtime, "국수", [f"메밀 국수 {n}인분" for n in range(40)] + ["면 사리 4개입"])
    enqueue_attributes(runtime, actor)
    job = run_next(runtime)
    assert job.status == JobStatus.SUCCEEDED, job.error
    assert job.result["products"] == 72
    assert values(runtime, shirts[-1]) == [("colour", "black", "title"), ("material", "cotton", "title")]
    assert values(runtime, noodles[-1]) == [("quantity", "4 pieces", "title")]


def test_run_again_after_a_kill_gives_the_same_tags(
    sqlite_runtime: Runtime, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = add_products(sqlite_runtime, "셔츠", [f"블랙 셔츠 {n}" for n in range(6)])
    monkeypatch.setattr(tagging, "CHUNK", 2)
    job_id = enqueue_attributes(sqlite_runtime, actor)
    write_json, n_written = tagging.write_json, iter(range(10))

    def die(path: Path, value: object) -> None:
        write_json(path, value)
        if next(n_written) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(tagging, "write_json", die)
    with pytest.raises(KeyboardInterrupt):
        run_next(sqlite_runtime)
    monkeypatch.setattr(tagging, "write_json", write_json)
    run_next(sqlite_runtime)
    assert get_job(sqlite_runtime, job_id).result == {"products": 6, "tags": 6}
    assert all(values(sqlite_runtime, product) == [("colour", "black", "title")] for product in ids)


def draw(path: Path, text: str) -> None:
    font = ImageFont.truetype("NotoSansCJK-Regular.ttc", 48)
    picture = Image.new("RGB", (900, 200), "white")
    ImageDraw.Draw(picture).text((30, 60), text, fill="black", font=font)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def test_words_in_an_image_are_read(sqlite_runtime: Runtime, actor: Actor) -> None:
    folder = sqlite_runtime.data_dir / "images"
    draw(folder / "a.png", "사계절 네이비 담요")
    (folder / "broken.png").write_bytes(b"no image")
    readable, broken = add_products(sqlite_runtime, "담요", ["따뜻한 담요", "포근한 담요"])
    with sqlite_runtime.sessions.write() as session:
        session.get_one(ProductRow, readable).image = "a.png"
        session.get_one(ProductRow, broken).image = "broken.png"
    enqueue_attributes(sqlite_runtime, actor, images=True)
    job = run_next(sqlite_runtime)
    assert job.status == JobStatus.SUCCEEDED, job.error
    assert ("colour", "navy", "image") in values(sqlite_runtime, readable)
    assert values(sqlite_runtime, broken) == []
    assert read_image(folder / "gone.png", ocr_languages() or "") == ("", 0.0)


def test_without_tesseract_images_are_refused_in_one_sentence(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "ocr_languages", lambda: None)
    with pytest.raises(NotReady, match="apt-get install tesseract-ocr"):
        attributes_payload(actor, images=True)
    with pytest.raises(Forbidden):
        attributes_payload(Actor(actor.person_id, "ann", Role.ANNOTATOR))
