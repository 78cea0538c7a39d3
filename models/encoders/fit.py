"""Training of the neural text encoders: resumable after a kill, the same again for the same seed on a CPU."""

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from models.calibration import fit_temperature
from models.checkpoint import Checkpoints, fingerprint_fit
from models.device import one_thread, resolve_device
from models.encoders.config import CONFIGS, EncoderConfig, GruConfig
from models.encoders.model import PREDICT_ROWS, NeuralTextModel, score_tokens
from models.encoders.network import Batch, TextNetwork
from models.encoders.prepare import Prepared, prepare_texts
from models.encoders.texts import (
    N_FIELDS,
    TitleCuts,
    Tokens,
    cut_titles,
    drop_by_chance,
    encode_tokens,
    normalise_fields,
)
from models.encoders.training_state import pack, unpack
from models.encoders.warm_start import begin_from, find_earlier_text_model
from models.errors import TrainingDiverged
from models.heads import make_head
from models.noise.selecting import select
from models.table_optimizers import AdamRows, Used
from models.title_network import Bags
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

_REPORT_SECONDS = 0.5
_SMALL_BATCH = 32  # few rows in small batches, many in large ones, up to config.batch_size
_BATCHES_AN_EPOCH = 800
_MOST_HELD_OUT_SCORES = 20_000_000  # of validation rows times classes; 80 MB
_PREPARING = 0.1  # share of the progress bar
_WARM_UP = 0.05  # share of the steps in which the learning rate rises
_MAX_NORM = 1.0  # of the gradient of all layers
_SORTED_BATCHES = 50  # so many batches' rows are sorted by length and cut into batches


def fit_fasttext(task: FitTask) -> NeuralTextModel:
    """Train the mean of embeddings with a linear layer; `task.config` holds the values of `FastTextConfig`."""
    return fit_encoder("fasttext", task)


def fit_dan(task: FitTask) -> NeuralTextModel:
    """Train the deep averaging network; `task.config` holds the values of `DanConfig`."""
    return fit_encoder("dan", task)


def fit_gru(task: FitTask) -> NeuralTextModel:
    """Train the recurrent network; `task.config` holds the values of `GruConfig`."""
    return fit_encoder("gru", task)


def fit_encoder(encoder: str, task: FitTask) -> NeuralTextModel:
    """Train one of `CONFIGS`, with the head of its settings, and calibrate it on the validation rows.

    Raises as `models.family.fit_model` says, and NoTree when the head needs the tree of categories.
    """
    config = CONFIGS[encoder].from_dict(task.config)
    device = resolve_device(task.device)
    with torch.random.fork_rng(), one_thread(), repeatable(config.deterministic):
        fit = _Fit(encoder, task, config, device)
        fit.run()
        return fit.finish()


@dataclass
class _Step:
    """Which rows come when. Each step's chance comes from (seed, step), so a resumed fit draws the same."""

    number: int  # over all epochs
    epoch: int
    rows: NDArray[np.int64]  # (B,)


@dataclass
class _StepData:
    """A step's rows as this step sees them; the tokens are places in `embeddings`."""

    step: _Step
    chance: int  # torch's seed for this step
    tokens: Tokens
    embeddings: Tensor  # (U,) the rows of the table that are used
    labels: Tensor  # (B,)
    weights: Tensor  # (B,)
    alternatives: sparse.csr_matrix | None  # (B, K)

    def __len__(self) -> int:
        return len(self.labels)


