"""The settings of the title model: validated, saved with every artifact."""

from dataclasses import asdict, dataclass, fields
from typing import Any

HEADS = ("flat", "hierarchical", "several_labels")  # of models that have several


@dataclass(frozen=True)
class TitleModelConfig:
    """How the title model is built and trained. Every default was chosen on validation rows: docs/decisions/0002.

    Raises ValueError for a value out of range, naming it.
    """

    head: str = "flat"  # how outputs become categories: models/heads.py
    label_frequency: float = 0.95  # several_labels: the share of the right categories that is labeled
    # what is read
    max_title_characters: int = 500  # the rest of a longer title is cut
    char_ngrams: tuple[int, int] = (2, 5)  # lengths inside a word, its edges included
    word_ngrams: tuple[int, int] = (1, 2)  # words and pairs of neighbours
    idf_power: float = 1.0  # how much more a rare n-gram weighs: 0 not at all, 1 as in plain tf-idf
    min_ngram_rows: int = 1  # rarer n-grams are not learned
    max_ngrams: int = 1_500_000  # the most frequent ones are kept
    vocabulary_size: int = 20_000  # SentencePiece pieces; small catalogues carry fewer
    # the network
    max_parameters: int = 200_000_000  # of the n-gram table; .8 GB, and as much again while training
    max_full_rank_classes: int = 600  # more classes: n-grams -> `rank` numbers -> classes
    rank: int = 256
    piece_dim: int = 128  # embedding of a SentencePiece piece
    hidden_dim: int = 256
    dropout: float = 0.3
    mall_category_dropout: float = 0.3  # share of training rows that go without it
    # training
    epochs: int = 8
    warm_epochs: int = 3  # instead, when the fit begins from an earlier model
    batch_size: int = 256  # at most; with fewer than 200,000 rows it is smaller
    rows_at_once: int | None = None  # of a batch, the parts' gradients added up; none: all, while the memory lasts
    learning_rate: float = 0.1
    piece_learning_rate: float = 0.002
    checkpoint_seconds: float = 10.0
    seed: int = 7
    deterministic: bool = False  # the same numbers again on a GPU too, slower; a CPU gives them anyway

    def __post_init__(self) -> None:
        for name in ("char_ngrams", "word_ngrams"):
            low, high = (int(n) for n in getattr(self, name))  # JSON gives a list
            object.__setattr__(self, name, (low, high))
            _check(1 <= low <= high <= 8, name, "two lengths from 1 to 8")
        _check(self.word_ngrams[1] <= 2, "word_ngrams", "(1, 1) or (1, 2)")
        for name in ("max_title_characters", "min_ngram_rows", "max_ngrams", "vocabulary_size", "max_parameters",
                     "max_full_rank_classes", "rank", "piece_dim", "hidden_dim", "epochs", "warm_epochs",
                     "batch_size"):  # fmt: skip
            _check(getattr(self, name) >= 1, name, "at least 1")
        _check(self.rows_at_once is None or self.rows_at_once >= 1, "rows_at_once", "at least 1")
        for name in ("dropout", "mall_category_dropout"):
            _check(0.0 <= getattr(self, name) < 1.0, name, "from 0 to below 1")
        _check(self.head in HEADS, "head", f"one of {', '.join(HEADS)}")
        _check(0.0 < self.label_frequency <= 1.0, "label_frequency", "above 0 and at most 1")
        _check(0.0 <= self.idf_power <= 2.0, "idf_power", "from 0 to 2")
        for name in ("learning_rate", "piece_learning_rate", "checkpoint_seconds"):
            _check(0.0 < getattr(self, name) <= 1e30, name, "above 0")  # a float of torch holds it

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TitleModelConfig":
        """The settings of `to_dict`; a name that does not exist raises ValueError."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(unknown)}")
        return cls(**values)


def _check(holds: bool, name: str, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{name} must be {wanted}")
