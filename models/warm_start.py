"""Beginning a fit from an earlier model: which one fits, and which of its classes are still there."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.artifact import MANIFEST, check_folder, hash_file
from models.errors import ModelError
from models.family import load_model
from models.types import CategoryModel, FitProgress, FitTask

ROWS_AT_ONCE = 65_536  # of a large table copied: bounds the memory
# under which names a model holds another, or several by name
_PARTS, _MEMBERS = ("model", "text"), "members"
_STAGE = "reading titles"  # when it is told

Model = TypeVar("Model", bound=CategoryModel)


class Earlier(NamedTuple, Generic[Model]):
    """A model to begin from, and which of its classes become which of the new one.

    A class merged from several begins at their mean, and those that one was split into all begin as it was.
    """

    model: Model
    old: NDArray[np.int64]  # (S,) positions in the earlier model's class_ids
    new: NDArray[np.int64]  # (S,) positions in the task's of what they become; several may become one
    shares: NDArray[np.float32]  # (S,) of `old` in `new`; those of a class sum to 1


def find_earlier(
    task: FitTask,
    kind: type[Model],
    same: Mapping[str, Any],
    obstacle: Callable[[Model], str | None] = lambda model: None,
) -> Earlier[Model] | None:
    """The model `task.warm_start` when one can begin from it; else none, and a note in the progress says why.

    `same`: settings by name that both must share, as they decide shapes or what a feature means. `obstacle` says what
    else is against a model of the right kind.
    """
    if task.warm_start is None:
        return None
    found = _read_earlier(task.warm_start, kind, same, obstacle)
    if isinstance(found, str):
        note = f"Starts afresh: {found}"
        task.on_progress(FitProgress(_STAGE, 0.0, note=note))
        return None
    earlier = _match_classes(found, task)
    n_known = int(np.isin(task.class_ids, found.class_ids).sum())
    n_descended = len(np.unique(earlier.new)) - n_known
    note = f"Begins from the earlier model: {n_known} categories known to it, {len(task.class_ids) - n_known} new."
    note += f" {n_descended} of the new ones go on from those they came of." if n_descended else ""
    task.on_progress(FitProgress(_STAGE, 0.0, note=note))
    return earlier


def _match_classes(model: Model, task: FitTask) -> Earlier[Model]:
    """Each class of the task with itself and with what it descends from, as far as the model knows them."""
    known = {int(class_id): place for place, class_id in enumerate(model.class_ids)}
    old, new, shares = [], [], []
    for place, class_id in enumerate(task.class_ids.tolist()):
        ids = dict.fromkeys((class_id, *task.descent.get(class_id, ())))
        sources = [known[source] for source in ids if source in known]
        old += sources
        new += [place] * len(sources)
        shares += [1.0 / len(sources) for _ in sources]
    return Earlier(model, np.array(old, np.int64), np.array(new, np.int64), np.array(shares, np.float32))


def _read_earlier(
    folder: Path, kind: type[Model], same: Mapping[str, Any], obstacle: Callable[[Model], str | None]
) -> Model | str:
    """The model, or why it is of no use."""
    try:
        model = _part_of(load_model(folder, "cpu"), kind)
    except ModelError as error:
        return str(error)
    if model is None:
        return "the earlier model is of another kind."
    config = model.config
    other = sorted(name for name, value in same.items() if config.get(name) != value)
    if other:
        return f"the earlier model was made with other settings ({', '.join(other)})."
    return obstacle(model) or model


def _part_of(model: object, kind: type[Model]) -> Model | None:
    """The model itself or, of one made of several (adjusted, with images, an ensemble), its part of this kind."""
    if model is None or isinstance(model, kind):
        return model
    parts = [*(getattr(model, name, None) for name in _PARTS), *getattr(model, _MEMBERS, {}).values()]
    return next((found for part in parts if (found := _part_of(part, kind)) is not None), None)


def hash_earlier(folder: Path | None) -> str:
    """What tells one earlier model from another, for a fit's fingerprint: '' for none, or one that is not there."""
    if folder is None:
        return ""
    try:
        return check_folder(folder)
    except ModelError:  # begins afresh; yet not the same as a fit that never had one
        return hash_file(folder / MANIFEST) if (folder / MANIFEST).is_file() else "none"


@torch.no_grad()
def copy_classes(target: Tensor, source: Tensor, earlier: Earlier[Any]) -> None:
    """Rows of the classes that go on, from the earlier model's (K', ...) into the new one's (K, ...)."""
    places = torch.from_numpy(np.unique(earlier.new))
    target[places] = mix_classes(source, earlier, len(target))[places].to(target.device)


def mix_classes(source: Tensor, earlier: Earlier[Any], n_classes: int) -> Tensor:
    """(K', ...) of the earlier model as (K, ...) of the new one; 0 for a class that it knows nothing of."""
    shares = torch.from_numpy(earlier.shares).reshape(-1, *[1] * (source.ndim - 1))
    mixed = torch.zeros(n_classes, *source.shape[1:], dtype=source.dtype)
    rows = source[torch.from_numpy(earlier.old)].cpu() * shares.to(source.dtype)
    return mixed.index_add_(0, torch.from_numpy(earlier.new), rows)
