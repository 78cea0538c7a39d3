"""The bench runs on files of the same shape, judges rightly, and says so when there is nothing to measure."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from bench.catalogues import read_mercadona, split_by_group
from bench.peers.judging import Answers, difference, judge
from bench.text_models import main
from models.tokenizer import normalise
from tests.models.made_up import make_rows


def write_catalogues(folder: Path) -> None:
    rows = make_rows(300)
    (folder / "heissepreise").mkdir()
    (folder / "mercadona").mkdir()
    with gzip.open(folder / "heissepreise" / "products_labelled.csv.gz", "wt", encoding="utf-8", newline="") as file:
        german = csv.writer(file)
        german.writerow(["name", "store", "unit", "category_code"])
        for title, label in zip(rows.products.titles, rows.labels, strict=True):
            german.writerow([title, "spar", "g", str(label)])
    with (folder / "mercadona" / "productos.csv").open("w", encoding="utf-8", newline="") as file:
        spanish = csv.writer(file)
        spanish.writerow(["nombre", "packaging", "categoria_L1", "categoria_L2", "categoria_L3"])
        for title, label in zip(rows.products.titles, rows.labels, strict=True):
            spanish.writerow([title, "Botella", "A", "B", str(label)])


def test_it_prints_a_table_and_differences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_catalogues(tmp_path)
    asked = ["--data", str(tmp_path), "--quick", "--catalogues", "mercadona", "--models", "linear-svc", "ngrams"]
    assert main(asked) == 0
    printed = capsys.readouterr().out
    assert "TF-IDF + LinearSVC" in printed
    assert "ours: ngrams" in printed
    for measure in ("P@1", "P@2", "macro-F1"):
        assert f"in {measure}\n" in printed


def test_without_data_it_says_where_it_looked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path)]) == 0
    assert str(tmp_path) in capsys.readouterr().out


def test_equal_titles_never_cross_the_split(tmp_path: Path) -> None:
    write_catalogues(tmp_path)
    split = split_by_group(read_mercadona(tmp_path), None)
    parts = [
        {normalise(title, 500) for title in part.products.titles}
        for part in (split.train, split.validation, split.test)
    ]
    assert all(parts)
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]


def test_figures_are_those_of_the_library() -> None:
    chance = np.random.default_rng(0)
    labels = chance.integers(0, 9, 400)
    best = np.stack([chance.permutation(9)[:4] for _ in labels]).astype(np.int32)
    found = judge(Answers(best), labels)
    assert found["macro_f1"] == pytest.approx(f1_score(labels, best[:, 0], average="macro"))
    assert found["p_at_1"] == pytest.approx((best[:, 0] == labels).mean())
    assert found["p_at_4"] == pytest.approx((best == labels[:, None]).any(1).mean())
    better = best.copy()
    better[:200, 0] = labels[:200]
    middle, low, high = difference([Answers(better)], [Answers(best)], labels, "macro_f1")
    assert 0 < low < middle < high
    same = difference([Answers(best)], [Answers(best)], labels, "p_at_2")
    assert same == (0.0, 0.0, 0.0)
