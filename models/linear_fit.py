"""Training of the n-gram linear model, category by category: resumable after a kill, in memory bounded by a setting."""

import time
import warnings
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy import sparse

from models.artifact import check_folder, write_folder
from models.calibration import fit_temperature
from models.checkpoint import Checkpoints, fingerprint_fit
from models.device import one_thread
from models.errors import BrokenArtifact, TooManyClasses
from models.features import NgramVocabulary, NormalTexts, encode_ngrams, learn_vocabulary, normalise_texts
from models.label_tree.features import without_some_malls
from models.linear_config import LinearConfig
from models.linear_ngrams import PREDICT_ROWS, LinearNgramModel, vocabulary_arrays, vocabulary_from_arrays
from models.types import Calibration, FitProgress, FitTask, LabeledProducts

_USUAL_COST = 1.0  # where nothing can choose
_LEAST_TO_CHOOSE = 50  # validation rows
_MOST_HELD_OUT_SCORES = 20_000_000  # of validation rows times classes; 80 MB
_REPORT_SECONDS = 0.5
_BLOCK_SECONDS = 10.0  # finished categories go to the disk that often
_PREPARING = 0.1  # share of the progress bar
_BYTES_A_VALUE, _BYTES_A_COPY = 12, 16  # of an encoded row as float64, and liblinear's own copy, one a thread
_NEVER = -2.0  # the margin of a category without rows: below what any other gets

Machine = tuple[NDArray[np.int32], NDArray[np.float32], float]  # n-grams, their weights, the bias


def fit_linear_ngrams(task: FitTask) -> LinearNgramModel:
    """Train one machine a category; `task.config` holds the values of `LinearConfig`.

    L2-regularised squared hinge by liblinear's dual coordinate descent (Fan et al. 2008). Raises TooManyClasses.
    """
    from sklearn.exceptions import ConvergenceWarning

    config = LinearConfig.from_dict(task.config)
    if len(task.class_ids) > config.max_classes:
        raise TooManyClasses(len(task.class_ids), config.max_classes)
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # passes are limited on purpose
        return _Fit(task, config).run()


@dataclass(frozen=True)
class _Fitted:
    """All machines of one cost, and how they do on the validation rows."""

    cost: float
    weights: sparse.csr_matrix  # (R, K)
    bias: NDArray[np.float32]  # (K,)
    calibration: Calibration

    @property
    def loss(self) -> float:
        return float(self.calibration.details["nll"])


