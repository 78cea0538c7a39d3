"""One node of the tree: linear matchers, one a child, trained against each other; their weights, and asking them."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.label_tree.config import LabelTreeConfig

_BYTES_A_VALUE = 12  # of a sparse row in memory: a float64 and its column
_BYTES_A_COPY = 16  # liblinear's own copy of it, one for each thread

Column = tuple[NDArray[np.int32], NDArray[np.float32], float]  # columns and values of the weights, and the bias


@dataclass(frozen=True)
class NodeWeights:
    """Sparse weights of a node's M children, feature by feature, the unused features left out."""

    columns: NDArray[np.int32]  # (C,) features that have a weight, rising
    counts: NDArray[np.int32]  # (C,) how many of the children each has a weight for
    children: NDArray[np.int32]  # (nnz,) the child, 0..M-1, of each weight
    values: NDArray[np.float32]  # (nnz,)
    bias: NDArray[np.float32]  # (M,)


@dataclass(frozen=True)
class NodeRows:
    """What a node learns from: its rows, and which of them belong to which child."""

    rows: sparse.csr_matrix  # (n, C) float32
    weights: NDArray[np.float64]  # (n,)
    owners: NDArray[np.int64]  # (p,) row of each pair (row, right child), ordered by child
    starts: NDArray[np.int64]  # (M + 1,) where the pairs of each child begin

    def is_child(self, child: int) -> NDArray[np.bool_]:
        """(n,) whether the rows are right for a child."""
        mask = np.zeros(self.rows.shape[0], bool)
        mask[self.owners[self.starts[child] : self.starts[child + 1]]] = True
        return mask


def fit_node(
    data: NodeRows, n_sparse: int, most_weights: int, config: LabelTreeConfig, on_child: Callable[[int], None]
) -> NodeWeights:
    """Train one matcher a child: L2-regularised squared hinge by liblinear's dual coordinate descent.

    Features from `n_sparse` on are dense: their weights are never pruned. `on_child(done)` may raise to stop.
    """
    used = np.flatnonzero(np.bincount(data.rows.indices, minlength=data.rows.shape[1]))
    compact = data.rows[:, used].astype(np.float64)
    nnz_bytes = compact.nnz
    room = config.memory_mb * 2**20 - nnz_bytes * _BYTES_A_VALUE
    n_threads = int(np.clip(room // max(1, nnz_bytes * _BYTES_A_COPY), 1, config.n_threads))
    n_children = len(data.starts) - 1
    found: list[Column] = []
    for column in _in_order(lambda child: _fit_child(data, compact, child, config), n_children, n_threads):
        found.append(_pruned(column, used, n_sparse, config.prune))
        on_child(len(found))
    return _assemble(found, data.rows.shape[1], n_sparse, most_weights)


def _in_order(task: Callable[[int], Column], n: int, n_threads: int) -> Iterator[Column]:
    """Results of task(0), task(1) ... as they are ready, in order; liblinear lets other threads run meanwhile."""
    if n_threads == 1:
        yield from map(task, range(n))
        return
    pool = ThreadPoolExecutor(n_threads)
    try:
        futures: list[Future[Column]] = [pool.submit(task, child) for child in range(n)]
        for place, future in enumerate(futures):
            yield future.result()
            futures[place] = Future()  # lets go of the result
    finally:
        pool.shutdown(cancel_futures=True)


def _fit_child(data: NodeRows, compact: sparse.csr_matrix, child: int, config: LabelTreeConfig) -> Column:
    """One child against the rest of the node."""
    from sklearn.svm import LinearSVC

    right = data.is_child(child)
    if right.all() or not right.any():  # nothing to tell apart
        return np.empty(0, np.int32), np.empty(0, np.float32), 1.0 if right.all() else -1.0
    machine = LinearSVC(
        C=config.cost, tol=config.tolerance, max_iter=config.epochs, dual=True, random_state=config.seed
    )
    machine.fit(compact, right, sample_weight=data.weights)
    weights = machine.coef_[0]
    places = np.flatnonzero(weights)
    return places.astype(np.int32), weights[places].astype(np.float32), float(machine.intercept_[0])


def _pruned(column: Column, used: NDArray[np.int64], n_sparse: int, least: float) -> Column:
    places, values, bias = column
    features = used[places]
    kept = (np.abs(values) >= least) | (features >= n_sparse)
    return features[kept].astype(np.int32), values[kept], bias


def _assemble(found: list[Column], n_columns: int, n_sparse: int, most: int) -> NodeWeights:
    """All children's weights, feature by feature; of more than `most` the largest are kept."""
    sizes = [len(features) for features, _, _ in found]
    features = np.concatenate([features for features, _, _ in found])
    values = np.concatenate([values for _, values, _ in found])
    children = np.repeat(np.arange(len(found), dtype=np.int32), sizes)
    if len(values) > most:
        rank = np.where(features >= n_sparse, np.inf, np.abs(values))
        kept = np.sort(np.argpartition(-rank, most)[:most])
        features, values, children = features[kept], values[kept], children[kept]
    order = np.argsort(features, kind="stable")
    columns, counts = np.unique(features, return_counts=True)
    bias = np.array([bias for _, _, bias in found], np.float32)
    return NodeWeights(columns, counts.astype(np.int32), children[order], values[order], bias)


def node_matrix(weights: NodeWeights, n_columns: int) -> sparse.csr_matrix:
    """(n_columns, M): the same weights, ready to be multiplied with rows; shares their memory."""
    starts = np.zeros(n_columns + 1, np.int32)
    starts[weights.columns + 1] = weights.counts
    np.cumsum(starts, out=starts)
    shape = (n_columns, len(weights.bias))
    return sparse.csr_matrix((weights.values, weights.children, starts), shape=shape)
