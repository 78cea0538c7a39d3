"""Heads: what they make of scores, and what they learn from labels whose truth is known."""

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import Tensor

from models.errors import NoTree
from models.heads import FlatHead, Head, HierarchicalHead, SeveralLabelsHead, make_head

# root 1 with 2 (leaves 4, 5) and 3 (leaf 6); 7 has no siblings below it
PATHS = np.array([[1, 2, 4], [1, 2, 5], [1, 3, 6], [9, 7, -1]])
ONE = torch.ones(1)


def learn(head: Head, labels: list[int], alternatives: sparse.csr_matrix | None = None, steps: int = 3000) -> Tensor:
    """The outputs (1, M) that suit rows which all look alike."""
    scores = torch.zeros(1, head.n_outputs, requires_grad=True)
    optimizer = torch.optim.Adam([scores], lr=0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        rows = scores.expand(len(labels), -1)
        head.loss(rows, torch.tensor(labels), torch.ones(len(labels)), alternatives).backward()
        optimizer.step()
    return scores.detach()


def accepted(*pairs: tuple[int, int], shape: tuple[int, int]) -> sparse.csr_matrix:
    found = np.zeros(shape, bool)
    for row, column in pairs:
        found[row, column] = True
    return sparse.csr_matrix(found)


@pytest.mark.parametrize("name", ["flat", "hierarchical", "several_labels"])
def test_probabilities_of_a_row_sum_to_1(name: str) -> None:
    head = make_head(name, 4, PATHS)
    scores = torch.randn(6, head.n_outputs, generator=torch.Generator().manual_seed(0)) * 30
    logs = head.log_probabilities(scores)
    assert logs.shape == (6, 4)
    assert torch.allclose(logs.exp().sum(1), torch.ones(6), atol=1e-5)


@pytest.mark.parametrize("name", ["flat", "hierarchical", "several_labels"])
@pytest.mark.parametrize("size", [0.0, 1e4])
def test_loss_and_gradient_are_numbers_whatever_the_scores(name: str, size: float) -> None:
    head = make_head(name, 4, PATHS)
    scores = (torch.randn(5, head.n_outputs, generator=torch.Generator().manual_seed(1)) * size).requires_grad_()
    loss = head.loss(scores, torch.tensor([0, 1, 2, 3, 0]), torch.ones(5))
    loss.backward()
    assert loss.isfinite()
    assert scores.grad is not None
    assert scores.grad.isfinite().all()


@pytest.mark.parametrize("name", ["flat", "hierarchical", "several_labels"])
def test_a_row_of_weight_3_counts_as_three(name: str) -> None:
    head = make_head(name, 4, PATHS)
    scores = torch.randn(2, head.n_outputs, generator=torch.Generator().manual_seed(2))
    heavy = head.loss(scores, torch.tensor([1, 2]), torch.tensor([3.0, 1.0])) * 2
    thrice = head.loss(scores[[0, 0, 0, 1]], torch.tensor([1, 1, 1, 2]), torch.ones(4)) * 4
    assert float(heavy) == pytest.approx(float(thrice), rel=1e-5)


def test_paths_are_multiplied_out() -> None:
    head = HierarchicalHead(PATHS)
    assert head.n_outputs == 6  # 1 or 9; 2 or 3; 4 or 5; nothing to choose at 6 and 7
    scores = torch.tensor([[0.4, 0.6, 0.5, 0.5, 0.9, 0.1]]).log()
    found = head.log_probabilities(scores).exp()[0].tolist()
    assert found == pytest.approx([0.4 * 0.5 * 0.9, 0.4 * 0.5 * 0.1, 0.4 * 0.5, 0.6], abs=1e-6)


def test_the_most_probable_path_may_begin_with_the_less_probable_turn() -> None:
    head = HierarchicalHead(np.array([[1, 3], [1, 4], [1, 5], [2, 6]]))
    scores = torch.tensor([[0.6, 0.4, 1 / 3, 1 / 3, 1 / 3]]).log()
    assert int(head.log_probabilities(scores).argmax()) == 3  # greedy would go to 1


def test_a_class_above_other_classes_competes_with_them() -> None:
    head = HierarchicalHead(np.array([[1, -1], [1, 2], [3, -1]]))
    found = head.log_probabilities(torch.zeros(1, head.n_outputs)).exp()[0].tolist()
    assert found == pytest.approx([0.25, 0.25, 0.5])


def test_the_hierarchical_loss_is_minus_the_log_of_the_path() -> None:
    head = HierarchicalHead(PATHS)
    scores = torch.randn(4, head.n_outputs, generator=torch.Generator().manual_seed(3))
    labels = torch.arange(4)
    wanted = -head.log_probabilities(scores)[labels, labels].mean()
    assert torch.isclose(head.loss(scores, labels, torch.ones(4)), wanted)


def test_without_a_tree_there_is_no_hierarchical_head() -> None:
    with pytest.raises(NoTree, match="flat head"):
        make_head("hierarchical", 4)
    with pytest.raises(ValueError, match="flat, hierarchical, several_labels"):
        make_head("greedy", 4)


def test_a_tree_of_one_level_is_a_flat_softmax() -> None:
    head = HierarchicalHead(np.array([[5], [3], [9]]))
    scores = torch.tensor([[1.0, 2.0, 3.0]])  # of 3, 5, 9: siblings are in order of their ids
    assert torch.allclose(head.log_probabilities(scores)[:, [1, 0, 2]], FlatHead(3).log_probabilities(scores))


def test_an_accepted_alternative_is_as_right_as_the_label() -> None:
    head = SeveralLabelsHead(5, 0.8)
    scores = learn(head, [0, 0], accepted((0, 2), (1, 2), shape=(2, 5)))
    chances = head.label_probabilities(scores)[0]
    assert chances[[0, 2]].min() > 0.95
    assert chances[[1, 3, 4]].max() < 0.05
    assert head.log_probabilities(scores).exp()[0, [0, 2]].tolist() == pytest.approx([0.5, 0.5], abs=0.01)


def test_an_alternative_of_a_stored_0_was_not_accepted() -> None:
    stored = sparse.csr_matrix((np.array([False]), np.array([1]), np.array([0, 1])), shape=(1, 3))
    head, scores = SeveralLabelsHead(3, 0.8), torch.randn(1, 3, generator=torch.Generator().manual_seed(4))
    assert head.loss(scores, torch.tensor([0]), ONE, stored) == head.loss(scores, torch.tensor([0]), ONE)


def test_an_unlabeled_co_label_is_not_pushed_down() -> None:
    """Products that belong to 0 and to 1, of which people named one or the other; 2 is never right."""
    head, labels = SeveralLabelsHead(3, 0.5), [0, 1] * 4
    chances = head.label_probabilities(learn(head, labels))[0]
    assert chances[:2].min() > 0.95
    assert chances[2] < 0.05
    cross_entropy = SeveralLabelsHead(3, 1.0)
    assert cross_entropy.label_probabilities(learn(cross_entropy, labels))[0, :2].tolist() == pytest.approx(
        [0.5, 0.5], abs=0.01
    )
    flat = FlatHead(3)
    assert flat.log_probabilities(learn(flat, labels)).exp()[0, :2].tolist() == pytest.approx([0.5, 0.5], abs=0.01)


def test_the_punishment_of_an_unlabeled_class_is_bounded() -> None:
    head = SeveralLabelsHead(2, 0.8)
    sure = head.loss(torch.tensor([[50.0, 50.0]]), torch.tensor([0]), ONE)
    assert float(sure) == pytest.approx(-np.log(0.2), rel=1e-4)
