"""How a network's outputs become categories: one softmax, a softmax a sibling group, or several labels a product.

A head has no parameters. It says how many outputs the network needs (`n_outputs`), what they mean
(`log_probabilities`) and what they should have been (`loss`).
"""

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional

from models.config import HEADS
from models.errors import NoTree


class Head(nn.Module, ABC):
    """The meaning of a network's outputs for K classes."""

    n_outputs: int  # M
    calibration_kind = "softmax"  # how verdicts become probabilities: models/calibration.py
    # plain gradient descent steps so many times as far as with the hinge: a log loss wants larger scores, by smaller
    # gradients (joint model on mercadona, validation P@1: .64 at 1, .77 at 10, .80 at 30)
    step_scale = 30.0

    @abstractmethod
    def log_probabilities(self, scores: Tensor) -> Tensor:
        """Log of each class's probability, (B, K), rows sum to 1, of the network's outputs (B, M)."""

    @abstractmethod
    def losses(self, scores: Tensor, labels: Tensor, alternatives: sparse.csr_matrix | None = None) -> Tensor:
        """The loss of each row, (B,): scores (B, M), labels (B,) int64 in 0..K-1.

        `alternatives` (B, K) is true where a further category was accepted. Only several_labels reads them.
        """

    def loss(
        self, scores: Tensor, labels: Tensor, weights: Tensor, alternatives: sparse.csr_matrix | None = None
    ) -> Tensor:
        """The batch's loss, 0-dim: the sum over rows of weight (B,), at least 0, times loss, divided by B."""
        return (self.losses(scores, labels, alternatives) * weights).mean()

    def verdicts(self, scores: Tensor) -> Tensor:
        """What calibration starts from, (B, K): the best class has the highest."""
        return self.log_probabilities(scores)

    def initial_bias(self) -> float:
        """Where the outputs' bias begins."""
        return 0.0


def make_head(
    name: str, n_classes: int, class_paths: NDArray[np.int64] | None = None, label_frequency: float = 0.95
) -> Head:
    """The head of this name. `class_paths` (K, D) as in FitTask; only hierarchical needs them, and raises NoTree."""
    if name == "hierarchical":
        if class_paths is None:
            raise NoTree()
        return HierarchicalHead(class_paths)
    if name == "several_labels":
        return SeveralLabelsHead(n_classes, label_frequency)
    if name == "flat":
        return FlatHead(n_classes)
    raise ValueError(f"head must be one of {', '.join(HEADS)}")


