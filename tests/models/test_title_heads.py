"""The title model with each head: it learns, is calibrated, and comes back from its folder."""

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from models.errors import NoTree
from models.family import fit_model, load_model
from models.predictor import TitleModel
from models.types import FitTask, LabeledProducts
from tests.models.made_up import CLASS_IDS, QUICK, ignore, make_rows

PATHS = np.array([[100 + row // 4, class_id] for row, class_id in enumerate(CLASS_IDS)])


def fit(folder: Path, head: str, train: LabeledProducts, paths: np.ndarray | None = PATHS) -> TitleModel:
    config = QUICK.to_dict() | {"head": head, "label_frequency": 0.6}
    task = FitTask(train, make_rows(40, seed=1), CLASS_IDS, config, "cpu", folder, ignore, paths)
    model = fit_model("joint", task)
    assert isinstance(model, TitleModel)
    return model


@pytest.mark.parametrize(("head", "kind"), [("hierarchical", "softmax"), ("several_labels", "softmax")])
def test_the_title_model_works_with_every_head(tmp_path: Path, head: str, kind: str) -> None:
    model, rows = fit(tmp_path, head, make_rows(240)), make_rows(100, seed=5)
    found = model.predict_proba(rows.products)
    assert (found.argmax(1) == rows.labels).mean() > 0.95
    assert np.allclose(found.sum(1), 1.0, atol=1e-5)
    assert model.calibration.kind == kind
    model.save(tmp_path / "artifact")
    assert (load_model(tmp_path / "artifact").predict_proba(rows.products) == found).all()


def test_without_a_tree_the_title_model_has_no_hierarchical_head(tmp_path: Path) -> None:
    with pytest.raises(NoTree, match="flat head"):
        fit(tmp_path, "hierarchical", make_rows(40), None)


def test_accepted_alternatives_share_the_title_models_answer(tmp_path: Path) -> None:
    rows, held_out = make_rows(240), make_rows(60, seed=3)
    further = sparse.csr_matrix((np.ones(240, bool), (np.arange(240), (rows.labels + 1) % 8)), shape=(240, 8))
    accepting = LabeledProducts(rows.products, rows.labels, rows.weights, further)
    place = np.arange(60), (held_out.labels + 1) % 8
    plain = fit(tmp_path / "a", "several_labels", rows).predict_proba(held_out.products)[place]
    accepted = fit(tmp_path / "b", "several_labels", accepting).predict_proba(held_out.products)[place]
    assert np.median(plain) < 0.05
    assert np.median(accepted) > 0.3
