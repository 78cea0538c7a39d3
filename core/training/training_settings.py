"""What can be chosen for a training, with good defaults."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from core.errors import N_, InvalidInput
from models.config import TitleModelConfig

MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class TrainingSettings:
    """Travels as the payload of a train job. Raises InvalidInput for a value out of range, naming it."""

    epochs: int = TitleModelConfig.epochs  # passes over the training rows
    seed: int = 7
    device: str | None = None  # auto, cpu, cuda; none: as SHELFWRIGHT_DEVICE says
    min_rows: int = 3  # a category with fewer labeled products is not learned
    human_weight: float = 2.0  # a row that a person decided counts so many times an imported one
    score_after: bool = True  # let the new version answer for every product
    promote_if_first: bool = True  # put it to use when nothing is in use yet
    model: dict[str, Any] = field(default_factory=dict)  # other settings of the model, by name: models/config.py

    def __post_init__(self) -> None:
        _check("epochs", 1 <= self.epochs <= 200, N_("1 to 200"))
        _check("seed", 0 <= self.seed <= MAX_SEED, N_("0 to 2147483647"))
        _check("device", self.device in (None, "auto", "cpu", "cuda"), N_("auto, cpu or cuda"))
        _check("min_rows", 1 <= self.min_rows <= 10_000, N_("1 to 10000"))
        _check("human_weight", 0.1 <= self.human_weight <= 100, N_("0.1 to 100"))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingSettings":
        known = {part.name for part in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


def _check(name: str, holds: bool, wanted: str) -> None:
    if not holds:
        raise InvalidInput(N_("The setting '{name}' must be {wanted}."), name=name, wanted=wanted)
