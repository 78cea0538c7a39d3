"""The settings of the n-gram linear model: validated, saved with every artifact. No torch here."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from models.config import TitleModelConfig

_TEXT = ("max_title_characters", "char_ngrams", "word_ngrams", "idf_power", "min_ngram_rows", "max_ngrams", "seed")


@dataclass(frozen=True)
class LinearConfig:
    """How the n-gram linear model is built and trained. Raises ValueError for a value out of range, naming it."""

    # what is read, as in `TitleModelConfig`
    max_title_characters: int = 500
    char_ngrams: tuple[int, int] = (2, 5)
    word_ngrams: tuple[int, int] = (1, 2)
    idf_power: float = 1.0
    min_ngram_rows: int = 1
    max_ngrams: int = 1_500_000
    mall_category_dropout: float = 0.3  # share of training rows that go without it
    # the machines
    costs: tuple[float, ...] = (0.2, 0.7, 2.0)  # C: low for noisy labels, high for clean ones; the validation
    # rows choose, and with a single value there is nothing to choose
    tolerance: float = 0.01  # a machine that changes less is done
    max_passes: int = 200  # over the rows, for one machine
    prune: float = 0.002  # smaller weights are dropped
    max_classes: int = 1000  # each category is told from all others; with more that takes too long
    # memory
    memory_mb: int = 4096  # for the encoded rows and the solver; of more rows a sample is learned from
    max_weights: int = 150_000_000  # kept in all, 8 bytes each; each category keeps its largest
    max_table: int = 150_000_000  # n-grams x categories up to which scoring holds a full table, 4 bytes each
    n_threads: int = 1  # machines trained side by side; with more, the last digits differ from run to run
    seed: int = 7

    def __post_init__(self) -> None:
        self.text()  # checks what it shares with the title model
        for name in ("char_ngrams", "word_ngrams"):
            low, high = (int(n) for n in getattr(self, name))  # JSON gives a list
            object.__setattr__(self, name, (low, high))
        object.__setattr__(self, "costs", tuple(sorted(float(cost) for cost in self.costs)))
        _check(len(self.costs) > 0 and self.costs[0] > 0.0, "costs", "one or more numbers above 0")
        for name in ("max_passes", "max_classes", "memory_mb", "max_weights", "max_table", "n_threads"):
            _check(getattr(self, name) >= 1, name, "at least 1")
        _check(0.0 <= self.mall_category_dropout < 1.0, "mall_category_dropout", "from 0 to below 1")
        _check(self.tolerance > 0.0, "tolerance", "above 0")
        _check(self.prune >= 0.0, "prune", "0 or more")

    def text(self) -> TitleModelConfig:
        """The same settings for `models.features`."""
        return TitleModelConfig(**{name: getattr(self, name) for name in _TEXT})

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "LinearConfig":
        """The settings of `to_dict`; a name that does not exist raises ValueError."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(unknown)}")
        return cls(**values)


def _check(holds: bool, name: str, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{name} must be {wanted}")
