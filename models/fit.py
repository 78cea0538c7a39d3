"""Training of the title model: resumable after a kill, the same again for the same seed on a CPU."""

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from models.calibration import fit_temperature
from models.checkpoint import Checkpoints, fingerprint_fit
from models.config import TitleModelConfig
from models.device import one_thread, resolve_device
from models.errors import TrainingDiverged
from models.features import (
    N_PIECE_FIELDS,
    Encoded,
    NgramVocabulary,
    NormalTexts,
    encode,
    learn_vocabulary,
    normalise_texts,
)
from models.noise.selecting import select
from models.predictor import PREDICT_ROWS, TitleModel, make_title_head, score_encoded
from models.table_optimizers import AdamRows, SgdRows, Used
from models.title_network import Bags, TitleNetwork, ngram_width
from models.title_warm_start import begin_from, extend_vocabulary, find_earlier_title_model
from models.tokenizer import Tokenizer, normalise, train_tokenizer
from models.training_device import (
    SplitBatches,
    adamw,
    autocast,
    out_of_memory_note,
    prepare_ahead,
    repeatable,
    to_device,
)
from models.types import FitProgress, FitTask, LabeledProducts
from models.warm_start import Earlier

_REPORT_SECONDS = 0.5
_SMALL_BATCH = 32  # few rows in small batches, many in large ones, up to config.batch_size
_BATCHES_AN_EPOCH = 800
_CLASSES_A_ROW = 20  # a step costs by the class, so with thousands of classes more rows share it
_STEADY_BATCH = 64  # rows whose steps may be added up in full; of more rows the sum would overshoot
_MOST_HELD_OUT_SCORES = 20_000_000  # of validation rows times classes; 80 MB
_PREPARING = 0.1  # share of the progress bar


def fit_joint(task: FitTask) -> TitleModel:
    """Train n-grams and subwords together; `task.config` holds the values of `TitleModelConfig`."""
    config = TitleModelConfig.from_dict(task.config)
    device = resolve_device(task.device)
    with torch.random.fork_rng(), one_thread(), repeatable(config.deterministic):
        fit = _Fit(task, config, device)
        fit.run()
        return fit.finish()


@dataclass
class _Step:
    """Which rows come when. Each step's chance comes from (seed, step), so a resumed fit draws the same."""

    number: int  # over all epochs
    epoch: int
    rows: NDArray[np.int64]  # (B,)


@dataclass
class _Batch:
    """A step's rows, on the device."""

    step: _Step
    chance: int  # torch's seed for this step
    ngrams: Bags
    pieces: Bags
    labels: Tensor  # (B,)
    weights: Tensor  # (B,)

    def __len__(self) -> int:
        return len(self.labels)


