"""The model family: which encoders there are, fitting one, reading one back. Nothing heavy loads before its turn."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from models.artifact import check_folder, read_json
from models.errors import BrokenArtifact, NotEnoughClasses, UnknownEncoder
from models.types import CategoryModel, FitTask

# encoder -> what fits it: FitTask -> CategoryModel
ENCODERS = {
    "joint": "models.fit:fit_joint",
    "ngrams": "models.linear_fit:fit_linear_ngrams",
    "ensemble": "models.ensemble:fit_ensemble",
    "fasttext": "models.encoders.fit:fit_fasttext",
    "dan": "models.encoders.fit:fit_dan",
    "gru": "models.encoders.fit:fit_gru",
    "label_tree": "models.label_tree.fit:fit_label_tree",
    "sentence": "models.sentence.fit:fit_sentence",
}
# 'kind' in an artifact's config.json -> what reads it back: (folder, device) -> CategoryModel
KINDS = {
    "fused-title-image": "models.fusion:FusedModel.read",
    "adjusted": "models.adjusted:AdjustedModel.read",
    "title-ngrams-pieces": "models.predictor:TitleModel.read",
    "linear-ngrams": "models.linear_ngrams:LinearNgramModel.read",
    "ensemble": "models.ensemble:EnsembleModel.read",
    "neural-text": "models.encoders.model:NeuralTextModel.read",
    "label-tree": "models.label_tree.model:LabelTreeModel.read",
    "sentence": "models.sentence.model:SentenceModel.read",
}


def fit_model(encoder: str, task: FitTask) -> CategoryModel:
    """Train the chosen encoder and calibrate it on the validation rows; with images attached, fused with theirs.

    Raises NotEnoughClasses when all training rows are of one category, UnknownEncoder, ValueError for a setting out of
    range (naming it), TrainingDiverged when the loss is no number any more.
    """
    if encoder not in ENCODERS:
        raise UnknownEncoder(encoder, tuple(ENCODERS))
    n_found = len(set(task.train.labels.tolist()))
    if n_found < 2:
        raise NotEnoughClasses(n_found)
    if task.train.products.images is not None:
        from models.fusion import fit_fused

        return fit_fused(encoder, task)
    return fit_text(encoder, task)


def fit_text(encoder: str, task: FitTask) -> CategoryModel:
    """Train the chosen encoder, one of ENCODERS, whatever images the products have."""
    own = {name: value for name, value in task.config.items() if name != "image"}
    return _named(ENCODERS[encoder])(replace(task, config=own))


def load_model(folder: Path, device: str = "cpu") -> CategoryModel:
    """The model in an artifact folder. A missing or changed file raises BrokenArtifact naming it."""
    check_folder(folder, ("config.json",))
    return read_model(folder, device)


def read_model(folder: Path, device: str) -> CategoryModel:
    """The model in a folder, or in a part of a larger one's, whose files were checked already."""
    config = read_json(folder, "config.json")
    kind = config.get("kind") if isinstance(config, dict) else None
    if kind not in KINDS:
        raise BrokenArtifact(folder, "config.json", "is of another kind or format of model")
    return _named(KINDS[kind])(folder, device)


def _named(place: str) -> Callable[..., Any]:
    """'module:function' or 'module:Class.method' as the function."""
    module, _, names = place.partition(":")
    found: Any = import_module(module)
    for name in names.split("."):
        found = getattr(found, name)
    return found