class FlatHead(Head):
    """One softmax over all classes, one right answer a row."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.n_outputs = n_classes

    def log_probabilities(self, scores: Tensor) -> Tensor:
        return scores.float().log_softmax(1)

    def losses(self, scores: Tensor, labels: Tensor, alternatives: sparse.csr_matrix | None = None) -> Tensor:
        return functional.cross_entropy(scores.float(), labels, reduction="none")


class MarginHead(FlatHead):
    """One against the rest, with a squared hinge: the flat head of models that are linear in n-grams.

    The loss of a linear support vector machine: the right class should score above 1, every other below -1. On short
    titles it beat cross entropy there (docs/decisions/0002). Each score is a verdict on its own.
    """

    calibration_kind = "sigmoid"
    step_scale = 1.0

    def losses(self, scores: Tensor, labels: Tensor, alternatives: sparse.csr_matrix | None = None) -> Tensor:
        sign = torch.full_like(scores, -1.0).scatter_(1, labels[:, None], 1.0)
        return functional.relu(1.0 - sign * scores).square().sum(1)

    def verdicts(self, scores: Tensor) -> Tensor:
        return scores


class HierarchicalHead(Head):
    """A softmax in every group of siblings; a class's probability is the product along its path from the root.

    Never greedy: all paths are multiplied out, so a wrong turn near the root can be outvoted below. This is the
    conditional-probability tree of Morin and Bengio 2005 on the shop's own tree. A group of one has probability 1 and
    no output. A class that has classes below it is beside its own children as 'this itself'.
    """

    group: Tensor
    path: Tensor

    def __init__(self, class_paths: NDArray[np.int64]) -> None:
        super().__init__()
        path, group = _number_nodes(class_paths)
        self.n_outputs, self.n_groups = len(group), int(group.max(initial=-1)) + 1
        # (M,) the sibling group of each output; (K, D) the outputs along each class's path, M where there is none
        self.register_buffer("group", torch.from_numpy(group), persistent=False)
        self.register_buffer("path", torch.from_numpy(path), persistent=False)

    def log_probabilities(self, scores: Tensor) -> Tensor:
        nodes = self._log_nodes(scores)  # (B, M + 1)
        found = nodes.new_zeros(len(nodes), len(self.path))
        for outputs in self.path.unbind(1):  # level by level: (B, K, D) at once would be D times the memory
            found = found + nodes.index_select(1, outputs)
        return found

    def losses(self, scores: Tensor, labels: Tensor, alternatives: sparse.csr_matrix | None = None) -> Tensor:
        return -self._log_nodes(scores).gather(1, self.path[labels]).sum(1)

    def _log_nodes(self, scores: Tensor) -> Tensor:
        """Log probability of each node among its siblings, (B, M + 1); the last column is 0: what needs no choice."""
        scores = scores.float()
        group = self.group.expand(len(scores), -1)  # (B, M)
        highest = scores.new_full((len(scores), self.n_groups), -torch.inf)
        highest = highest.scatter_reduce(1, group, scores.detach(), "amax")
        rest = (scores - highest.gather(1, group)).exp()
        sums = torch.zeros_like(highest).index_add(1, self.group, rest)  # (B, G), each at least 1
        logs = scores - (highest + sums.log()).gather(1, group)
        return functional.pad(logs, (0, 1))


class SeveralLabelsHead(Head):
    """A yes or no for each class, learned from positive and unlabeled rows: several may be right for one product.

    A label says its class is right, an accepted alternative too; what nobody said is unlabeled, not wrong. Of the
    classes that are right for a product the share `label_frequency` e is labeled, whichever they are ("selected
    completely at random", Elkan and Noto 2008), so a label is seen with probability e * sigmoid(score). The loss is
    minus the log likelihood of what was seen, the modified logistic regression of Jaskie, Elkan and Spanias 2019 (with
    e given): -log sigmoid(score) where labeled, -log(1 - e * sigmoid(score)) where not. The punishment of an unlabeled
    class is never above -log(1 - e), and a class labeled in half of the rows like these may reach probability 1 with
    e = 1/2, where cross entropy stops at 1/2. With e = 1 it is binary cross entropy.
    """

    def __init__(self, n_classes: int, label_frequency: float) -> None:
        super().__init__()
        self.n_outputs, self.label_frequency = n_classes, label_frequency

    def initial_bias(self) -> float:
        return -float(np.log(max(2, self.n_outputs)))

    def log_probabilities(self, scores: Tensor) -> Tensor:
        """As for every head rows sum to 1: each class's chance divided by the row's sum."""
        return functional.logsigmoid(scores.float()).log_softmax(1)

    def label_probabilities(self, scores: Tensor) -> Tensor:
        """The chance that each class is right, (B, K), whatever the others are: rows may sum to more than 1."""
        return scores.float().sigmoid()

    def losses(self, scores: Tensor, labels: Tensor, alternatives: sparse.csr_matrix | None = None) -> Tensor:
        scores = scores.float()
        labeled = torch.zeros_like(scores).scatter_(1, labels[:, None], 1.0)
        if alternatives is not None and alternatives.nnz:
            further = alternatives.tocoo()
            accepted = further.data.astype(bool)
            rows, columns = (torch.from_numpy(part[accepted].astype(np.int64)) for part in (further.row, further.col))
            labeled[rows.to(labeled.device), columns.to(labeled.device)] = 1.0
        seen = -functional.logsigmoid(scores)
        # -log(1 - e s) = -log(sigmoid(-z)) - log(1 + (1 - e) exp(z)): finite however high the score z is
        unseen = functional.softplus(scores)
        if self.label_frequency < 1.0:
            unseen = unseen - functional.softplus(scores + float(np.log(1.0 - self.label_frequency)))
        return torch.where(labeled > 0, seen, unseen).sum(1)


def _number_nodes(class_paths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(path (K, D) of output numbers, group (M,) of each output). Groups of one have no output: M stands there."""
    paths = [tuple(node for node in path if node >= 0) for path in class_paths.tolist()]
    inner = {path[:depth] for path in paths for depth in range(len(path))}
    # a class that others lie below ends one step further down, at itself
    paths = [(*path, path[-1]) if path in inner else path for path in paths]
    children: dict[tuple[int, ...], set[int]] = {}
    for path in paths:
        for depth, node in enumerate(path):
            children.setdefault(path[:depth], set()).add(node)
    outputs: dict[tuple[int, ...], int] = {}
    group: list[int] = []
    for parent, found in children.items():
        if len(found) > 1:
            number = group[-1] + 1 if group else 0
            for node in sorted(found):
                outputs[(*parent, node)] = len(group)
                group.append(number)
    depth = max(map(len, paths))
    numbered = np.full((len(paths), depth), len(group), np.int64)
    for row, path in enumerate(paths):
        for level in range(len(path)):
            numbered[row, level] = outputs.get(path[: level + 1], len(group))
    return numbered, np.array(group, np.int64)
