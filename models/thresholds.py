"""Confidence thresholds that promise a precision: from which confidence on an answer is sure enough, for each category.

Learn Then Test (Angelopoulos et al. 2021) with the p-values and the sequential test of `mapie`. Confidences of held-out
rows are tried as thresholds from high to low; each is a hypothesis 'the precision from here on is below the target',
and the lowest one down to which all are refuted is taken. So with probability 1 - ERROR_RATE the precision of the
answers above a threshold is the target or more, however wrong the probabilities are. What it assumes: new rows are
like the held-out ones, and higher confidence is not less precise. Near-duplicates are right or wrong together and would
count as so many proofs, so only one row of each group of them has a say.

A category with too few rows shares a threshold with those of its siblings that have too few, then with those of its
parent's siblings, up to the whole tree: the promise is then about the answers that share it. Rows whose leaf is not
sure are tried on the nodes above it likewise, deepest first.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.artifact import read_json, write_json
from models.errors import BrokenArtifact

FILE, FORMAT = "thresholds.json", 1  # in the artifact, beside the model
ERROR_RATE = 0.1  # the chance that a threshold promises too much
POOL_FACTOR = 7  # a category has its own threshold from so many times `least_rows` on: docs/decisions
START = 0.25  # the surest quarter of the rows is tried first: fewer are too easily spoilt by one wrong label
DRAW_SEED = 7
N_TRIED = 200  # confidences tried as thresholds of one pool, at most

Tree = NDArray[np.int64]  # (K, D) ids root .. leaf of K classes, padded with -1
Members = NDArray[np.int64]


@dataclass(frozen=True)
class Threshold:
    """From which confidence on answers are sure; none where no confidence promises the target."""

    value: float | None
    n: int  # held-out rows it was chosen on, one a group of near-duplicates, those of siblings included if shared


@dataclass(frozen=True)
class Thresholds:
    """A threshold for each category that a model answers, and for each node above one."""

    target: float  # the precision they promise, 0..1
    n: int  # held-out rows in all, one a group of near-duplicates
    class_paths: Tree  # (K, D), the tree when they were chosen
    by_category: dict[int, Threshold]

    def write(self, path: Path) -> None:
        """A file beside the model's."""
        chosen = {str(id_): [threshold.value, threshold.n] for id_, threshold in self.by_category.items()}
        values = {"target": self.target, "n": self.n, "class_paths": self.class_paths.tolist(), "thresholds": chosen}
        write_json(path, {"format": FORMAT, "error_rate": ERROR_RATE, **values})

    @classmethod
    def find(cls, folder: Path) -> "Thresholds | None":
        """Those of an artifact; none where it has none. A file that does not fit together raises BrokenArtifact."""
        if not (folder / FILE).is_file():
            return None
        stored = read_json(folder, FILE)
        try:
            if stored["format"] != FORMAT:
                raise BrokenArtifact(folder, FILE, "is of another format")
            chosen = {int(id_): Threshold(value, n) for id_, (value, n) in stored["thresholds"].items()}
            return cls(stored["target"], stored["n"], np.array(stored["class_paths"], np.int64), chosen)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BrokenArtifact(folder, FILE, f"does not fit together ({error})") from error


def least_rows(target: float) -> int:
    """How many rows, all of them right, are needed to promise the target precision: 45 for .95."""
    return math.ceil(math.log(ERROR_RATE) / math.log(target))


def choose_threshold(confidences: NDArray[np.float32], is_right: NDArray[np.bool_], target: float) -> Threshold:
    """The lowest confidence from which on the answers (N,) promise the target precision, 0 < target < 1.

    The rows must be independent of one another.
    """
    from mapie.risk_control import control_fwer
    from mapie.risk_control.methods import compute_hoeffding_bentkus_p_value

    n = len(confidences)
    order = np.argsort(-confidences, kind="stable")
    falling, n_wrong = confidences[order].astype(np.float64), np.cumsum(~is_right[order])
    ends = np.flatnonzero(np.append(falling[1:] != falling[:-1], n > 0))  # equal confidences stand and fall together
    ends = ends[ends + 1 >= max(least_rows(target), START * n)]
    if not len(ends):
        return Threshold(None, n)
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, N_TRIED).astype(np.int64))]
    # a hair less than the share: n x share is rounded up in there, and must not become one more
    shares = np.maximum(n_wrong[ends] - 1e-6, 0) / (ends + 1)
    p_values = compute_hoeffding_bentkus_p_value(shares, ends + 1, 1 - target, binary=True)[:, 0]
    refuted = control_fwer(p_values, ERROR_RATE, "fixed_sequence")
    return Threshold(float(falling[ends[refuted[-1]]]) if len(refuted) else None, n)