class _Fit:
    """One training: what it works on, and how far it is."""

    def __init__(self, task: FitTask, config: LinearConfig) -> None:
        self.task, self.config, self.n_classes = task, config, len(task.class_ids)
        fingerprint = fingerprint_fit(task, config)
        self.checkpoints = Checkpoints(task.folder, fingerprint, _BLOCK_SECONDS)
        self.folder = task.folder / fingerprint[:24]
        self.fraction, self.reported = 0.0, 0.0

    def run(self) -> LinearNgramModel:
        self._say("reading titles", 0.0)
        products = without_some_malls(
            self.task.train.products, self.config.mall_category_dropout, np.random.default_rng(self.config.seed)
        )
        text = self.config.text()
        texts = normalise_texts(products, text.max_title_characters)
        self.vocabulary = self._vocabulary(texts)
        self._say("encoding titles", 0.05)
        self.rows = encode_ngrams(texts, self.vocabulary, text)
        self.right, self.row_weights = _targets(self.task.train, self.n_classes), self.task.train.weights
        self._stay_in_memory()
        self.rows = self.rows.astype(np.float64)
        held_out = self.task.validation
        most = max(1, _MOST_HELD_OUT_SCORES // self.n_classes)
        if len(held_out) > most:
            chosen = np.random.default_rng(self.config.seed).permutation(len(held_out))[:most]
            held_out = held_out.take(np.sort(chosen))
        self.held_out = held_out
        self.held_out_rows = encode_ngrams(
            normalise_texts(held_out.products, text.max_title_characters), self.vocabulary, text
        )
        best = self._choose()
        self._say("calibrating", 1.0)
        return LinearNgramModel(
            self.vocabulary, best.weights, best.bias, self.task.class_ids, self.config, best.calibration
        )

    def _say(self, stage: str, fraction: float, **more: Any) -> None:
        self.reported = time.monotonic()
        self.task.on_progress(FitProgress(stage, fraction, **more))

    def _vocabulary(self, texts: NormalTexts) -> NgramVocabulary:
        name = "vocabulary.safetensors"
        if found := self.checkpoints.find_prepared_files((name,)):
            return vocabulary_from_arrays(load_file(found / name))
        self._say("counting n-grams", 0.02)
        vocabulary = learn_vocabulary(texts, self.config.text(), self.config.max_ngrams)
        self.checkpoints.save_prepared_files({name: lambda path: save_file(vocabulary_arrays(vocabulary), path)})
        return vocabulary

    def _stay_in_memory(self) -> None:
        """Fewer threads, then a sample of the rows, where all would need more than `memory_mb`."""
        room, nnz = self.config.memory_mb * 2**20, self.rows.nnz
        most = room // (_BYTES_A_VALUE + _BYTES_A_COPY)
        if nnz > most:
            order = np.random.default_rng(self.config.seed).permutation(self.rows.shape[0])
            firsts = order[np.unique(self.task.train.labels[order], return_index=True)[1]]  # a row of each category
            n = max(0, int(self.rows.shape[0] * most / nnz) - len(firsts))
            kept = np.sort(np.concatenate([firsts, order[~np.isin(order, firsts)][:n]]))
            self.rows, self.right, self.row_weights = self.rows[kept], self.right[kept], self.row_weights[kept]
            self._say(
                "encoding titles", 0.08, note=f"Learns from {len(kept):,} of the rows: more need more than memory_mb."
            )
        copies = (room - self.rows.nnz * _BYTES_A_VALUE) // max(1, self.rows.nnz * _BYTES_A_COPY)
        self.n_threads = int(np.clip(copies, 1, self.config.n_threads))

    def _choose(self) -> _Fitted:
        """The machines of the cost that the validation rows like best.

        From the usual cost the loss is followed downhill: three of the costs are tried as a rule.
        """
        costs = self.config.costs
        place = int(np.argmin([abs(np.log(cost / _USUAL_COST)) for cost in costs]))
        if len(costs) == 1 or len(self.held_out) < _LEAST_TO_CHOOSE:
            return self._fitted(costs[place], 0, 1)
        n_tries = min(3, len(costs))
        tried = {place: self._fitted(costs[place], 0, n_tries)}
        for step in (-1, 1):
            at = place
            while 0 <= at + step < len(costs):
                tried[at + step] = self._fitted(costs[at + step], len(tried), max(n_tries, len(tried) + 1))
                if tried[at + step].loss > tried[at].loss:
                    break
                at += step
            if at != place:
                break
        return min(tried.values(), key=lambda fitted: fitted.loss)

    def _fitted(self, cost: float, n_tried: int, n_tries: int) -> _Fitted:
        weights, bias = self._machines(cost, n_tried / n_tries, 1 / n_tries)
        dense = weights.toarray() if weights.shape[0] * weights.shape[1] <= self.config.max_table else weights
        scores = np.empty((len(self.held_out), self.n_classes), np.float32)
        for start in range(0, len(scores), PREDICT_ROWS):
            found = self.held_out_rows[start : start + PREDICT_ROWS] @ dense
            scores[start : start + PREDICT_ROWS] = found.toarray() if sparse.issparse(found) else found
        scores += bias
        calibration = fit_temperature(scores, self.held_out.labels, self.held_out.weights)
        if len(scores):
            self.accuracy = float((scores.argmax(1) == self.held_out.labels).mean())
            note = f"C = {cost:g}: loss {calibration.details['nll']:.4f}, P@1 {self.accuracy:.4f} on validation rows."
            self._say("training", self.fraction, validation_p_at_1=self.accuracy, note=note)
        return _Fitted(cost, weights, bias, calibration)

    def _machines(self, cost: float, before: float, share: float) -> tuple[sparse.csr_matrix, NDArray[np.float32]]:
        """((R, K) weights, (K,) bias); what is on the disk already is not trained again."""
        folder = self.folder / f"cost-{cost:g}"
        done = _find_blocks(folder)
        block: list[Machine] = []
        saved = time.monotonic()
        n_done = len(done)
        for machine in _in_order(lambda k: self._machine(k, cost), n_done, self.n_classes, self.n_threads):
            block.append(machine)
            share_done = (n_done + len(block)) / self.n_classes
            self.fraction = _PREPARING + (1 - _PREPARING) * (before + share * share_done)
            now = time.monotonic()
            if now - saved > _BLOCK_SECONDS:
                _save_block(folder, n_done, block)
                done, n_done, block, saved = [*done, *block], n_done + len(block), [], now
            if now - self.reported > _REPORT_SECONDS:
                self._say("training", self.fraction)
        if block:
            _save_block(folder, n_done, block)
        return _assemble([*done, *block], len(self.vocabulary))

    def _machine(self, k: int, cost: float) -> Machine:
        """One category against the rest."""
        from sklearn.svm import LinearSVC

        config, right = self.config, self.right[:, [k]].toarray()[:, 0] > 0
        if right.all() or not right.any():  # nothing to tell apart
            return np.empty(0, np.int32), np.empty(0, np.float32), 1.0 if right.all() else _NEVER
        if not self.rows.nnz:  # titles without a letter: all there is to say is how frequent a category is
            return np.empty(0, np.int32), np.empty(0, np.float32), float(2.0 * right.mean() - 1.0)
        machine = LinearSVC(
            C=cost, tol=config.tolerance, max_iter=config.max_passes, dual=True, random_state=config.seed
        )
        machine.fit(self.rows, right, sample_weight=self.row_weights)
        weights = machine.coef_[0]
        kept = np.flatnonzero(np.abs(weights) >= max(config.prune, 1e-12))
        most = max(1, config.max_weights // self.n_classes)
        if len(kept) > most:
            kept = np.sort(kept[np.argpartition(-np.abs(weights[kept]), most)[:most]])
        return kept.astype(np.int32), weights[kept].astype(np.float32), float(machine.intercept_[0])


def _targets(rows: LabeledProducts, n_classes: int) -> sparse.csc_matrix:
    """(N, K) above 0 where a category is right for a row: its label, and what people accepted beside it."""
    ones = np.ones(len(rows), np.int8)
    right = sparse.csr_matrix((ones, (np.arange(len(rows)), rows.labels)), shape=(len(rows), n_classes))
    return (right if rows.alternatives is None else right + rows.alternatives.astype(np.int8)).tocsc()


def _in_order(task: Any, first: int, last: int, n_threads: int) -> Iterator[Machine]:
    """Results of task(first) .. task(last - 1) as they are ready, in order; liblinear lets other threads run."""
    if n_threads == 1:
        yield from map(task, range(first, last))
        return
    pool = ThreadPoolExecutor(n_threads)
    try:
        futures: list[Future[Machine]] = [pool.submit(task, place) for place in range(first, last)]
        for place, future in enumerate(futures):
            yield future.result()
            futures[place] = Future()  # lets go of the result
    finally:
        pool.shutdown(cancel_futures=True)


def _assemble(machines: list[Machine], n_ngrams: int) -> tuple[sparse.csr_matrix, NDArray[np.float32]]:
    """All machines as ((R, K), (K,))."""
    ends = np.cumsum([0, *(len(places) for places, _, _ in machines)])
    places, values = (np.concatenate([machine[part] for machine in machines]) for part in (0, 1))
    by_class = sparse.csc_matrix((values, places, ends), shape=(n_ngrams, len(machines)))
    return by_class.tocsr(), np.array([bias for _, _, bias in machines], np.float32)


def _save_block(folder: Path, first: int, machines: list[Machine]) -> None:
    weights, bias = _assemble_columns(machines)
    arrays = {**weights, "bias": bias}
    write_folder(folder / f"block-{first:06d}", {"machines.safetensors": lambda path: save_file(arrays, path)})


def _assemble_columns(machines: list[Machine]) -> tuple[dict[str, NDArray[Any]], NDArray[np.float64]]:
    sizes = np.array([len(places) for places, _, _ in machines], np.int64)
    places, values = (np.concatenate([machine[part] for machine in machines]) for part in (0, 1))
    return {"sizes": sizes, "places": places, "values": values}, np.array([bias for _, _, bias in machines])


def _find_blocks(folder: Path) -> list[Machine]:
    """The machines of an earlier try, from the first category on; a broken block ends them."""
    found: list[Machine] = []
    while True:
        block = folder / f"block-{len(found):06d}"
        try:
            check_folder(block, ("machines.safetensors",))
        except BrokenArtifact:
            return found
        arrays = load_file(block / "machines.safetensors")
        cuts = np.cumsum(arrays["sizes"])[:-1]
        parts = zip(np.split(arrays["places"], cuts), np.split(arrays["values"], cuts), arrays["bias"], strict=True)
        found += [(places, values, float(bias)) for places, values, bias in parts]
