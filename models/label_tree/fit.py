"""Training of the label tree, node by node: resumable after a kill, the same again for the same seed."""

import time
import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from models.calibration import fit_temperature, log_probabilities
from models.calibration_error import expected_calibration_error
from models.checkpoint import fingerprint_fit
from models.device import one_thread
from models.label_tree.config import LabelTreeConfig
from models.label_tree.features import ROWS, FeatureMaker, learn_features, without_some_malls
from models.label_tree.matcher import fit_node
from models.label_tree.model import FAR, LabelTreeModel, calibrated, with_others
from models.label_tree.pairs import Pairs
from models.label_tree.search import Candidates, LevelWeights, search
from models.label_tree.shape import TreeShape, build_tree, label_embeddings
from models.label_tree.store import Store
from models.types import Calibration, FitProgress, FitTask

_REPORT_SECONDS = 0.5
_PREPARING, _BUILDING = 0.10, 0.12  # where these stages end on the progress bar
_MOST_HELD_OUT = 20_000  # validation rows the calibration needs at most
_OTHERS = (-0.25, -0.5, -1.0, -2.0, -4.0)  # scores of 'none of the candidates' that are tried
_BYTES_A_VALUE = 28  # of a sparse row while liblinear works on it: see `matcher`


def fit_label_tree(task: FitTask) -> LabelTreeModel:
    """Train a label tree; `task.config` holds the values of `LabelTreeConfig`."""
    from sklearn.exceptions import ConvergenceWarning

    config = LabelTreeConfig.from_dict(task.config)
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # passes are limited on purpose
        return _Fit(task, config).run()


