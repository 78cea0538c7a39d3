"""Probabilities of many rows over thousands of classes in little memory: the best few of each row are kept."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_KEPT = 32  # classes a row; 256 bytes
BLOCK = 4_000_000  # numbers of a dense block: 16 MB


@dataclass(frozen=True)
class KeptAnswers:
    """The M best probabilities of N rows; what is left of each row is spread evenly over its other classes."""

    columns: NDArray[np.int32]  # (N, M)
    values: NDArray[np.float32]  # (N, M), a row sums to at most 1
    n_classes: int

    @classmethod
    def empty(cls, n: int, n_classes: int) -> "KeptAnswers":
        """To be filled by `put`."""
        width = min(N_KEPT, n_classes)
        return cls(np.zeros((n, width), np.int32), np.zeros((n, width), np.float32), n_classes)

    def __len__(self) -> int:
        return len(self.columns)

    def put(self, rows: NDArray[np.int64], pred_probs: NDArray[np.float32]) -> None:
        """Keep the best of `pred_probs` (B, K) for these rows."""
        width = self.columns.shape[1]
        best = np.argpartition(-pred_probs, width - 1, axis=1)[:, :width]
        self.columns[rows] = best
        self.values[rows] = np.take_along_axis(pred_probs, best, 1)

    def dense(self, rows: NDArray[np.int64] | slice) -> NDArray[np.float32]:
        """pred_probs (B, K) of these rows, each summing to 1."""
        columns, values = self.columns[rows], self.values[rows]
        rest = np.maximum(1.0 - values.sum(1, keepdims=True), 0.0) / max(1, self.n_classes - columns.shape[1])
        found = np.repeat(rest.astype(np.float32), self.n_classes, axis=1)
        np.put_along_axis(found, columns, values, 1)
        return found


def block_rows(n_classes: int) -> int:
    """How many rows of this many classes a dense block holds."""
    return max(1, BLOCK // max(1, n_classes))


def mixed(views: list[KeptAnswers], rows: NDArray[np.int64] | slice) -> NDArray[np.float32]:
    """The geometric mean (B, K) of several views' probabilities, rows summing to 1.

    A view that is sure of nothing changes nothing; a floor keeps one view's zero from deciding alone.
    """
    total = np.zeros((1, 1), np.float32)
    for view in views:
        total = total + np.log(view.dense(rows) + np.float32(1e-3))
    total = np.exp(total / len(views))
    return np.asarray(total / total.sum(1, keepdims=True), np.float32)
