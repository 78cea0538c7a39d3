"""Tuning the sentence encoder with pairs of few labels (SetFit), then a logistic regression on all rows.

Tunstall et al. 2022, 'Efficient Few-Shot Learning Without Prompts': pairs of the same category are pulled together,
pairs of two apart. Pairs grow with the square of the rows, so at most 16 rows a category make them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.calibration import SOFTMAX, fit_temperature
from models.checkpoint import fingerprint_fit
from models.device import one_thread, resolve_device
from models.errors import NoSentenceWeights
from models.sentence.config import SentenceConfig
from models.sentence.model import SentenceModel, embed_products
from models.sentence.network import EMBED_ROWS, load_network, quiet, save_network
from models.tokenizer import normalise
from models.types import Calibration, FitProgress, FitTask, LabeledProducts, OnProgress

UNLEARNED = -30.0  # the score of a category without training rows
TUNED = 0.6  # share of the progress bar when the network is tuned


def fit_sentence(task: FitTask) -> SentenceModel:
    """Tune the network on pairs, learn the answering layer on all rows, calibrate; `task.config` as `SentenceConfig`.

    Killed, it goes on with the tuned network if that was finished. Raises NoSentenceWeights when library or weights
    are missing.
    """
    settings = SentenceConfig.from_dict(task.config)
    device = resolve_device(task.device)
    folder = task.folder / f"network-{fingerprint_fit(task, settings)[:24]}"
    task.on_progress(FitProgress("loading the sentence encoder", 0.0))
    with torch.random.fork_rng(), one_thread():
        if not folder.is_dir():
            network = load_network(settings.weights, device)
            if settings.contrastive_steps:
                _tune(network, task, settings, task.folder)
            folder.parent.mkdir(parents=True, exist_ok=True)
            save_network(network, folder)
        network = load_network(str(folder), device)
        features = _embed(network, task.train, settings, task.on_progress, TUNED, 0.9)
        weights, bias = _fit_head(features, task.train, len(task.class_ids), settings)
        held_out = _embed(network, task.validation, settings, task.on_progress, 0.9, 1.0)
    task.on_progress(FitProgress("calibrating", 1.0))
    calibration = Calibration(1.0, kind=SOFTMAX)
    if len(task.validation):
        scores = (held_out @ weights + bias).astype(np.float32)
        calibration = fit_temperature(scores, task.validation.labels, task.validation.weights, SOFTMAX)
    return SentenceModel(network, folder, weights, bias, task.class_ids, settings, calibration)


def _tune(network: Any, task: FitTask, settings: SentenceConfig, folder: Path) -> None:
    """Contrastive steps on pairs of at most `rows_a_class` rows a category."""
    try:
        from datasets.utils.logging import disable_progress_bar
        from setfit import SetFitModel, Trainer, TrainingArguments
        from transformers import TrainerCallback
    except ImportError as error:
        reason = f"{error.name} is not installed; pip install -r requirements-sentence.txt"
        raise NoSentenceWeights(settings.weights, reason) from None
    disable_progress_bar()

    class Watch(TrainerCallback):  # type: ignore[misc]
        """Tells how far it is; may raise to end it."""

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            done = state.global_step / max(1, state.max_steps)
            task.on_progress(FitProgress("tuning the sentence encoder", 0.02 + (TUNED - 0.02) * done))

    rows = few_rows(task.train.labels, settings.rows_a_class, settings.seed)
    titles = [normalise(task.train.products.titles[row], settings.max_title_characters) for row in rows.tolist()]
    arguments = TrainingArguments(
        output_dir=str(folder / "setfit"),
        max_steps=settings.contrastive_steps,
        batch_size=settings.batch_size,
        body_learning_rate=settings.learning_rate,
        sampling_strategy="undersampling",
        seed=settings.seed,
        save_strategy="no",
        report_to="none",
        show_progress_bar=False,
    )
    with quiet():
        trainer = Trainer(SetFitModel(model_body=network), args=arguments, callbacks=[Watch()])
        trainer.train_embeddings(titles, task.train.labels[rows].tolist(), args=arguments)


def few_rows(labels: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """Places of at most `most` rows of each label, drawn at random, ascending."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    grouped = labels[order]
    place = np.arange(len(order)) - np.searchsorted(grouped, grouped)
    return np.sort(order[place < most])


def _embed(
    network: Any, rows: LabeledProducts, settings: SentenceConfig, say: OnProgress, start: float, end: float
) -> NDArray[np.float32]:
    parts = [np.empty((0, 2 * network.get_embedding_dimension()), np.float32)]
    for first in range(0, len(rows), EMBED_ROWS):
        say(FitProgress("embedding titles", start + (end - start) * first / len(rows)))
        parts.append(embed_products(network, rows.products.slice(first, first + EMBED_ROWS), settings))
    return np.concatenate(parts)


def _fit_head(
    features: NDArray[np.float32], rows: LabeledProducts, n_classes: int, settings: SentenceConfig
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights (2 D, K) and bias (K,) of a multinomial logistic regression."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=settings.head_c, max_iter=200, tol=1e-3)
    fit: Callable[..., Any] = model.fit
    with quiet():
        fit(features, rows.labels, sample_weight=rows.weights)
    weights = np.zeros((features.shape[1], n_classes), np.float32)
    bias = np.full(n_classes, UNLEARNED, np.float32)
    learned = model.classes_
    if len(learned) == 2:  # one vector tells both apart
        weights[:, learned[1]], bias[learned[1]] = model.coef_[0], model.intercept_[0]
        bias[learned[0]] = 0.0
    else:
        weights[:, learned], bias[learned] = model.coef_.T, model.intercept_
    return weights, bias
