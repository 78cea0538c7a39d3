"""read-attributes and read-images from a terminal: what they found, in words and as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image
from typer.testing import CliRunner

from cli import app
from core.people import sign_in_local
from core.runtime import open_runtime
from core.settings import Settings
from db.tables import ProductRow
from tests.core.training.shelf import add_products


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three shirts: one has a picture, one says a file that is not there, one has none."""
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SHELFWRIGHT_IMAGE_WEIGHTS", "scratch")
    monkeypatch.setenv("SHELFWRIGHT_DEVICE", "cpu")
    runtime = open_runtime(Settings(data_dir=tmp_path))
    sign_in_local(runtime, "tester")
    ids = add_products(runtime, "셔츠", ["블랙 셔츠 하나", "순면 티셔츠", "와이셔츠"])
    (tmp_path / "images").mkdir(exist_ok=True)
    Image.new("RGB", (60, 40), "red").save(tmp_path / "images" / "red.png")
    with runtime.sessions.write() as session:
        for product_id, reference in zip(ids, ("red.png", "gone.png"), strict=False):
            session.execute(sa.update(ProductRow).where(ProductRow.id == product_id).values(image=reference))
    runtime.close()


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception:
        raise result.exception
    return result.stdout


def facts(*arguments: str) -> dict[str, Any]:
    return json.loads(run(*arguments, "--json").splitlines()[-1])  # type: ignore[no-any-return]


def test_attributes_of_titles_are_counted() -> None:
    found = facts("read-attributes")
    assert (found["products"], found["tags"]) == (3, 2)
    assert "2 attributes read from 3 products." in run("read-attributes")


def test_images_are_counted_by_what_they_came_to() -> None:
    said = run("read-images")
    assert said.startswith("1 of 3 products have a readable image (")
    assert "1 missing" in said
