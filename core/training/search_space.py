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
Space = dict[str, Dimension]

_NEURAL: Space = {
    "epochs": Range(4, 16),
    "embedding_dim": OneOf((64, 128, 256)),
    "layer_sizes": OneOf(((), (256,), (512,), (512, 256))),
    "activation": OneOf(("relu", "gelu", "tanh")),
    "dropout": Range(0.0, 0.6),
    "learning_rate": Range(0.0003, 0.01, log=True),
    "embedding_learning_rate": Range(0.02, 0.6, log=True),
    "mall_category_dropout": Range(0.0, 0.6),
}
SPACES: dict[str, Space] = {
    "joint": {
        "epochs": Range(4, 16),
        "hidden_dim": OneOf((64, 128, 256, 512)),
        "piece_dim": OneOf((32, 64, 128, 256)),
        "dropout": Range(0.0, 0.6),
        "learning_rate": Range(0.02, 0.4, log=True),
        "piece_learning_rate": Range(0.0003, 0.01, log=True),
        "idf_power": Range(0.0, 1.5),
        "mall_category_dropout": Range(0.0, 0.6),
    },
    "fasttext": _NEURAL,
    "dan": _NEURAL,
    "gru": _NEURAL | {"gru_dim": OneOf((64, 128, 256)), "bidirectional": OneOf((True, False))},
    "label_tree": {
        "cost": Range(0.1, 10.0, log=True),
        "max_leaf": OneOf((20, 50, 100, 200)),
        "idf_power": Range(0.0, 1.5),
        "mall_category_dropout": Range(0.0, 0.6),
    },
}
# beside the encoder's own, where images are used; 'image.' and the name of a setting of models/image/config.py
IMAGE_SPACE: Space = {
    "image.fc_dim": OneOf((64, 128, 256, 512, 1024)),
    "image.dropout": Range(0.0, 0.9),
    "image.hidden_dropout": Range(0.0, 0.9),
    "image.learning_rate": Range(0.0002, 0.01, log=True),
}


def space_of(encoder: str, use_images: bool) -> Space:
    """All that is tuned of an encoder, and of the image classifier beside it."""
    return SPACES[encoder] | (IMAGE_SPACE if use_images else {})


def nested(params: dict[str, Any]) -> dict[str, Any]:
    """'image.fc_dim' as a setting of 'image', as an encoder is told it."""
    found: dict[str, Any] = {}
    for name, value in params.items():
        part, dot, rest = name.partition(".")
        if dot:
            found.setdefault(part, {})[rest] = value
        else:
            found[name] = value
    return found
