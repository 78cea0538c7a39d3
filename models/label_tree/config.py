"""The settings of the label tree: validated, saved with every artifact."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from models.config import TitleModelConfig

_TEXT = ("max_title_characters", "char_ngrams", "word_ngrams", "idf_power", "min_ngram_rows", "max_ngrams",
         "vocabulary_size", "seed")  # fmt: skip


@dataclass(frozen=True)
class LabelTreeConfig:
    """How the tree is built and trained. Raises ValueError for a value out of range, naming it."""

    # what is read, as in `TitleModelConfig`
    max_title_characters: int = 500
    char_ngrams: tuple[int, int] = (2, 5)
    word_ngrams: tuple[int, int] = (1, 2)
    idf_power: float = 1.0
    min_ngram_rows: int = 1
    max_ngrams: int = 1_500_000
    mall_category_dropout: float = 0.3  # share of training rows that go without it
    vocabulary_size: int = 20_000  # SentencePiece pieces, for the dense part
    dense_dim: int = 0  # numbers of the dense part: averaged embeddings of subwords; 0 is without
    dense_weight: float = 0.5  # length of the dense part beside a title's n-grams, each field of which has length 1
    image_weight: float = 1.0  # the same for given image features
    # the tree
    max_leaf: int = 100  # categories in a leaf of the tree at most
    branching: int = 64  # children of an inner node at most; a power of 2
    # the matchers
    cost: float = 1.0  # C of the squared hinge: larger follows the training rows more closely
    epochs: int = 8  # passes over a node's rows at most
    tolerance: float = 0.1  # a matcher that changes less is done before
    negatives: str = "siblings"  # siblings: rows of the node's own categories; matched: also rows led there wrongly
    matched_beam: int = 3  # with matched: how many nodes of a level each row is led to
    prune: float = 0.005  # smaller weights of n-grams are dropped; those of dense features never are
    max_weights: int = 150_000_000  # of the whole tree; 8 bytes each
    memory_mb: int = 4096  # for training one node; a larger node learns from a sample of its rows
    n_threads: int = 1  # more: matchers side by side where memory allows; liblinear then shares its chance, so that the
    # same seed gives other last digits
    # answering
    beam: int = 10  # nodes of each level that are followed
    seed: int = 7

    def __post_init__(self) -> None:
        self.text()  # checks what it shares with the title model
        for name in ("char_ngrams", "word_ngrams"):
            low, high = (int(n) for n in getattr(self, name))  # JSON gives a list
            object.__setattr__(self, name, (low, high))
        for name in ("epochs", "max_weights", "memory_mb", "n_threads", "beam", "matched_beam"):
            _check(getattr(self, name) >= 1, name, "at least 1")
        for name in ("max_leaf", "branching"):
            _check(getattr(self, name) >= 2, name, "at least 2")
        _check(self.branching & (self.branching - 1) == 0, "branching", "a power of 2")
        _check(0.0 <= self.mall_category_dropout < 1.0, "mall_category_dropout", "from 0 to below 1")
        for name in ("dense_dim", "dense_weight", "image_weight", "prune"):
            _check(getattr(self, name) >= 0, name, "0 or more")
        for name in ("cost", "tolerance"):
            _check(getattr(self, name) > 0.0, name, "above 0")
        _check(self.negatives in ("siblings", "matched"), "negatives", "siblings or matched")

    def text(self) -> TitleModelConfig:
        """The same settings for `models.features`."""
        return TitleModelConfig(**{name: getattr(self, name) for name in _TEXT})

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "LabelTreeConfig":
        """The settings of `to_dict`; a name that does not exist raises ValueError."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(unknown)}")
        return cls(**values)


def _check(holds: bool, name: str, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{name} must be {wanted}")