def choose_thresholds(
    answers: NDArray[np.int64],
    sums: NDArray[np.float32],
    labels: NDArray[np.int64],
    class_paths: Tree,
    target: float,
    groups: NDArray[np.int64] | None = None,
) -> Thresholds | None:
    """Thresholds for each class and each node above, from N held-out rows.

    None where the target cannot be promised for any of them, as there are too few rows or too many wrong labels: then
    every answer would be hard to predict, and a warning that is always on warns of nothing.

    `answers` and `labels` (N,) are positions 0..K-1; `sums` (N, D) the probability within the answer's node of each
    level, the last filled one being the answer's own (models.answering); `class_paths` (K, D); `groups` (N,) a number
    that near-duplicates share, none where no two rows are.
    """
    groups = np.arange(len(labels)) if groups is None else groups
    n_groups = len(np.unique(groups))
    if not 0 < target < 1 or n_groups < least_rows(target):
        return None
    n_levels = (class_paths >= 0).sum(axis=1)  # (K,), the leaf's own level included
    # which row of a group has a say is drawn here: in any order that knows the confidences it would not be fair
    rows, found = np.random.default_rng(DRAW_SEED).permutation(len(labels)), dict[int, Threshold]()
    for level in range(class_paths.shape[1] - 1, -2, -1):
        if level == class_paths.shape[1] - 1:  # the leaves themselves, however deep they lie
            paths, places, of_row = class_paths, np.arange(len(class_paths)), n_levels[answers[rows]] - 1
        else:
            rows = rows[n_levels[answers[rows]] > level + 1]
            paths, places = np.unique(class_paths[:, : level + 1], axis=0, return_inverse=True)
            of_row = np.full(len(rows), level)
        if level < 0 or not len(rows):
            break
        node_of, scores = places[answers[rows]], sums[rows, of_row]
        is_right = places[labels[rows]] == node_of
        values = _choose_for(paths, node_of, groups[rows], scores, is_right, target, found)
        rows = rows[scores < values[node_of]]
    can_promise = any(chosen.value is not None for chosen in found.values())
    return Thresholds(target, n_groups, class_paths, found) if can_promise else None


def _choose_for(
    paths: Tree,
    node_of: NDArray[np.int64],
    groups: NDArray[np.int64],
    scores: NDArray[np.float32],
    is_right: NDArray[np.bool_],
    target: float,
    found: dict[int, Threshold],
) -> NDArray[np.float64]:
    """Thresholds of the nodes that end `paths` (M, D), into `found`; returns them (M,), infinite for 'never'."""
    values, ends = np.full(len(paths), np.inf), paths[np.arange(len(paths)), (paths >= 0).sum(axis=1) - 1]
    least = least_rows(target)
    for members, pool in _pools(paths, node_of, groups, POOL_FACTOR * least, least):
        chosen = choose_threshold(scores[pool], is_right[pool], target)
        found.update((int(ends[member]), chosen) for member in members if int(ends[member]) not in found)
        values[members] = np.inf if chosen.value is None else chosen.value
    return values


def _pools(
    paths: Tree, node_of: NDArray[np.int64], groups: NDArray[np.int64], enough: int, least: int
) -> Iterator[tuple[Members, Members]]:
    """Nodes that share a threshold, with the rows it is chosen on, bottom up: alone where a node has enough rows.

    `paths` (M, D) of the nodes, `node_of` (N,) which of them each row answers, `groups` (N,) of near-duplicates, of
    which the first row in a pool stands for all.
    """
    said = _first_of_each(node_of * (groups.max(initial=0) + 1) + groups)  # one a node and group
    counts = np.bincount(node_of[said], minlength=len(paths))
    order, starts = said[np.argsort(node_of[said], kind="stable")], np.concatenate([[0], np.cumsum(counts)])

    def rows_of(members: Members) -> Members:
        rows = np.sort(np.concatenate([order[starts[member] : starts[member + 1]] for member in members]))
        return rows[_first_of_each(groups[rows])]  # type: ignore[no-any-return]

    alone = np.flatnonzero(counts >= enough)
    yield from ((np.array([member]), rows_of(np.array([member]))) for member in alone)
    left = np.flatnonzero(counts < enough)
    levels = (paths >= 0).sum(axis=1)
    for depth in range(paths.shape[1] - 2, -1, -1):
        below = levels[left] > depth + 1
        parents, inverse = np.unique(paths[left, depth], return_inverse=True)
        n_rows = np.bincount(inverse[below], weights=counts[left[below]], minlength=len(parents))
        shares = below & (n_rows >= enough)[inverse]
        for parent in np.unique(inverse[shares]):
            members = left[shares & (inverse == parent)]
            yield members, rows_of(members)
        left = left[~shares]
    if len(left):
        rows = rows_of(left)
        yield left, rows if len(rows) >= least else _first_of_each(groups)


def _first_of_each(keys: NDArray[np.int64]) -> Members:
    """The places of the first of each, ascending."""
    return np.sort(np.unique(keys, return_index=True)[1]).astype(np.int64)
