"""SELFIE: learning beside wrong labels by telling clean, refurbishable and unclean rows apart while training.

After Song, Kim, Lee, SELFIE: Refurbishing Unclean Samples for Robust Deep Learning, ICML 2019. Each row has a ring of
its last q predictions. After a warm-up with every label, the rows of a batch with the lowest losses, a share of
1 - tau, are clean; a row whose ring hardly varies (entropy / ln(min(K, q)) <= eps) is refurbished to the ring's most
frequent class; what is neither is left out of the step. tau, the share of wrong labels, is not known: it is estimated
from held-out rows that confidently contradict their label.
"""

import json
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_HISTORY = 15  # predictions in the ring, as published
_ROWS_AT_ONCE = 100_000
MOST_WRONG = 0.3  # an estimate above it speaks of a model that has not learned yet


class Verdict(IntEnum):
    """What is said of a training row's label at the end."""

    UNKNOWN = -1  # the training ended before the warm-up did
    CLEAN = 0
    REFURBISHED = 1
    UNCLEAN = 2


@dataclass(frozen=True)
class SelfieSettings:
    """The published settings need as many epochs as the ring is long; with few epochs the ring is shorter."""

    warm_up: int = 2  # epochs with every row and its given label
    history: int = 2  # q: predictions in the ring
    certainty: float = 0.05  # eps: the most a ring may vary, 0..1, for its row to be refurbished
    noise_rate: float | None = None  # tau, 0..1; none: estimated when the warm-up ends

    def __post_init__(self) -> None:
        if not 1 <= self.history <= max(1, self.warm_up):
            raise ValueError("history must be at least 1 and at most warm_up")
        if not 0 <= self.certainty <= 1:
            raise ValueError("certainty must be from 0 to 1")
        if self.noise_rate is not None and not 0 <= self.noise_rate < 1:
            raise ValueError("noise_rate must be from 0 to below 1")

    @classmethod
    def for_epochs(cls, n_epochs: int, noise_rate: float | None = None) -> "SelfieSettings":
        """A quarter of the epochs warm up, two at least; the ring is as long, 15 at most."""
        warm_up = max(2, n_epochs // 4)
        return cls(warm_up, min(MOST_HISTORY, warm_up), noise_rate=noise_rate)


class Selfie:
    """A `BatchSelector` over N training rows. Trusted rows are clean by definition."""

    def __init__(
        self, labels: NDArray[np.int64], n_classes: int, trusted: NDArray[np.bool_], settings: SelfieSettings
    ) -> None:
        self.settings, self.n_classes, self.trusted = settings, n_classes, trusted
        self.labels = labels  # (N,) given
        self.ring = np.full((len(labels), settings.history), -1, np.int32)  # (N, q) classes; -1: none yet
        self.refurbished = np.full(len(labels), -1, np.int64)  # (N,) classes; -1: never
        self.verdicts = np.full(len(labels), Verdict.UNKNOWN, np.int8)  # (N,) the latest
        self.noise_rate = settings.noise_rate

    def fingerprint(self) -> bytes:
        return json.dumps(asdict(self.settings), sort_keys=True).encode() + self.trusted.tobytes()

    def choose(
        self, epoch: int, rows: NDArray[np.int64], losses: NDArray[np.float32], predictions: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """(whether it is learned from, its label) of each row (B,)."""
        self.ring[rows, epoch % self.settings.history] = predictions
        labels = self.labels[rows]
        if epoch < self.settings.warm_up:
            return np.ones(len(rows), bool), labels
        trusted = self.trusted[rows]
        modes, variation = _mode_and_variation(self.ring[rows], self.n_classes)
        clean = trusted | _lowest(losses, ~trusted, 1 - (self.noise_rate or 0.0))
        # a ring that only repeats the label says what the label taught: such a row is clean by its loss alone
        mended = (variation <= self.settings.certainty) & (modes != labels) & ~trusted
        self.verdicts[rows] = np.where(mended, Verdict.REFURBISHED, np.where(clean, Verdict.CLEAN, Verdict.UNCLEAN))
        self.refurbished[rows] = np.where(mended, modes, -1)
        return clean | mended, np.where(mended, modes, labels)

    def end_epoch(self, epoch: int, scores: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
        """Estimate tau once, when the warm-up is over."""
        if epoch + 1 == self.settings.warm_up and self.settings.noise_rate is None:
            self.noise_rate = estimate_noise_rate(scores, labels)

    def state(self) -> dict[str, NDArray[Any]]:
        rate = np.array([-1.0 if self.noise_rate is None else self.noise_rate])
        return {"ring": self.ring, "refurbished": self.refurbished, "verdicts": self.verdicts, "noise_rate": rate}

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        self.ring, self.refurbished = state["ring"].copy(), state["refurbished"].copy()
        self.verdicts = state["verdicts"].copy()
        rate = float(state["noise_rate"][0])
        self.noise_rate = None if rate < 0 else rate

    def favourites(self) -> NDArray[np.int64]:
        """(N,) the most frequent class of each row's ring; the label where there is none yet."""
        found = self.labels.copy()
        for start in range(0, len(found), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            modes, _ = _mode_and_variation(self.ring[rows], self.n_classes)
            found[rows] = np.where(modes < 0, found[rows], modes)
        return found

    def share_of(self, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N,) which share 0..1 of a row's predictions in the ring is this class (N,)."""
        n_predictions = np.maximum((self.ring >= 0).sum(1), 1)
        return np.asarray((self.ring == classes[:, None]).sum(1) / n_predictions, np.float64)

    def labels_after(self) -> NDArray[np.int64]:
        """(N,) the labels that a restart begins with: refurbished ones stay, all others are as given."""
        return np.where(self.verdicts == Verdict.REFURBISHED, self.refurbished, self.labels)


def estimate_noise_rate(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Share of held-out rows (H, K) that confidently contradict their label, 0..MOST_WRONG; 0 without rows.

    Confident: another class is likelier than the label, and at least as likely as on average in rows labeled with it.
    """
    if not len(labels):
        return 0.0
    rows = np.arange(len(labels))
    scores = np.exp(scores - scores.max(1, keepdims=True))  # log probabilities or margins, as probabilities
    scores /= scores.sum(1, keepdims=True)
    given = scores[rows, labels]
    counts = np.bincount(labels, minlength=scores.shape[1])
    sums = np.bincount(labels, given, minlength=scores.shape[1])
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    contradicts = ((scores >= thresholds) & (scores > given[:, None])).any(1)
    return float(min(MOST_WRONG, contradicts.mean()))


def _mode_and_variation(ring: NDArray[np.int32], n_classes: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The most frequent class (B,) of each ring (B, q), and its entropy / ln(min(K, q)), 0..1; 1 while it fills."""
    size = ring.shape[1]
    counts = (ring[:, :, None] == ring[:, None, :]).sum(2)  # (B, q): how often each entry is there
    modes = np.take_along_axis(ring, counts.argmax(1)[:, None], 1)[:, 0].astype(np.int64)
    entropy = -np.log(counts / size).mean(1)
    most = np.log(min(n_classes, size))
    variation = entropy / most if most > 0 else np.zeros(len(ring))
    return modes, np.where((ring < 0).any(1), 1.0, variation)


def _lowest(losses: NDArray[np.float32], among: NDArray[np.bool_], share: float) -> NDArray[np.bool_]:
    """(B,) the rows `among` with the lowest losses, this share of them, rounded."""
    chosen = np.zeros(len(losses), bool)
    rows = np.flatnonzero(among)
    order = rows[np.argsort(losses[rows], kind="stable")]
    chosen[order[: round(share * len(rows))]] = True
    return chosen
