"""What can be chosen for a training, with good defaults."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from core.errors import N_, InvalidInput
from models.config import TitleModelConfig

MAX_SEED = 2**31 - 1


# the words a choice may have; the first is the default
ENCODERS = ("joint", "ngrams", "fasttext", "dan", "gru", "ensemble", "label_tree", "sentence")
HEADS = ("flat", "hierarchical", "several_labels")
CAPS = ("none", "log", "uniform")
NOISE_MODES = ("keep", "filter", "refurbish", "selfie")


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
    # which model of the family
    encoder: str = ENCODERS[0]  # models/family.py
    head: str = HEADS[0]  # how outputs become categories; encoders that have one way only ignore it
    use_images: bool = False  # fuse the title's answer with the image's
    model: dict[str, Any] = field(default_factory=dict)  # other settings of the encoder, by name: models/config.py
    warm_start: bool = False  # begin from the version in use where it is of the same kind
    deterministic: bool = False  # the same numbers again on a GPU too, slower
    # what it learns from
    cap: str = CAPS[0]  # most training rows of a category: no limit, constant x log of its count, the constant
    cap_constant: int | None = None  # none: the usual of the kind
    even_months: bool = False  # every month of the year counts about the same
    noise: str = NOISE_MODES[0]  # what to do with labels that look wrong: core/curation
    # how it answers
    logit_adjustment: float = 0.0  # tau: how far frequent categories are held back; 1 is the published default
    target_precision: float = 0.95  # below the confidence that reaches it the answer is 'hard to predict'; 0: never
    recommend_catch_alls: bool = True  # whether categories such as 'other' are suggested
    min_recommended_rows: int = 0  # a category with fewer training rows is learned, and not suggested

    def __post_init__(self) -> None:
        _check("epochs", 1 <= self.epochs <= 200, N_("1 to 200"))
        _check("seed", 0 <= self.seed <= MAX_SEED, N_("0 to 2147483647"))
        _check("device", self.device in (None, "auto", "cpu", "cuda"), N_("auto, cpu or cuda"))
        _check("min_rows", 1 <= self.min_rows <= 10_000, N_("1 to 10000"))
        _check("human_weight", 0.1 <= self.human_weight <= 100, N_("0.1 to 100"))
        for name, words in (("encoder", ENCODERS), ("head", HEADS), ("cap", CAPS), ("noise", NOISE_MODES)):
            _check(name, getattr(self, name) in words, ", ".join(words))
        _check("cap_constant", self.cap_constant is None or 1 <= self.cap_constant <= 10**9, N_("1 to 1000000000"))
        _check("logit_adjustment", 0 <= self.logit_adjustment <= 5, N_("0 to 5"))
        _check("target_precision", 0 <= self.target_precision < 1, N_("0 to below 1"))
        _check("min_recommended_rows", 0 <= self.min_recommended_rows <= 10**6, N_("0 to 1000000"))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingSettings":
        known = {part.name for part in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


def list_changes(training: dict[str, Any]) -> dict[str, Any]:
    """Of a version's training settings those that differ from the defaults of now; what it did not know is left out."""
    defaults = TrainingSettings().to_dict()
    return {name: training[name] for name in defaults if name in training and training[name] != defaults[name]}


def describe_changes(training: dict[str, Any]) -> str:
    """'dropout 0.1, cap log': `list_changes` by the settings' names; empty where all is as usual."""
    parts = []
    for name, value in list_changes(training).items():
        if isinstance(value, dict):
            parts += [f"{own} {one}" for own, one in value.items()]
        elif isinstance(value, bool):
            parts.append(name if value else f"no {name}")
        else:
            parts.append(f"{name} {value}")
    return ", ".join(parts)


def _check(name: str, holds: bool, wanted: str) -> None:
    if not holds:
        raise InvalidInput(N_("The setting '{name}' must be {wanted}."), name=name, wanted=wanted)
