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

MANY_LEFT_OUT = 32  # from here on it is cheaper to write over them than to look past them
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
        self.order, self.first, self.last = order, first, last  # (K, D) places in `order`

    def sums(self, probs: NDArray[np.float32], answers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probability (B, D) within the node of each level above, and at the end of, the path of `answers` (B,)."""
        so_far = np.zeros((len(probs), probs.shape[1] + 1))
        np.cumsum(probs[:, self.order], axis=1, out=so_far[:, 1:])
        rows = np.arange(len(probs))[:, None]
        return so_far[rows, self.last[answers]] - so_far[rows, self.first[answers]]


class _Rules:
    """`AnswerRules` as arrays for one model's classes."""

    def __init__(self, rules: AnswerRules, class_ids: NDArray[np.int64]) -> None:
        left_out = np.isin(class_ids, list(rules.left_out))
        # a model that may answer nothing at all would be of no use: then it answers what it knows
        self.left_out = np.flatnonzero(left_out) if not left_out.all() else np.empty(0, np.int64)
        self.n_answered = len(class_ids) - len(self.left_out)
        self.thresholds = rules.thresholds
        if self.thresholds is not None:
            known = self.thresholds.by_category
            values = {id_: np.inf if found.value is None else found.value for id_, found in known.items()}
            paths = self.thresholds.class_paths
            self.branches = Branches(paths)
            self.own = np.array([values.get(id_, np.inf) for id_ in class_ids.tolist()])  # (K,)
            # (K, D) nodes above, NOWHERE from the leaf on
            self.inner = np.where((paths >= 0) & (paths != class_ids[:, None]), paths, NOWHERE)
            self.above = np.array([[values.get(node, np.inf) for node in path] for path in self.inner.tolist()])

    def best(self, logs: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The k greatest log probabilities of each row that are not left out, and their places, both (B, k)."""
        if not len(self.left_out):
            return torch.topk(logs, k, 1)
        if len(self.left_out) > MANY_LEFT_OUT:
            left_out = torch.from_numpy(self.left_out).to(logs.device)
            return torch.topk(logs.index_fill(1, left_out, -torch.inf), k, 1)
        best, places = torch.topk(logs, k + len(self.left_out), 1)  # whatever is left out, k of them stay
        stays = torch.from_numpy(~np.isin(places.cpu().numpy(), self.left_out)).to(logs.device)
        first = torch.argsort(~stays, dim=1, stable=True)[:, :k]
        return best.gather(1, first), places.gather(1, first)

    def back_off(self, probs: NDArray[np.float32], answers: NDArray[np.int64]) -> NDArray[np.int64]:
        """The deepest node above `answers` (B,) that is sure, or NOWHERE."""
        is_sure = self.branches.sums(probs, answers) >= self.above[answers]  # (B, D)
        deepest = is_sure.shape[1] - 1 - is_sure[:, ::-1].argmax(axis=1)
        return np.where(is_sure.any(axis=1), self.inner[answers, deepest], NOWHERE)


@torch.inference_mode()
def answer_products(model: CategoryModel, products: Products, k: int, rules: AnswerRules) -> Answers:
    """The k best answers (fewer where there are fewer classes), best first, which are sure, and where they back off to.

    Probabilities stay as they are when classes are left out: a confidence is the chance of being right.
    """
    fitted = _Rules(rules, model.class_ids)
    k = min(k, fitted.n_answered)
    if not len(fitted.left_out) and fitted.thresholds is None:
        return Answers.all_sure(*model.predict_top(products, k))
    parts = [_none(k)]
    for logs in log_probabilities(model, products):
        best, found = fitted.best(logs, k)
        probs, places = best.exp().cpu().numpy(), found.cpu().numpy()
        part = Answers.all_sure(model.class_ids[places], probs)
        if fitted.thresholds is not None:
            unsure = np.flatnonzero(probs[:, 0] < fitted.own[places[:, 0]])
            part.abstained[unsure] = True
            # sums within branches only where they are needed
            doubtful = (
                logs.numpy()[unsure] if logs.is_cpu else logs[torch.from_numpy(unsure).to(logs.device)].cpu().numpy()
            )
            part.back_off_ids[unsure] = fitted.back_off(np.exp(doubtful), places[unsure, 0])
        parts.append(part)
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
        best, places = (found[:, 0].cpu() for found in fitted.best(logs, 1))
        first = places.numpy()
        found = branches.sums(logs.exp().cpu().numpy(), first).astype(np.float32)
        found[np.arange(len(found)), levels[first] - 1] = best.exp().numpy()  # to the last digit what is compared later
        answers.append(first)
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
