"""Settings: from the environment, checked, and documented one by one."""

import os
from pathlib import Path

import pytest

from core.errors import InvalidInput, NotReady
from core.runtime import open_runtime
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
    [
        ("SHELFWRIGHT_PORT", "many", "must be a number"),
        ("SHELFWRIGHT_PROT", "8600", "no setting SHELFWRIGHT_PROT"),
        ("SHELFWRIGHT_PORT", "99999999", "between 1 and 65535"),
        ("SHELFWRIGHT_PORT", "0", "between 1 and 65535"),
        ("SHELFWRIGHT_LEASE_MINUTES", "-5", "between 0.01 and 1440, not -5"),
        ("SHELFWRIGHT_LEASE_MINUTES", "nan", "between"),
        ("SHELFWRIGHT_JOB_LEASE_SECONDS", "0", "between 1 and 3600"),
        ("SHELFWRIGHT_WORKER_POLL_SECONDS", "inf", "between 0.05 and 60"),
        ("SHELFWRIGHT_PROMOTION_MARGIN", "7", "between 0 and 1"),
        ("SHELFWRIGHT_DEVICE", "tpu", "one of auto, cpu, cuda, not 'tpu'"),
        ("SHELFWRIGHT_DATABASE_URL", "foo", r"postgresql\+psycopg://user"),
        ("SHELFWRIGHT_DATABASE_URL", "mysql://a:secret@h/n", "sqlite:///file"),
        ("SHELFWRIGHT_DATABASE_URL", "postgres://a:secret@h/n", "or be empty"),
    ],
)
def test_a_slip_is_named(variable: str, value: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_settings({variable: value})


@pytest.mark.parametrize("url", ["postgresql+psycopg://a:secret@h:port/n", "sqlite:///:memory:"])
def test_an_address_that_cannot_be_one_is_a_sentence(tmp_path: Path, url: str) -> None:
    with pytest.raises(NotReady, match="SHELFWRIGHT_DATABASE_URL") as caught:
        open_runtime(Settings(data_dir=tmp_path, database_url=url))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_data_folder_that_cannot_be_is_a_sentence(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotReady, match="SHELFWRIGHT_DATA_DIR"):
        open_runtime(Settings(data_dir=tmp_path / "file" / below))
