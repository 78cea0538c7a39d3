"""The settings of the sentence encoder: light, for pages read it."""

from dataclasses import asdict, dataclass, fields
from typing import Any

MOST_ROWS_A_CLASS = 16  # pairs grow with the square of the rows


@dataclass(frozen=True)
class SentenceConfig:
    """How the encoder is tuned and what answers on top of it. Raises ValueError naming what is out of range."""

    weights: str = "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"  # a local folder, or a hub's name
    rows_a_class: int = 8  # that pairs are made of; the answering layer learns from all rows
    contrastive_steps: int = 300  # of `batch_size` pairs; 0: the network stays as it came
    batch_size: int = 16
    learning_rate: float = 2e-5  # of the contrastive steps
    head_c: float = 10.0  # of the answering layer's logistic regression: higher is less smoothing
    max_title_characters: int = 300
    seed: int = 7

    def __post_init__(self) -> None:
        _check(bool(self.weights.strip()), "weights", "a local folder or a hub's name")
        _check(2 <= self.rows_a_class <= MOST_ROWS_A_CLASS, "rows_a_class", f"from 2 to {MOST_ROWS_A_CLASS}")
        _check(self.contrastive_steps >= 0, "contrastive_steps", "0 or more")
        for name in ("batch_size", "max_title_characters"):
            _check(getattr(self, name) >= 1, name, "at least 1")
        for name in ("learning_rate", "head_c"):
            _check(getattr(self, name) > 0, name, "above 0")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "SentenceConfig":
        """The settings of `to_dict`; a name that does not exist raises ValueError."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(unknown)}")
        return cls(**values)


def _check(holds: bool, name: str, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{name} must be {wanted}")