class _Fit:
    """One training: what it works on, and how far it is."""

    def __init__(self, task: FitTask, config: LabelTreeConfig) -> None:
        self.task, self.config, self.train = task, config, task.train
        self.store = Store(task.folder / fingerprint_fit(task, config)[:24])
        self.reported = 0.0

    def run(self) -> LabelTreeModel:
        if self.task.warm_start is not None:
            note = "Starts afresh: a label tree cannot begin from an earlier model."
            self.task.on_progress(FitProgress("reading titles", 0.0, note=note))
        maker = self._features()
        rows = self._rows(maker)
        shape = self._shape(rows)
        levels = self._levels(maker, rows, shape)
        self.task.on_progress(FitProgress("calibrating", 1.0))
        calibration = self._calibrate(maker, shape, levels)
        return LabelTreeModel(maker, shape, levels, self.task.class_ids, calibration)

    def _features(self) -> FeatureMaker:
        self.task.on_progress(FitProgress("counting n-grams", 0.0))
        maker = self.store.find_features(self.config)
        if maker is None:
            maker = learn_features(self.train, self.config)
            self.store.save_features(maker)
        return maker

    def _rows(self, maker: FeatureMaker) -> sparse.csr_matrix:
        rows = self.store.find_rows()
        if rows is None:
            self.store.save_rows(self._encoded(maker), maker.n_columns)
            rows = self.store.find_rows()
        assert rows is not None, "they were just written"
        return rows

    def _encoded(self, maker: FeatureMaker) -> Iterator[sparse.csr_matrix]:
        n, share = len(self.train), self.config.mall_category_dropout
        for start in range(0, n, ROWS):
            chance = np.random.default_rng((self.config.seed, start))
            cut = without_some_malls(self.train.products.slice(start, start + ROWS), share, chance)
            yield maker.rows(cut)
            done = min(n, start + ROWS) / n
            self.task.on_progress(FitProgress("encoding titles", _PREPARING * (0.3 + 0.7 * done)))

    def _shape(self, rows: sparse.csr_matrix) -> TreeShape:
        self.task.on_progress(FitProgress("building the tree of categories", _PREPARING))
        shape = self.store.find_shape()
        if shape is None:
            embeddings = label_embeddings(rows, self.train.labels, len(self.task.class_ids))
            shape = build_tree(embeddings, self.config.max_leaf, self.config.branching, self.config.seed)
            self.store.save_shape(shape)
        return shape

    def _levels(self, maker: FeatureMaker, rows: sparse.csr_matrix, shape: TreeShape) -> list[LevelWeights]:
        """All nodes, trained one by one, each on disk before the next begins; then read back level by level."""
        pairs = Pairs(self.train, shape)
        work = np.array([pairs.work(level, node) for level, node in pairs.nodes()], np.float64)
        ends = np.cumsum(work)
        levels: list[LevelWeights] = []
        for place, (level, node) in enumerate(pairs.nodes()):
            if level > len(levels):  # the level above is whole: its matchers lead rows to this one
                levels.append(self._level(shape, len(levels), maker.n_columns))
                if self.config.negatives == "matched":
                    pairs.lead(self._led(rows, shape, levels))
            if not self.store.has_node(level, node):
                before = (ends[place] - work[place]) / ends[-1]
                self._fit_node(pairs, rows, maker, (level, node), before, work[place] / ends[-1])
        return [*levels, self._level(shape, len(levels), maker.n_columns)]

    def _fit_node(
        self,
        pairs: Pairs,
        rows: sparse.csr_matrix,
        maker: FeatureMaker,
        place: tuple[int, int],
        before: float,
        share: float,
    ) -> None:
        config, (level, node) = self.config, place
        most = max(1, config.memory_mb * 2**20 // (_BYTES_A_VALUE * max(1, rows.nnz // max(1, rows.shape[0]))))
        data = pairs.take(rows, level, node, most, np.random.default_rng((config.seed, level, node)))
        n_children = len(data.starts) - 1

        def on_child(done: int) -> None:
            now = time.monotonic()
            if done == n_children or now - self.reported > _REPORT_SECONDS:
                self.reported = now
                fraction = _BUILDING + (1 - _BUILDING) * (before + share * done / n_children)
                self.task.on_progress(FitProgress("training", fraction))

        most_weights = max(n_children, config.max_weights * n_children // pairs.n_matchers)
        self.store.save_node(level, node, fit_node(data, maker.n_sparse, most_weights, config, on_child))

    def _level(self, shape: TreeShape, level: int, n_columns: int) -> LevelWeights:
        found = [self.store.find_node(level, node) for node in range(shape.n_nodes(level))]
        return LevelWeights.of([node for node in found if node is not None], n_columns)

    def _led(self, rows: sparse.csr_matrix, shape: TreeShape, levels: list[LevelWeights]) -> NDArray[np.int64]:
        """(N, beam) the nodes of the next level that each training row is led to."""
        upper = TreeShape(np.arange(shape.n_nodes(len(levels))), shape.bounds[: len(levels)])
        found = []
        for start in range(0, rows.shape[0], ROWS):
            part = search(rows[start : start + ROWS], upper, levels, self.config.beam).best(self.config.matched_beam)
            found.append(part.ids)
        return np.concatenate(found)

    def _calibrate(self, maker: FeatureMaker, shape: TreeShape, levels: list[LevelWeights]) -> Calibration:
        """On validation rows: temperature and shift, and the score of 'none of the candidates' that fits best."""
        held_out, n_classes = self.task.validation, len(self.task.class_ids)
        if len(held_out) > _MOST_HELD_OUT:
            chosen = np.random.default_rng(self.config.seed).permutation(len(held_out))[:_MOST_HELD_OUT]
            held_out = held_out.take(np.sort(chosen))
        if not len(held_out):
            return fit_temperature(np.empty((0, 2), np.float32), held_out.labels, held_out.weights)
        model = LabelTreeModel(maker, shape, levels, self.task.class_ids, Calibration())
        parts = [
            model.candidates(held_out.products.slice(start, start + ROWS)) for start in range(0, len(held_out), ROWS)
        ]
        found = Candidates(*(np.concatenate(each) for each in zip(*parts, strict=True)))
        hit = found.ids == held_out.labels[:, None]  # (N, M)
        reached = hit.any(axis=1)
        target = np.where(reached, hit.argmax(axis=1), found.ids.shape[1])
        best, least = Calibration(), np.inf
        for others in (FAR,) if reached.all() else _OTHERS:
            scores = with_others(found, others)
            fitted = fit_temperature(scores, target, held_out.weights)
            logs = log_probabilities(torch.from_numpy(scores), fitted).numpy()
            loss = -float(logs[np.arange(len(target)), target].mean())
            if loss < least:
                best, least = replace(fitted, details={**fitted.details, "others": others}), loss
        chances, _ = calibrated(found, best, n_classes)
        is_right = hit[np.arange(len(hit)), chances.argmax(axis=1)]
        return replace(best, ece=expected_calibration_error(chances.max(axis=1), is_right))