class _Fit:
    """One training: what it works on, and how far it is."""

    def __init__(self, encoder: str, task: FitTask, config: EncoderConfig, device: str) -> None:
        train, n_classes = task.train, len(task.class_ids)
        self.encoder, self.task, self.config, self.device = encoder, task, config, device
        self.on_progress, self.in_order = task.on_progress, isinstance(config, GruConfig)
        self.head = make_head(config.head, n_classes, task.class_paths, config.label_frequency).to(device)
        self.held_out = _at_most(task.validation, max(1, _MOST_HELD_OUT_SCORES // n_classes), config.seed)
        self.labels = torch.from_numpy(train.labels)
        self.weights = torch.from_numpy(train.weights / train.weights.mean())
        self.alternatives = train.alternatives.tocsr() if train.alternatives is not None else None
        fingerprint = f"{fingerprint_fit(task, config)[:16]}{encoder}"
        self.checkpoints = Checkpoints(task.folder, fingerprint, config.checkpoint_seconds)
        self.selector = task.selector
        earlier = find_earlier_text_model(task, encoder, config)
        self.prepared, self.data, self.cuts = self._prepare(earlier.model.prepared if earlier else None)
        self.held_out_data = self._encode(self.held_out)
        torch.manual_seed(config.seed)
        n_tokens = N_FIELDS * self.prepared.tokenizer.vocabulary_size + self.prepared.n_buckets
        self.network = TextNetwork(n_tokens, self.head.n_outputs, config, self.head.initial_bias()).to(device)
        if earlier:
            begin_from(earlier, self.network, config.head)
        self.embeddings = AdamRows(self.network.table)
        self.optimizer = adamw(self.network.parameters(), config.learning_rate, device, config.weight_decay)
        self.split = SplitBatches(self._tell_halved, config.rows_at_once)
        self.batch_size = min(config.batch_size, max(_SMALL_BATCH, len(train) // _BATCHES_AN_EPOCH))
        self.n_epochs = config.warm_epochs if earlier else config.epochs
        self.steps_an_epoch = -(-len(train) // self.batch_size)
        self.n_steps = self.steps_an_epoch * self.n_epochs
        self.fraction = _PREPARING

    def _prepare(self, earlier: Prepared | None) -> tuple[Prepared, Tokens, TitleCuts | None]:
        """Tokenizer and number of buckets, made or found, and the training rows as tokens."""
        self.on_progress(FitProgress("reading titles", 0.0))
        texts = normalise_fields(self.task.train.products, self.config)
        prepared = prepare_texts(texts, self.task, self.config, self.checkpoints, earlier)
        self.on_progress(FitProgress("encoding titles", 0.07))
        tokens = encode_tokens(texts, prepared.tokenizer, prepared.n_buckets, self.config)
        return prepared, tokens, cut_titles(texts, prepared.tokenizer, self.config)

    def _encode(self, rows: LabeledProducts) -> Tokens:
        texts = normalise_fields(rows.products, self.config)
        return encode_tokens(texts, self.prepared.tokenizer, self.prepared.n_buckets, self.config)

    def run(self) -> None:
        """All steps that are still to do. Raises TrainingDiverged when the loss is no number any more."""
        done = self._resume()
        started, reported, seen, accuracy = time.monotonic(), 0.0, 0, None
        losses = deque[Tensor](maxlen=self.steps_an_epoch)  # of the last steps, one epoch of them at most
        for data in prepare_ahead(self._steps(done), self._make_data, self.device):
            step = data.step
            losses.append(self._train(data))
            seen += len(data)
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
                state = pack(self.network, self.embeddings, self.optimizer, self.selector)
                self.checkpoints.save_state(step.number + 1, state)

    def finish(self) -> NeuralTextModel:
        """The calibrated model. Raises TrainingDiverged when a weight is no number: the last step can do that."""
        self.on_progress(FitProgress("calibrating", 1.0))
        logs, held_out = self._held_out_logs(), self.held_out
        if not all(bool(weights.sum().isfinite()) for weights in self.network.state_dict().values()):
            raise TrainingDiverged(self.n_steps)
        calibration = fit_temperature(logs, held_out.labels, held_out.weights, self.head.calibration_kind)
        return NeuralTextModel(
            self.encoder,
            self.network,
            self.head,
            self.prepared,
            self.task.class_ids,
            self.task.class_paths,
            self.config,
            calibration,
            self.device,
        )

    def _steps(self, done: int) -> Iterator[_Step]:
        for epoch in range(done // self.steps_an_epoch, self.n_epochs):
            for place, rows in enumerate(self._batches(epoch)):
                number = epoch * self.steps_an_epoch + place
                if number >= done:
                    yield _Step(number, epoch, rows)

    def _batches(self, epoch: int) -> list[NDArray[np.int64]]:
        """An epoch's rows in a random order, cut into batches; where order counts, of titles about equally long."""
        size, chance = self.batch_size, np.random.default_rng((self.config.seed, epoch))
        order = chance.permutation(len(self.labels))
        if self.in_order:
            lengths, span = self.data.lengths(), _SORTED_BATCHES * size
            cuts = [order[start : start + span] for start in range(0, len(order), span)]
            order = np.concatenate([cut[np.argsort(lengths[cut], kind="stable")] for cut in cuts])
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        return [batches[place] for place in chance.permutation(len(batches))] if self.in_order else batches

    def _make_data(self, step: _Step) -> _StepData:
        chance = np.random.default_rng((self.config.seed, 1, step.number))
        seed, rows = int(chance.integers(2**62)), torch.from_numpy(step.rows)
        tokens = drop_by_chance(self.data, self.cuts, step.rows, self.config, chance)
        used, tokens = tokens.renumber()
        return _StepData(
            step,
            seed,
            tokens,
            to_device(torch.from_numpy(used), self.device),
            to_device(self.labels[rows], self.device),
            to_device(self.weights[rows], self.device),
            None if self.alternatives is None else self.alternatives[step.rows],
        )

    def _train(self, data: _StepData) -> Tensor:
        """One step: the mean loss before it."""
        config, network, n = self.config, self.network, len(data)
        torch.manual_seed(data.chance)
        network.train()
        used: list[Used] = []

        def begin() -> None:
            values = self.embeddings.table.index_select(0, data.embeddings).requires_grad_()
            used[:] = [Used(data.embeddings, values, _NO_BAGS)]
            self.optimizer.zero_grad()

        def backward(part: slice) -> Tensor:
            whole = part.stop - part.start == n
            tokens = data.tokens if whole else data.tokens.take(np.arange(part.start, part.stop))
            batch = Batch.of(tokens, self.device, self.in_order)
            with autocast(self.device):
                scores = network.score(used[0].values, batch)
            labels, weights = data.labels[part], data.weights[part]
            if self.selector:
                epoch, rows = data.step.epoch, torch.from_numpy(data.step.rows[part])
                logs = self.head.log_probabilities(scores.detach())
                losses = -logs.gather(1, labels[:, None])[:, 0]
                labels, weights = select(self.selector, epoch, rows, logs, losses, labels, weights)
            further = None if data.alternatives is None else data.alternatives[part]
            loss = self.head.loss(scores, labels, weights, further) * (batch.n_rows / n)
            loss.backward()
            return loss.detach()

        loss = self.split.add_up(n, begin, backward)
        share = self._share_of_rate(data.step.number)
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * share
        clip_grad_norm_(network.parameters(), _MAX_NORM)
        self.optimizer.step()
        self.embeddings.step(used[0], config.embedding_learning_rate * share)
        return loss

    def _share_of_rate(self, step: int) -> float:
        """The learning rate rises in a straight line, then falls in one."""
        rising = max(1, round(_WARM_UP * self.n_steps))
        return min((step + 1) / rising, (self.n_steps - step) / max(1, self.n_steps - rising))

    def _tell_halved(self, rows_at_once: int) -> None:
        self.on_progress(FitProgress("training", self.fraction, note=out_of_memory_note(rows_at_once)))

    def _held_out_logs(self) -> NDArray[np.float32]:
        """Log probabilities (N, K) of the validation rows, not calibrated."""
        found = [np.empty((0, len(self.task.class_ids)), np.float32)]
        for start in range(0, len(self.held_out), PREDICT_ROWS):
            rows = np.arange(start, min(start + PREDICT_ROWS, len(self.held_out)))
            scores = score_tokens(self.network, self.held_out_data.take(rows), self.config, self.device)
            found.append(self.head.verdicts(scores).cpu().numpy())
        return np.concatenate(found)

    def _validate(self, epoch: int) -> float | None:
        if not len(self.held_out):
            return None
        logs = self._held_out_logs()
        if self.selector:
            self.selector.end_epoch(epoch, logs, self.held_out.labels)
        return float((logs.argmax(1) == self.held_out.labels).mean())

    def _resume(self) -> int:
        """Take up the newest checkpoint, if there is one: how many steps are done."""
        found = self.checkpoints.find_state()
        if found is None:
            return 0
        step, tensors = found
        unpack(tensors, self.network, self.embeddings, self.optimizer, self.selector)
        return step


_NO_BAGS = Bags(torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64), torch.empty(0))


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
