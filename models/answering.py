"""From probabilities to answers: the first few, which of them are sure, and how far up the tree the others are."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.answers import NOWHERE, AnswerRules, Answers
from models.category_model import BaseCategoryModel
from models.thresholds import Tree
from models.types import CategoryModel, Products

PROBABILITY_ROWS = 2_048  # asked at a time of a model that gives no log probabilities


class Branches:
    """Sums of probabilities within the nodes of a tree: the classes below a node lie side by side."""

    def __init__(self, class_paths: Tree) -> None:
        order = np.lexsort(class_paths.T[::-1])
        paths = class_paths[order]
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        new = np.zeros(len(order), np.bool_)
        first, last = np.empty_like(class_paths), np.empty_like(class_paths)
        for level in range(class_paths.shape[1]):
            new[1:] |= paths[1:, level] != paths[:-1, level]
            starts = np.flatnonzero(np.append(True, new[1:]))
            group = np.cumsum(np.append(False, new[1:]))
            first[:, level] = starts[group][places]
            last[:, level] = np.append(starts[1:], len(order))[group][places]
        self.order = torch.from_numpy(order)
        self.first, self.last = torch.from_numpy(first), torch.from_numpy(last)  # (K, D) places in `order`

    def sums(self, probs: Tensor, answers: Tensor) -> Tensor:
        """Probability (B, D) within the node of each level above, and at the end of, the path of `answers` (B,)."""
        so_far = torch.zeros(len(probs), probs.shape[1] + 1, dtype=torch.float64, device=probs.device)
        torch.cumsum(probs[:, self.order], 1, dtype=torch.float64, out=so_far[:, 1:])
        return so_far.gather(1, self.last[answers]) - so_far.gather(1, self.first[answers])


class _Rules:
    """`AnswerRules` as tensors for one model's classes."""

    def __init__(self, rules: AnswerRules, class_ids: NDArray[np.int64]) -> None:
        left_out = np.isin(class_ids, list(rules.left_out))
        # a model that may answer nothing at all would be of no use: then it answers what it knows
        self.left_out = torch.from_numpy(left_out) if left_out.any() and not left_out.all() else None
        self.n_answered = len(class_ids) - (int(left_out.sum()) if self.left_out is not None else 0)
        self.thresholds = rules.thresholds
        if self.thresholds is not None:
            known = self.thresholds.by_category
            values = {id_: np.inf if found.value is None else found.value for id_, found in known.items()}
            paths = self.thresholds.class_paths
            self.paths = torch.from_numpy(paths)
            self.branches = Branches(paths)
            self.own = torch.tensor([values.get(int(id_), np.inf) for id_ in class_ids])  # (K,)
            inner = np.where((paths >= 0) & (paths != class_ids[:, None]), paths, NOWHERE)
            self.inner = torch.from_numpy(inner)  # (K, D) nodes above, -1 from the leaf on
            self.above = torch.tensor([[values.get(node, np.inf) for node in path] for path in inner.tolist()])

    def allowed(self, logs: Tensor) -> Tensor:
        """Log probabilities (B, K) with minus infinity for what is left out."""
        return logs if self.left_out is None else logs.masked_fill(self.left_out, -torch.inf)

    def to(self, device: torch.device) -> "_Rules":
        """Itself, where the probabilities are."""
        for owner in (self, getattr(self, "branches", None)):
            for name, value in vars(owner).items() if owner else ():
                if isinstance(value, Tensor):
                    setattr(owner, name, value.to(device))
        return self

    def back_off(self, probs: Tensor, answers: Tensor) -> Tensor:
        """The deepest node above `answers` (B,) that is sure, or NOWHERE."""
        is_sure = self.branches.sums(probs, answers) >= self.above[answers]  # (B, D)
        levels = torch.arange(1, is_sure.shape[1] + 1, device=probs.device) * is_sure
        deepest = levels.max(1).values  # 0: none
        nodes = self.inner[answers].gather(1, (deepest - 1).clamp(min=0)[:, None])[:, 0]
        return torch.where(deepest > 0, nodes, NOWHERE)


@torch.inference_mode()
def answer_products(model: CategoryModel, products: Products, k: int, rules: AnswerRules) -> Answers:
    """The k best answers (fewer where there are fewer classes), best first, which are sure, and where they back off to.

    Probabilities stay as they are when classes are left out: a confidence is the chance of being right.
    """
    fitted = _Rules(rules, model.class_ids)
    k = min(k, fitted.n_answered)
    if fitted.left_out is None and fitted.thresholds is None:
        return Answers.all_sure(*model.predict_top(products, k))
    parts = [_none(k)]
    for logs in log_probabilities(model, products):
        fitted.to(logs.device)
        allowed = fitted.allowed(logs)
        best, places = torch.topk(allowed, k, 1)
        probs, first = best.exp(), places[:, 0]
        unsure, back_off = torch.zeros_like(first, dtype=torch.bool), torch.full_like(first, NOWHERE)
        if fitted.thresholds is not None:
            unsure = probs[:, 0] < fitted.own[first]
            back_off[unsure] = fitted.back_off(logs[unsure].exp(), first[unsure])
        ids = model.class_ids[places.cpu().numpy()]
        parts.append(Answers(ids, *(found.cpu().numpy() for found in (probs, unsure, back_off))))
    return Answers.joined(parts)


@torch.inference_mode()
def answer_sums(
    model: CategoryModel, products: Products, class_paths: Tree, left_out: frozenset[int]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """What `choose_thresholds` reads: the first answers' positions (N,) and the sums (N, D) along their paths."""
    fitted = _Rules(AnswerRules(left_out=left_out), model.class_ids)
    branches = Branches(class_paths)
    levels = (class_paths >= 0).sum(axis=1)
    answers, sums = [np.empty(0, np.int64)], [np.empty((0, class_paths.shape[1]), np.float32)]
    for logs in log_probabilities(model, products):
        logs = logs.cpu()
        best = fitted.allowed(logs).max(1)
        found = branches.sums(logs.exp(), best.indices).float().numpy()
        own = levels[best.indices.numpy()] - 1
        found[np.arange(len(found)), own] = best.values.exp().numpy()  # to the last digit what is compared later
        answers.append(best.indices.numpy())
        sums.append(found)
    return np.concatenate(answers), np.concatenate(sums)


def log_probabilities(model: CategoryModel, products: Products) -> Iterator[Tensor]:
    """Log of the calibrated probabilities, (B, K), chunk by chunk, of any model."""
    if isinstance(model, BaseCategoryModel):
        yield from model.log_probabilities(products)
        return
    for start in range(0, len(products), PROBABILITY_ROWS):
        probs = model.predict_proba(products.slice(start, start + PROBABILITY_ROWS))
        yield torch.from_numpy(probs).clamp(min=torch.finfo(torch.float32).tiny).log()


def _none(k: int) -> Answers:
    return Answers.all_sure(np.empty((0, k), np.int64), np.empty((0, k), np.float32))
