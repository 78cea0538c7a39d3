"""What may be tuned of each encoder, and within which bounds."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Range:
    """A number from `low` to `high`; `log`: tried evenly by order of magnitude; whole numbers where both are."""

    low: float
    high: float
    log: bool = False

    @property
    def is_whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True)
class OneOf:
    """One of these values."""

    values: tuple[Any, ...]


Dimension = Range | OneOf

_NETWORK: dict[str, Dimension] = {
    "epochs": Range(4, 16),
}
SPACES: dict[str, dict[str, Dimension]] = {
    "joint": _NETWORK
    | {
        "hidden_dim": OneOf((64, 128, 256, 512)),
        "piece_dim": OneOf((32, 64, 128, 256)),
        "dropout": Range(0.0, 0.6),
        "learning_rate": Range(0.02, 0.4, log=True),
        "piece_learning_rate": Range(0.0003, 0.01, log=True),
        "idf_power": Range(0.0, 1.5),
        "mall_category_dropout": Range(0.0, 0.6),
    },
}
