"""The settings of the neural text encoders: validated, saved with every artifact. No torch here."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from models.config import HEADS

ACTIVATIONS = ("relu", "gelu", "tanh")


@dataclass(frozen=True)
class EncoderConfig:
    """What all neural text encoders share. Defaults were chosen on validation rows: docs/decisions/0009.

    Raises ValueError for a value out of range, naming it.
    """

    head: str = HEADS[0]  # how outputs become categories: models/heads.py
    label_frequency: float = 0.95  # several_labels: the share of the right categories that is labeled
    # what is read
    max_title_characters: int = 500  # the rest of a longer title is cut
    vocabulary_size: int = 20_000  # SentencePiece pieces; small catalogues carry fewer
    symbols: tuple[str, ...] = ()  # words that are never cut into pieces: tokens that carry a category
    subword_cuts: int = 8  # in training each title is cut in one of so many ways, by chance; 1: always the same way
    subword_alpha: float = 0.3  # near 0 each way is as likely, 1 follows the pieces' probabilities
    char_ngrams: tuple[int, int] = (2, 5)  # lengths inside a word, its edges included
    word_ngrams: tuple[int, int] = (1, 2)  # words and pairs of neighbours
    max_ngram_buckets: int = 262_144  # hashed n-grams share so many embeddings, fewer in small catalogues; 0: none
    # the network
    embedding_dim: int = 128
    layer_sizes: tuple[int, ...] = ()  # hidden layers between the encoded text and the output
    activation: str = ACTIVATIONS[0]
    dropout: float = 0.3
    token_dropout: float = 0.1  # share of pieces and n-grams that go in training
    mall_category_dropout: float = 0.3  # share of training rows that go without it
    brand_dropout: float = 0.3
    # training
    epochs: int = 8
    warm_epochs: int = 3  # instead, when the fit begins from an earlier model
    batch_size: int = 256  # at most; with fewer than 200,000 rows it is smaller
    rows_at_once: int | None = None  # of a batch, the parts' gradients added up; none: all, while the memory lasts
    learning_rate: float = 0.002
    embedding_learning_rate: float = 0.2  # the mean of many small embeddings needs large steps
    weight_decay: float = 0.01
    deterministic: bool = False  # the same numbers again on a GPU too, slower
    checkpoint_seconds: float = 10.0
    seed: int = 7

    def __post_init__(self) -> None:
        for name in ("char_ngrams", "word_ngrams"):
            low, high = self._as_tuple(name, int)
            _check(1 <= low <= high <= 8, name, "two lengths from 1 to 8")
        _check(self.word_ngrams[1] <= 2, "word_ngrams", "(1, 1) or (1, 2)")
        _check(all(self._as_tuple("symbols", str)), "symbols", "texts that are not empty")
        _check(all(1 <= size <= 65_536 for size in self._as_tuple("layer_sizes", int)), "layer_sizes", "1 to 65536")
        for name, words in (("head", HEADS), ("activation", ACTIVATIONS)):
            _check(getattr(self, name) in words, name, f"one of {', '.join(words)}")
        for name in ("max_title_characters", "vocabulary_size", "embedding_dim", "subword_cuts", "epochs",
                     "warm_epochs", "batch_size"):  # fmt: skip
            _check(getattr(self, name) >= 1, name, "at least 1")
        _check(self.rows_at_once is None or self.rows_at_once >= 1, "rows_at_once", "at least 1")
        for name in ("max_ngram_buckets", "weight_decay"):
            _check(getattr(self, name) >= 0, name, "at least 0")
        for name in ("dropout", "token_dropout", "mall_category_dropout", "brand_dropout"):
            _check(0.0 <= getattr(self, name) < 1.0, name, "from 0 to below 1")
        for name in ("label_frequency", "subword_alpha"):
            _check(0.0 < getattr(self, name) <= 1.0, name, "above 0 and at most 1")
        for name in ("learning_rate", "embedding_learning_rate", "checkpoint_seconds"):
            _check(getattr(self, name) > 0.0, name, "above 0")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The settings of `to_dict`; a name that does not exist raises ValueError."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(unknown)}")
        return cls(**values)

    def _as_tuple(self, name: str, kind: type[int] | type[str]) -> tuple[Any, ...]:
        """The setting as a tuple, which it then is: JSON gives a list."""
        value = tuple(kind(part) for part in getattr(self, name))
        object.__setattr__(self, name, value)
        return value


@dataclass(frozen=True)
class FastTextConfig(EncoderConfig):
    """The mean of the embeddings of pieces and hashed n-grams, and a linear layer: Joulin et al. 2017."""


@dataclass(frozen=True)
class DanConfig(EncoderConfig):
    """Deep averaging network: the mean of embeddings, then layers: Iyyer et al. 2015."""

    layer_sizes: tuple[int, ...] = (512,)


@dataclass(frozen=True)
class GruConfig(EncoderConfig):
    """Gated recurrent units over the pieces in their order, each field a sequence: Cho et al. 2014."""

    gru_dim: int = 128  # of one direction
    gru_layers: int = 1
    bidirectional: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("gru_dim", "gru_layers"):
            _check(getattr(self, name) >= 1, name, "at least 1")


CONFIGS: dict[str, type[EncoderConfig]] = {"fasttext": FastTextConfig, "dan": DanConfig, "gru": GruConfig}


def _check(holds: bool, name: str, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{name} must be {wanted}")
