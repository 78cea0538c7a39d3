"""The settings of the ensemble: validated, saved with every artifact. No torch here."""

from dataclasses import asdict, dataclass, field, fields
from importlib import import_module
from typing import Any

# which encoders can be members -> the class of their own settings
MEMBERS = {
    "ngrams": "models.linear_config:LinearConfig",
    "joint": "models.config:TitleModelConfig",
    "fasttext": "models.encoders.config:FastTextConfig",
    "dan": "models.encoders.config:DanConfig",
    "gru": "models.encoders.config:GruConfig",
    "label_tree": "models.label_tree.config:LabelTreeConfig",
}


def _usual_choices() -> dict[str, dict[str, list[Any]]]:
    return {"label_tree": {"cost": [0.7, 0.2, 2.0]}, "joint": {"learning_rate": [0.1, 0.03]}}


@dataclass(frozen=True)
class EnsembleConfig:
    """Who is asked, and how each is trained. Raises ValueError for what cannot be, naming it."""

    members: tuple[str, ...] = ("label_tree", "joint", "gru")
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)  # member -> its own settings by name
    # member -> one setting and the values to try, the usual first: low for noisy labels, high for clean ones. The
    # validation rows choose; what `settings` says is not tried
    choices: dict[str, dict[str, list[Any]]] = field(default_factory=_usual_choices)
    least_rows: int = 100  # validation rows below which nothing is chosen and all members count the same
    least_share: float = 0.05  # of the whole weight: a member that gets less is left out
    epochs: int = 8  # passed on to the members that have epochs
    warm_epochs: int = 3  # likewise, when the fit begins from an earlier ensemble
    seed: int = 7
    deterministic: bool = False  # likewise: the same numbers again on a GPU too, slower

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", tuple(self.members))  # JSON gives a list
        unknown = sorted({*self.members, *self.settings, *self.choices} - set(MEMBERS))
        if unknown:
            raise ValueError(f"members must be of {', '.join(MEMBERS)}, not {', '.join(unknown)}")
        if not self.members or len(set(self.members)) < len(self.members):
            raise ValueError("members must be one or more, each once")
        if not 0.0 <= self.least_share < 0.5:
            raise ValueError("least_share must be from 0 to below 0.5")
        if min(self.least_rows, self.epochs, self.warm_epochs) < 1:
            raise ValueError("least_rows, epochs and warm_epochs must be at least 1")
        for member in self.members:
            for tried in self.tried(member):
                self.of_member(member, tried)

    def tried(self, member: str) -> list[dict[str, Any]]:
        """What a member is trained with, one after another: one value of its choice each, the usual first."""
        choice = self.choices.get(member, {})
        if len(choice) > 1 or any(not values for values in choice.values()):
            raise ValueError(f"choices of {member} must be one setting with one or more values")
        fixed = self.settings.get(member, {})
        return [{name: value} for name, values in choice.items() if name not in fixed for value in values] or [{}]

    def of_member(self, member: str, tried: dict[str, Any]) -> dict[str, Any]:
        """All that a member is told, checked by its own class of settings."""
        module, _, name = MEMBERS[member].partition(":")
        config = getattr(import_module(module), name)
        known = {part.name for part in fields(config)}
        shared = {name: getattr(self, name) for name in ("epochs", "warm_epochs", "seed", "deterministic")}
        told = {name: value for name, value in shared.items() if name in known} | tried | self.settings.get(member, {})
        checked: dict[str, Any] = config.from_dict(told).to_dict()
        return checked

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"members": list(self.members)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "EnsembleConfig":
        """The settings of `to_dict`; a name that does not exist raises ValueError."""
        unknown = sorted(set(values) - {part.name for part in fields(cls)})
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(unknown)}")
        return cls(**values)
