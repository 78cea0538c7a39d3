"""Settings: from the environment, checked, and documented one by one."""

import os
from pathlib import Path

import pytest

from core.errors import InvalidInput
from core.settings import ROOT, Settings, read_settings


def test_every_setting_is_documented() -> None:
    documented = (ROOT / "docs" / "settings.md").read_text("utf-8")
    missing = [name for name in Settings.__dataclass_fields__ if f"`SHELFWRIGHT_{name.upper()}`" not in documented]
    assert not missing


def test_values_come_from_the_environment(tmp_path: Path) -> None:
    settings = read_settings(
        {
            "SHELFWRIGHT_DATA_DIR": str(tmp_path),
            "SHELFWRIGHT_PORT": "8600",
            "SHELFWRIGHT_LEASE_MINUTES": "2.5",
            "SHELFWRIGHT_IMAGE_ROOTS": os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")]),
            "HOME": "not ours",
        }
    )
    assert (settings.port, settings.lease_minutes) == (8600, 2.5)
    assert settings.url == f"sqlite:///{tmp_path / 'shelfwright.db'}"
    assert settings.image_folders == (tmp_path / "images", tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [("SHELFWRIGHT_PORT", "many", "must be a number"), ("SHELFWRIGHT_PROT", "8600", "no setting SHELFWRIGHT_PROT")],
)
def test_a_slip_is_named(variable: str, value: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_settings({variable: value})
