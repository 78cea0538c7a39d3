"""Several models asked as one: the weighted sum of their log probabilities, weighed on validation rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.artifact import check_format, nest, read_json, write_json
from models.calibration_error import expected_calibration_error
from models.category_model import BaseCategoryModel
from models.checkpoint import fingerprint_fit
from models.ensemble_config import EnsembleConfig
from models.errors import BrokenArtifact
from models.family import fit_text, load_model, read_model
from models.features import encode, normalise_texts
from models.linear_config import LinearConfig
from models.linear_ngrams import LinearNgramModel
from models.predictor import TitleModel
from models.types import Calibration, FitProgress, FitTask, LabeledProducts, Products, Writer

FORMAT = 1  # of the artifact folder; another number is refused
PREDICT_ROWS = 4096  # asked at a time: bounds the memory
_MOST_SCORES = 20_000_000  # of validation rows times classes, for each member
_LEAST_PROBABILITY = 1e-12
_FITTING = 0.98  # share of the progress bar that goes to the members
_PULL = 100.0  # rows' worth of belief that all members count the same


class EnsembleModel(BaseCategoryModel):
    """Asks its members and multiplies their probabilities, each to the power of its weight; a `CategoryModel`."""

    kind = "ensemble"

    def __init__(
        self,
        members: dict[str, BaseCategoryModel],
        weights: NDArray[np.float32],
        settings: EnsembleConfig,
        calibration: Calibration,
    ) -> None:
        self.members = members
        self.weights = weights  # (M,) above 0; their sum is 1 / temperature
        self.class_ids = next(iter(members.values())).class_ids
        self.settings = settings
        self.calibration = calibration
        self._pair = _find_pair(members)

    @property
    def config(self) -> dict[str, Any]:
        """What it is and how it was made, for JSON."""
        weights = dict(zip(self.members, self.weights.tolist(), strict=True))
        return {"format": FORMAT, "kind": self.kind, "weights": weights, **self.settings.to_dict()}

    @classmethod
    def read(cls, folder: Path, device: str) -> "EnsembleModel":
        """The model in a folder whose files were checked. One that does not fit together raises BrokenArtifact."""
        try:
            stored = read_json(folder, "config.json")
            check_format(folder, stored, FORMAT)
            del stored["format"], stored["kind"]
            weights = {str(name): float(weight) for name, weight in stored.pop("weights").items()}
            settings = EnsembleConfig.from_dict(stored)
            calibration = Calibration(**read_json(folder, "calibration.json"))
            members: dict[str, BaseCategoryModel] = {}
            for name in weights:
                member = read_model(folder / name, device)
                if not isinstance(member, BaseCategoryModel):
                    raise ValueError(f"{name} cannot be a member")
                members[name] = member
            known = [member.class_ids.tolist() for member in members.values()]
            if not known or any(ids != known[0] for ids in known):
                raise ValueError("the members know different categories, or there are none")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BrokenArtifact(folder, "its content", f"does not fit together ({error})") from error
        return cls(members, np.array(list(weights.values()), np.float32), settings, calibration)

    def files(self) -> dict[str, Writer]:
        found: dict[str, Writer] = {
            "config.json": lambda path: write_json(path, self.config),
            "calibration.json": lambda path: write_json(path, vars(self.calibration)),
        }
        for name, member in self.members.items():
            found |= nest(name, member.files())
        return found

    def log_probabilities(self, products: Products) -> Iterator[Tensor]:
        """Log of the calibrated probabilities, (B, K), of the next products."""
        for start in range(0, len(products), PREDICT_ROWS):
            cut = products.slice(start, start + PREDICT_ROWS)
            with torch.inference_mode():
                yield _combine(list(self._ask(cut)), torch.from_numpy(self.weights))

    def _ask(self, products: Products) -> Iterator[Tensor]:
        """(B, K) of each member. Two that read the same n-grams have them encoded once."""
        shared: dict[str, Tensor] = {}
        if self._pair is not None:
            linear, title = self._pair
            texts = normalise_texts(products, title.settings.max_title_characters)
            encoded = encode(texts, title.vocabulary, title.tokenizer, title.settings)
            shared = {
                linear.kind: linear.log_probabilities_of(encoded.ngrams),
                title.kind: title.log_probabilities_of(encoded).cpu(),
            }
        for member in self.members.values():
            found = shared.get(member.kind)
            yield torch.cat([logs.cpu() for logs in member.log_probabilities(products)]) if found is None else found


def fit_ensemble(task: FitTask) -> EnsembleModel:
    """Train every member and weigh them; `task.config` holds the values of `EnsembleConfig`.

    A finished member is kept beside the checkpoints, so a fit that was cut short goes on with the next.
    """
    settings = EnsembleConfig.from_dict(task.config)
    names = _members_for(settings, len(task.class_ids))
    folder = task.folder / fingerprint_fit(task, settings)[:24]
    held_out = _some(task.validation, len(task.class_ids), settings.seed)
    members: dict[str, BaseCategoryModel] = {}
    answers: list[Tensor] = []
    for place, name in enumerate(names):
        member = _Member(task, settings, name, folder / name, held_out, place / len(names), 1 / len(names))
        members[name], logs = member.best()
        answers.append(logs)
    task.on_progress(FitProgress("calibrating", _FITTING))
    weights = fit_weights(answers, held_out, settings.least_rows)
    kept = weights / weights.sum() >= settings.least_share
    if not kept.all():
        answers = [logs for logs, keep in zip(answers, kept, strict=True) if keep]
        weights = fit_weights(answers, held_out, settings.least_rows)
    members = {name: member for (name, member), keep in zip(members.items(), kept, strict=True) if keep}
    shares = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(members, weights.tolist(), strict=True))
    task.on_progress(FitProgress("calibrating", 1.0, note=f"The members' weights: {shares}."))
    return EnsembleModel(members, weights, settings, _calibration(answers, weights, held_out))


def fit_weights(answers: Sequence[Tensor], held_out: LabeledProducts, least_rows: int) -> NDArray[np.float32]:
    """(M,) the powers, above 0, with which the members' log probabilities (N, K) have the least cross entropy.

    They need not sum to 1: members that err apart make a sharper answer together than each alone. A pull towards equal
    shares keeps few rows from going to extremes; below `least_rows` rows the shares are equal.
    """
    equal = 1.0 / len(answers)
    if len(held_out) < least_rows:
        return np.full(len(answers), equal, np.float32)
    target, row_weights = torch.from_numpy(held_out.labels), torch.from_numpy(held_out.weights / held_out.weights.sum())
    factors = torch.zeros(len(answers), requires_grad=True)  # weight = equal share * exp of it
    optimizer = torch.optim.LBFGS([factors], max_iter=50, tolerance_change=1e-6, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        logs = _combine(answers, equal * factors.exp())
        loss = (functional.nll_loss(logs, target, reduction="none") * row_weights).sum()
        loss = loss + _PULL * factors.square().sum() / (2 * len(held_out))
        loss.backward()
        return loss

    optimizer.step(closure)
    weights: NDArray[np.float32] = (equal * factors.detach().exp()).numpy().astype(np.float32)
    return weights


def _combine(answers: Sequence[Tensor], weights: Tensor) -> Tensor:
    """(B, K): normalised log of the product of probabilities to the power of their weights."""
    floor = float(np.log(_LEAST_PROBABILITY))
    return (
        torch.stack([weight * logs.clamp(min=floor) for logs, weight in zip(answers, weights, strict=True)])
        .sum(0)
        .log_softmax(1)
    )


@dataclass(frozen=True)
class _Member:
    """The training of one member, of each value of its choice in turn."""

    task: FitTask
    settings: EnsembleConfig
    name: str
    folder: Path
    held_out: LabeledProducts
    before: float  # of the progress bar
    share: float

    def best(self) -> tuple[BaseCategoryModel, Tensor]:
        """The member that the validation rows like best, and its log probabilities (N, K) of them."""
        tries = self.settings.tried(self.name)
        if len(self.held_out) < self.settings.least_rows:
            tries = tries[:1]
        found: list[tuple[float, int]] = []
        for place in range(len(tries)):
            logs = self._answers(self._fitted(tries, place))
            found.append((_cross_entropy(logs, self.held_out), place))
            if len(tries) > 1:
                said = ", ".join(f"{name} {value}" for name, value in tries[place].items())
                self._say(place, len(tries), FitProgress("training", 1.0, note=f"{said}: loss {found[-1][0]:.4f}"))
        model = self._fitted(tries, min(found)[1])
        return model, self._answers(model)

    def _fitted(self, tries: list[dict[str, Any]], place: int) -> BaseCategoryModel:
        """The member, trained or found on the disk."""
        kept, device = self.folder / f"finished-{place}", self.task.device
        try:
            found = load_model(kept, "cpu" if device == "auto" else device)
        except BrokenArtifact:
            part = replace(
                self.task,
                config=self.settings.of_member(self.name, tries[place]),
                folder=self.folder / f"fit-{place}",
                on_progress=lambda progress: self._say(place, len(tries), progress),
            )
            found = fit_text(self.name, part)
            found.save(kept)
        if not isinstance(found, BaseCategoryModel):
            raise TypeError(f"{self.name} cannot be a member")
        return found

    def _answers(self, model: BaseCategoryModel) -> Tensor:
        return torch.cat([*_logs(model, self.held_out.products)])

    def _say(self, place: int, n_tries: int, progress: FitProgress) -> None:
        note = None if progress.note is None else f"{self.name}: {progress.note}"
        fraction = self.before + self.share * (place + progress.fraction) / n_tries
        self.task.on_progress(replace(progress, fraction=_FITTING * fraction, note=note))


def _cross_entropy(logs: Tensor, rows: LabeledProducts) -> float:
    """Weighted mean over rows; 0 without rows."""
    if not len(rows):
        return 0.0
    losses = functional.nll_loss(logs, torch.from_numpy(rows.labels), reduction="none")
    return float((losses * torch.from_numpy(rows.weights / rows.weights.sum())).sum())


def _members_for(settings: EnsembleConfig, n_classes: int) -> tuple[str, ...]:
    """With more categories than one against the rest can serve, a label tree takes the place of the n-grams."""
    most = LinearConfig.from_dict(settings.of_member("ngrams", {})).max_classes
    if n_classes <= most or "ngrams" not in settings.members:
        return settings.members
    return tuple(dict.fromkeys("label_tree" if name == "ngrams" else name for name in settings.members))


def _find_pair(members: dict[str, BaseCategoryModel]) -> tuple[LinearNgramModel, TitleModel] | None:
    """The n-gram model and the title model when both read the same n-grams."""
    linear = next((member for member in members.values() if isinstance(member, LinearNgramModel)), None)
    title = next((member for member in members.values() if isinstance(member, TitleModel)), None)
    if linear is None or title is None:
        return None
    texts = ("max_title_characters", "char_ngrams", "word_ngrams")
    same = all(getattr(linear.settings, name) == getattr(title.settings, name) for name in texts)
    known, others = linear.vocabulary, title.vocabulary
    same = same and np.array_equal(known.hashes, others.hashes) and np.array_equal(known.starts, others.starts)
    return (linear, title) if same and np.array_equal(known.idf, others.idf) else None


def _logs(model: BaseCategoryModel, products: Products) -> Iterator[Tensor]:
    yield torch.empty(0, len(model.class_ids))
    for logs in model.log_probabilities(products):
        yield logs.detach().cpu().clone()  # a tensor of inference mode cannot take part in a gradient


def _some(rows: LabeledProducts, n_classes: int, seed: int) -> LabeledProducts:
    """`rows`, or a random part of them that keeps the memory bounded."""
    most = max(1, _MOST_SCORES // n_classes)
    if len(rows) <= most:
        return rows
    return rows.take(np.sort(np.random.default_rng(seed).permutation(len(rows))[:most]))


def _calibration(answers: Sequence[Tensor], weights: NDArray[np.float32], held_out: LabeledProducts) -> Calibration:
    """The weights are the calibration; how good it is on the same rows."""
    if not len(held_out):
        return Calibration()
    logs = _combine(answers, torch.from_numpy(weights))
    best = logs.max(1)
    right = best.indices.numpy() == held_out.labels
    error = expected_calibration_error(best.values.exp().numpy(), right)
    return Calibration(ece=error, n=len(held_out), details={"nll": _cross_entropy(logs, held_out)})
