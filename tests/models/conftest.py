"""One trained model for all tests that only ask it."""

from pathlib import Path

import pytest

from models.predictor import TitleModel
from tests.models.made_up import fit_quickly


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> TitleModel:
    return fit_quickly(tmp_path_factory.mktemp("fit"))


@pytest.fixture
def artifact(model: TitleModel, tmp_path: Path) -> Path:
    """The model's folder, saved anew for a test that damages it."""
    model.save(tmp_path / "artifact")
    return tmp_path / "artifact"
