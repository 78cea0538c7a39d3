"""The bench runs on files of the same shape, and says so when there are none."""

import csv
import gzip
from pathlib import Path

import pytest

from bench.text_models import main, read_mercadona, split_by_group
from models.tokenizer import normalise
from tests.models.made_up import make_rows


def write_catalogues(folder: Path) -> None:
    rows = make_rows(300)
    (folder / "heissepreise").mkdir()
    (folder / "mercadona").mkdir()
    with gzip.open(folder / "heissepreise" / "products_labelled.csv.gz", "wt", encoding="utf-8", newline="") as file:
        german = csv.writer(file)
        german.writerow(["name", "store", "unit", "category_code"])
        for title, label in zip(rows.texts.titles, rows.labels, strict=True):
            german.writerow([title, "spar", "g", str(label)])
    with (folder / "mercadona" / "productos.csv").open("w", encoding="utf-8", newline="") as file:
        spanish = csv.writer(file)
        spanish.writerow(["nombre", "packaging", "categoria_L1", "categoria_L2", "categoria_L3"])
        for title, label in zip(rows.texts.titles, rows.labels, strict=True):
            spanish.writerow([title, "Botella", "A", "B", str(label)])


def test_it_prints_a_table_and_a_ratio_for_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_catalogues(tmp_path)
    assert main(["--data", str(tmp_path), "--quick"]) == 0
    printed = capsys.readouterr().out
    for name in ("heissepreise", "mercadona"):
        assert f"{name}: ours / peer = " in printed
    assert printed.count("TF-IDF + LinearSVC") == 2
    assert printed.count("ours, titles only") == 2


def test_without_data_it_says_where_it_looked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path)]) == 0
    assert str(tmp_path) in capsys.readouterr().out


def test_equal_titles_never_cross_the_split(tmp_path: Path) -> None:
    write_catalogues(tmp_path)
    split = split_by_group(read_mercadona(tmp_path), None)
    parts = [
        {normalise(title, 500) for title in part.texts.titles} for part in (split.train, split.validation, split.test)
    ]
    assert all(parts)
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
