"""Every bench says in words what is missing on a machine without the real data, and ends well."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

from bench import __main__ as benches


@pytest.mark.parametrize("name", ["abstention", "images", "text_models", "warm_start"])
def test_missing_catalogues_are_said(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = import_module(f"bench.{name}")
    monkeypatch.setattr(bench, "DATA", tmp_path)
    arguments = [] if name == "abstention" else ["--data", str(tmp_path)]
    assert not bench.main(arguments)
    assert str(tmp_path) in capsys.readouterr().out


@pytest.mark.parametrize("name", ["category_search", "whole_loop"])
def test_a_missing_file_is_said(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = import_module(f"bench.{name}")
    monkeypatch.setattr(bench, "DATA" if name == "category_search" else "REAL", tmp_path / "nothing")
    monkeypatch.setattr(sys, "argv", [name])
    assert not bench.main()
    assert "Nothing measured" in capsys.readouterr().out


def test_noise_says_which_catalogues_are_not_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from bench.label_noise import main

    assert main(["--data", str(tmp_path), "--only", "heissepreise", "naver"]) == 0
    assert capsys.readouterr().out.count("its data are not here") == 2


def test_what_only_helps_benches_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "catalogues"])
    with pytest.raises(SystemExit, match="There are: abstention, "):
        benches.main()
