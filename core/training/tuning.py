"""Tuning: trials of a model's settings, asked for, listed, read; the chosen one becomes the settings of a training."""

from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

from core.errors import N_, InvalidInput, NotFound
from core.jobs.queue import enqueue
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.settings import Settings
from core.training.encoder_settings import find_image_obstacle
from core.training.intervals import Rate, rate
from core.training.search_space import SPACES, nested
from core.training.training_settings import TrainingSettings
from core.types import Actor
from db import experiments
from db.tables import ExperimentRow

KIND = "tuning"
USUAL_ROWS = 20_000


@dataclass(frozen=True)
class TuningSettings:
    """What to tune and for how long. Raises InvalidInput for a value out of range, naming it."""

    encoder: str = "joint"
    n_trials: int = 20
    epochs: int = TrainingSettings.epochs  # of one trial, when it is not pruned
    seed: int = 7
    max_rows: int = USUAL_ROWS  # of the training rows, drawn at random; 0: all
    min_rows: int = 3
    use_images: bool = False  # tune the image classifier beside the encoder

    def __post_init__(self) -> None:
        if self.encoder not in SPACES:
            raise InvalidInput(
                N_("'{encoder}' has no settings to tune. Choose one of: {known}."),
                encoder=self.encoder,
                known=", ".join(SPACES),
            )
        for name, low, high in (("n_trials", 1, 1_000), ("max_rows", 0, 10**9)):
            if not low <= getattr(self, name) <= high:
                raise InvalidInput(N_("The setting '{name}' must be {wanted}."), name=name, wanted=f"{low} - {high}")
        self.training({})  # its checks are ours

    def training(self, params: dict[str, Any]) -> TrainingSettings:
        """The settings of a training with these values of the encoder's own settings."""
        chosen = nested(params)
        epochs = chosen.pop("epochs", self.epochs)
        return TrainingSettings(
            encoder=self.encoder,
            epochs=epochs,
            seed=self.seed,
            min_rows=self.min_rows,
            model=chosen,
            use_images=self.use_images,
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TuningSettings":
        known = {part.name for part in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


@dataclass(frozen=True)
class TuningTrial:
    """One try. `state` is complete, pruned or failed; a pruned one was behind the others halfway and has no P@1."""

    number: int
    state: str
    params: dict[str, Any]
    n: int  # judged rows
    n_right: int
    seconds: float
    error: str | None = None

    @property
    def p_at_1(self) -> Rate:
        return rate(self.n_right, self.n)


@dataclass(frozen=True)
class Tuning:
    """A tuning and what came of it so far. `importances`: setting -> share of the difference it made, summing to 1."""

    id: int
    job_id: int
    snapshot_id: int | None
    settings: TuningSettings
    trials: list[TuningTrial]
    importances: dict[str, float]
    person: str
    created_at: datetime
    finished_at: datetime | None

    @property
    def best(self) -> TuningTrial | None:
        """The trial with the highest P@1 on the rows that trials are judged on."""
        judged = [trial for trial in self.trials if trial.state == "complete" and trial.n]
        return max(judged, key=lambda trial: trial.n_right / trial.n, default=None)

    def training(self, number: int, base: TrainingSettings | None = None) -> TrainingSettings:
        """`base` (none: the defaults) with a trial's values. Raises NotFound."""
        trial = next((trial for trial in self.trials if trial.number == number), None)
        if trial is None:
            raise NotFound(N_("There is no trial {number}."), number=number)
        chosen = self.settings.training(trial.params)
        values = {name: getattr(chosen, name) for name in ("encoder", "epochs", "model", "use_images")}
        return replace(base or TrainingSettings(), **values)


def tuning_payload(actor: Actor, settings: TuningSettings, machine: Settings | None = None) -> dict[str, Any]:
    """What a tuning job carries. Raises Forbidden, and NotReady where images cannot be learned from."""
    authorize(actor, Action.TRAIN)
    if machine is not None and settings.use_images and (obstacle := find_image_obstacle(machine)):
        raise obstacle
    return settings.to_dict()


def enqueue_tuning(runtime: Runtime, actor: Actor, settings: TuningSettings) -> int:
    """Ask for a tuning; returns the job's id. While one waits, that one's id."""
    return enqueue(runtime, actor, KIND, tuning_payload(actor, settings, runtime.settings), dedupe_key=KIND)


def list_tunings(runtime: Runtime, limit: int = 20) -> list[Tuning]:
    """Newest first."""
    with runtime.sessions.read() as session:
        return [_tuning(row, person) for row, person in experiments.list_experiments(session, KIND, limit)]


def get_tuning(runtime: Runtime, tuning_id: int) -> Tuning:
    """Raises NotFound."""
    with runtime.sessions.read() as session:
        found = experiments.find_experiment(session, tuning_id)
        if found is None or found[0].kind != KIND:
            raise NotFound(N_("There is no tuning {tuning}."), tuning=tuning_id)
        return _tuning(*found)


def _tuning(row: ExperimentRow, person: str) -> Tuning:
    found: dict[str, Any] = row.results[0] if row.results else {}
    return Tuning(
        id=row.id,
        job_id=row.job_id,
        snapshot_id=row.snapshot_id,
        settings=TuningSettings.from_dict(row.settings),
        trials=[TuningTrial(**values) for values in found.get("trials", [])],
        importances=found.get("importances", {}),
        person=person,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