class _Fit:
    """One training: what it works on, and how far it is."""

    def __init__(self, task: FitTask, config: TitleModelConfig, device: str) -> None:
        train, class_ids = task.train, task.class_ids
        self.config, self.class_ids, self.device, self.on_progress = config, class_ids, device, task.on_progress
        self.held_out = _at_most(task.validation, max(1, _MOST_HELD_OUT_SCORES // len(class_ids)), config.seed)
        self.selector = task.selector
        self.head = make_title_head(config, len(class_ids), task.class_paths).to(device)
        self.alternatives = None if train.alternatives is None else train.alternatives.tocsr()  # (N, K)
        self.class_paths = task.class_paths
        self.labels = torch.from_numpy(train.labels)
        self.weights = torch.from_numpy(train.weights / train.weights.mean())
        self.checkpoints = Checkpoints(task.folder, fingerprint_fit(task, config), config.checkpoint_seconds)
        earlier = find_earlier_title_model(task, config)
        self.tokenizer, self.vocabulary, self.data = self._prepare(task, earlier)
        held_out_texts = normalise_texts(self.held_out.products, config.max_title_characters)
        self.held_out_data = encode(held_out_texts, self.vocabulary, self.tokenizer, config)
        torch.manual_seed(config.seed)
        n_pieces = N_PIECE_FIELDS * self.tokenizer.vocabulary_size
        self.network = TitleNetwork(len(self.vocabulary), n_pieces, self.head.n_outputs, config).to(device)
        if earlier:
            begin_from(earlier, self.network, self.vocabulary)
        self.ngrams = SgdRows(self.network.ngram_table)
        self.pieces = AdamRows(self.network.piece_table)
        self.optimizer = adamw(self.network.parameters(), config.piece_learning_rate, device)
        self.split = SplitBatches(self._tell_halved, config.rows_at_once)
        least = max(_SMALL_BATCH, len(class_ids) // _CLASSES_A_ROW)
        self.batch_size = min(config.batch_size, max(least, len(train) // _BATCHES_AN_EPOCH))
        self.n_epochs = config.warm_epochs if earlier else config.epochs
        self.steps_an_epoch = -(-len(train) // self.batch_size)
        self.n_steps = self.steps_an_epoch * self.n_epochs
        self.fraction = _PREPARING

    def _prepare(
        self, task: FitTask, earlier: Earlier[TitleModel] | None
    ) -> tuple[Tokenizer, NgramVocabulary, Encoded]:
        """Tokenizer and vocabulary, made or found, and the encoded training rows."""
        config = self.config
        self.on_progress(FitProgress("reading titles", 0.0))
        texts = normalise_texts(task.train.products, config.max_title_characters)
        prepared = self.checkpoints.find_prepared()
        if prepared is None:
            self.on_progress(FitProgress("learning subwords", 0.02))
            tokenizer = earlier.model.tokenizer if earlier else self._train_tokenizer(texts, task.corpus)
            self.on_progress(FitProgress("counting n-grams", 0.04))
            most = min(config.max_parameters // ngram_width(self.head.n_outputs, config), config.max_ngrams)
            vocabulary = learn_vocabulary(texts, config, most)
            if earlier:
                vocabulary = extend_vocabulary(earlier.model.vocabulary, vocabulary, most)
            self.checkpoints.save_prepared(tokenizer, vocabulary)
            prepared = tokenizer, vocabulary
        self.on_progress(FitProgress("encoding titles", 0.07))
        return *prepared, encode(texts, prepared[1], prepared[0], config)

    def _train_tokenizer(self, texts: NormalTexts, corpus: Sequence[str] | None) -> Tokenizer:
        """From the corpus of the task, or else from every title and each mall category and brand once."""
        if corpus is None:
            chosen = [*texts.titles, *sorted(set(texts.mall_categories)), *sorted(set(texts.brands))]
        else:
            chosen = [normalise(text, self.config.max_title_characters) for text in corpus]
        asked_for = self.config.vocabulary_size
        tokenizer = train_tokenizer(chosen, asked_for, self.config.seed)
        if tokenizer.vocabulary_size < asked_for:
            note = f"The titles carry {tokenizer.vocabulary_size:,} subwords, fewer than the {asked_for:,} asked for."
            self.on_progress(FitProgress("learning subwords", 0.03, note=note))
        return tokenizer

    def run(self) -> None:
        """All steps that are still to do. Raises TrainingDiverged when the loss is no number any more."""
        done = self._resume()
        started, reported, seen, accuracy = time.monotonic(), 0.0, 0, None
        losses = deque[Tensor](maxlen=self.steps_an_epoch)  # of the last steps, one epoch of them at most
        for batch in prepare_ahead(self._steps(done), self._make_batch, self.device):
            step = batch.step
            losses.append(self._train(batch))
            seen += len(batch)
            end_of_epoch, is_due = (step.number + 1) % self.steps_an_epoch == 0, self.checkpoints.is_due()
            self.fraction = _PREPARING + (1 - _PREPARING) * (step.number + 1) / self.n_steps
            if end_of_epoch or is_due or time.monotonic() - reported > _REPORT_SECONDS:
                loss = _mean(losses, step.number + 1)  # the device is asked for a number here, not at every step
                if end_of_epoch:
                    accuracy = self._validate(step.epoch)
                reported = time.monotonic()
                self.on_progress(
                    FitProgress(
                        stage="training",
                        fraction=self.fraction,
                        epoch=step.epoch + 1,
                        n_epochs=self.n_epochs,
                        loss=loss,
                        validation_p_at_1=accuracy,
                        rows_per_second=seen / (reported - started),
                    )
                )
            if is_due:
                self.checkpoints.save_state(step.number + 1, self._state())

    def finish(self) -> TitleModel:
        """The calibrated model. Raises TrainingDiverged when it answers no numbers: the last step can do that."""
        self.on_progress(FitProgress("calibrating", 1.0))
        scores = self._held_out_scores()
        weights = self.network.state_dict().values()
        if not (np.isfinite(scores).all() and all(bool(part.sum().isfinite()) for part in weights)):
            raise TrainingDiverged(self.n_steps)
        held_out, config = self.held_out, self.config
        calibration = fit_temperature(scores, held_out.labels, held_out.weights, self.head.calibration_kind)
        ids, paths = self.class_ids, self.class_paths
        return TitleModel(self.network, self.vocabulary, self.tokenizer, ids, config, calibration, self.device, paths)

    def _steps(self, done: int) -> Iterator[_Step]:
        size, n = self.batch_size, len(self.labels)
        for epoch in range(done // self.steps_an_epoch, self.n_epochs):
            order = np.random.default_rng((self.config.seed, epoch)).permutation(n)
            for place in range(self.steps_an_epoch):
                number = epoch * self.steps_an_epoch + place
                if number >= done:
                    yield _Step(number, epoch, order[place * size : (place + 1) * size])

    def _make_batch(self, step: _Step) -> _Batch:
        chance = np.random.default_rng((self.config.seed, 1, step.number))
        seed = int(chance.integers(2**62))
        without_mall = chance.random(len(step.rows)) < self.config.mall_category_dropout  # (B,)
        data, rows = self.data, torch.from_numpy(step.rows)
        ngrams = drop_columns(data.ngrams[step.rows], data.mall_ngrams, without_mall)
        pieces = drop_columns(data.pieces[step.rows], data.mall_pieces, without_mall)
        return _Batch(
            step,
            seed,
            Bags.of(ngrams, self.device),
            Bags.of(pieces, self.device),
            to_device(self.labels[rows], self.device),
            to_device(self.weights[rows], self.device),
        )

    def _train(self, batch: _Batch) -> Tensor:
        """One step on one batch: the mean loss before it."""
        config, network, n = self.config, self.network, len(batch)
        torch.manual_seed(batch.chance)
        network.train()
        used: list[Used] = []

        def begin() -> None:
            used[:] = self.ngrams.take(batch.ngrams), self.pieces.take(batch.pieces)
            self.optimizer.zero_grad()

        def backward(part: slice) -> Tensor:
            ngrams, pieces = (table.bags.part(part).sum(table.values) for table in used)
            with autocast(self.device):
                scores = network.score(ngrams, pieces)
            scores, labels, weights = scores.float(), batch.labels[part], batch.weights[part]
            if self.selector:
                epoch, rows = batch.step.epoch, torch.from_numpy(batch.step.rows[part])
                losses, verdicts = self.head.losses(scores.detach(), labels), self.head.verdicts(scores.detach())
                labels, weights = select(self.selector, epoch, rows, verdicts, losses, labels, weights)
            further = None if self.alternatives is None else self.alternatives[batch.step.rows[part]]
            loss = (self.head.losses(scores, labels, further) * weights).sum() / n
            loss.backward()
            return loss.detach()

        loss = self.split.add_up(n, begin, backward)
        left = 1.0 - batch.step.number / self.n_steps  # the learning rate falls in a straight line
        for group in self.optimizer.param_groups:
            group["lr"] = config.piece_learning_rate * left
        self.optimizer.step()
        # the sum over the batch moves the n-grams, as if row by row: an n-gram is in few of its rows
        n_summed = n * min(1.0, (_STEADY_BATCH / self.batch_size) ** 0.5)
        self.ngrams.step(used[0], config.learning_rate * self.head.step_scale * left * n_summed)
        self.pieces.step(used[1], config.piece_learning_rate * left)
        return loss

    def _tell_halved(self, rows_at_once: int) -> None:
        self.on_progress(FitProgress("training", self.fraction, note=out_of_memory_note(rows_at_once)))

    def _held_out_scores(self) -> NDArray[np.float32]:
        """The head's verdicts (N, K) on the validation rows, not calibrated."""
        self.network.eval()
        data, found = self.held_out_data, [np.empty((0, len(self.class_ids)), np.float32)]
        for start in range(0, len(self.held_out), PREDICT_ROWS):
            rows = slice(start, start + PREDICT_ROWS)
            cut = Encoded(data.ngrams[rows], data.pieces[rows], data.mall_ngrams, data.mall_pieces)
            found.append(self.head.verdicts(score_encoded(self.network, cut, self.device)).cpu().numpy())
        return np.concatenate(found)

    def _validate(self, epoch: int) -> float | None:
        if not len(self.held_out):
            return None
        scores = self._held_out_scores()
        if self.selector:
            self.selector.end_epoch(epoch, scores, self.held_out.labels)
        return float((scores.argmax(1) == self.held_out.labels).mean())

    def _state(self) -> dict[str, Tensor]:
        """Everything that training changes."""
        state = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        state.update({f"pieces.{name}": tensor for name, tensor in self.pieces.state().items()})
        for place, values in self.optimizer.state_dict()["state"].items():
            state.update({f"optimizer.{place}.{name}": tensor for name, tensor in values.items()})
        if self.selector:
            state.update({f"selector.{name}": torch.from_numpy(kept) for name, kept in self.selector.state().items()})
        return {name: tensor.cpu().contiguous() for name, tensor in state.items()}

    def _resume(self) -> int:
        """Take up the newest checkpoint, if there is one: how many steps are done."""
        found = self.checkpoints.find_state()
        if found is None:
            return 0
        step, tensors = found
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "pieces": {}, "optimizer": {}, "selector": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        self.network.load_state_dict(parts["network"])
        self.pieces.load_state(parts["pieces"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optimizer"].items():
            place, _, rest = name.partition(".")
            moments.setdefault(int(place), {})[rest] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
        if self.selector:
            self.selector.load_state({name: tensor.numpy() for name, tensor in parts["selector"].items()})
        return step


def _at_most(rows: LabeledProducts, n: int, seed: int) -> LabeledProducts:
    """`rows`, or a random n of them."""
    if len(rows) <= n:
        return rows
    return rows.take(np.sort(np.random.default_rng(seed).permutation(len(rows))[:n]))


def _mean(losses: Iterable[Tensor], step: int) -> float:
    """Mean of 0-dim losses; raises TrainingDiverged when it is no number."""
    mean = float(torch.stack(list(losses)).mean())
    if not math.isfinite(mean):
        raise TrainingDiverged(step)
    return mean


def drop_columns(matrix: sparse.csr_matrix, columns: tuple[int, int], dropped: NDArray[np.bool_]) -> sparse.csr_matrix:
    """`matrix` (B, C), a copy the caller owns, with columns from..to set to 0 in the rows where `dropped` (B,)."""
    first, last = columns
    if first < last and dropped.any():
        owner = np.repeat(dropped, np.diff(matrix.indptr))
        matrix.data[owner & (matrix.indices >= first) & (matrix.indices < last)] = 0.0
    return matrix
