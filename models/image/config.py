"""The settings of the image classifier and of its fusion with the title: validated, saved with every artifact."""

from dataclasses import asdict, dataclass, fields
from typing import Any

FINE_TUNE = ("auto", "yes", "no")
SCRATCH = "scratch"  # weights that have learned nothing
NAMED_WEIGHTS = ("IMAGENET1K_V1", "IMAGENET1K_V2")  # torchvision's names; they bring the scaling 'imagenet'


@dataclass(frozen=True)
class ImageConfig:
    """How the image classifier is built and trained. Raises ValueError for a value out of range, naming it."""

    # the added layer
    fc_dim: int = 512  # width of the fully connected layer between features and categories
    dropout: float = 0.7  # of the features; chosen on training photos of clothes (docs/experiments.md)
    hidden_dropout: float = 0.5  # of the added layer
    # on cached features
    epochs: int = 30
    batch_size: int = 128
    learning_rate: float = 0.001
    weight_decay: float = 0.01
    # staged fine-tuning: the added layer alone first, then the last blocks of the trunk with it
    fine_tune: str = FINE_TUNE[0]  # auto: on a GPU only
    first_epochs: int = 30  # cached features make them cheap; after 4 the layer was far behind on 300 photos
    fine_tune_epochs: int = 6
    fine_tune_blocks: int = 5  # of the trunk's 19, from the end
    fine_tune_learning_rate: float = 0.0001
    fine_tune_batch_size: int = 64
    smallest_crop: float = 0.7  # share of the picture's area
    # the fusion
    folds: int = 5  # a text model for it learns from all but one
    fusion_rows: int = 5_000  # so many out-of-fold answers are enough: further folds are not trained
    modality_dropout: float = 0.3  # share of its training rows that lose the image or the title
    checkpoint_seconds: float = 30.0
    seed: int = 7
    deterministic: bool = False  # the same numbers again on a GPU too, slower

    def __post_init__(self) -> None:
        for name in ("fc_dim", "epochs", "batch_size", "first_epochs", "fine_tune_epochs", "fine_tune_batch_size"):
            _check(getattr(self, name) >= 1, name, "at least 1")
        for name in ("learning_rate", "fine_tune_learning_rate", "checkpoint_seconds"):
            _check(getattr(self, name) > 0.0, name, "above 0")
        for name in ("dropout", "hidden_dropout", "modality_dropout"):
            _check(0.0 <= getattr(self, name) < 1.0, name, "from 0 to below 1")
        _check(0.0 <= self.weight_decay <= 1.0, "weight_decay", "from 0 to 1")
        _check(self.fine_tune in FINE_TUNE, "fine_tune", ", ".join(FINE_TUNE))
        _check(1 <= self.fine_tune_blocks <= 19, "fine_tune_blocks", "from 1 to 19")
        _check(0.1 <= self.smallest_crop <= 1.0, "smallest_crop", "from 0.1 to 1")
        _check(2 <= self.folds <= 20, "folds", "from 2 to 20")
        _check(self.fusion_rows >= 100, "fusion_rows", "at least 100")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ImageConfig":
        """The settings of `to_dict`; a name that does not exist raises ValueError."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"unknown image settings: {', '.join(unknown)}")
        return cls(**values)


def _check(holds: bool, name: str, wanted: str) -> None:
    if not holds:
        raise ValueError(f"{name} must be {wanted}")
