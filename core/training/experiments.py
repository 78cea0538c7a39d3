"""Experiments: encoders x caps on the shop's own data, asked for, listed, read.

Whoever chooses between models by looking at the test rows has used them up. So an experiment judges on one of the
training folds, which its models do not learn from, and leaves the test rows to the versions.
"""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from core.errors import N_, InvalidInput, NotFound
from core.jobs.queue import enqueue
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.training.intervals import Rate, rate
from core.training.training_settings import CAPS, ENCODERS, TrainingSettings
from core.types import Actor
from db import experiments
from db.tables import ExperimentRow

KIND = "experiment"
DEPTHS = (1, 2, 4)  # the k of Precision@k
USUAL_ROWS = 20_000


@dataclass(frozen=True)
class ExperimentSettings:
    """Which models to compare. Raises InvalidInput for what cannot be compared, naming it."""

    encoders: tuple[str, ...] = ("joint", "fasttext", "dan", "gru")
    caps: tuple[str, ...] = CAPS
    cap_constant: int | None = None  # none: the usual of each kind of cap
    epochs: int = TrainingSettings.epochs
    seed: int = 7
    max_rows: int = USUAL_ROWS  # of the training rows, drawn at random; 0: all
    min_rows: int = 3  # a category with fewer labeled products is not learned

    def __post_init__(self) -> None:
        for name, known in (("encoders", ENCODERS), ("caps", CAPS)):
            object.__setattr__(self, name, tuple(dict.fromkeys(getattr(self, name))))  # JSON gives lists
            chosen = getattr(self, name)
            if not chosen or not set(chosen) <= set(known):
                raise InvalidInput(N_("'{name}' takes one or more of: {known}."), name=name, known=", ".join(known))
        if self.max_rows < 0:
            raise InvalidInput(N_("The setting '{name}' must be {wanted}."), name="max_rows", wanted=N_("0 or more"))
        self.training(self.encoders[0], self.caps[0])  # its checks are ours

    def training(self, encoder: str, cap: str) -> TrainingSettings:
        """The settings of one of the trainings; the rest is as usual."""
        return TrainingSettings(
            encoder=encoder,
            cap=cap,
            cap_constant=self.cap_constant,
            epochs=self.epochs,
            seed=self.seed,
            min_rows=self.min_rows,
            score_after=False,
            promote_if_first=False,
        )

    def to_dict(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ExperimentSettings":
        known = {part.name for part in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


@dataclass(frozen=True)
class Run:
    """One model of an experiment, judged on `n` rows it never saw. Shares are 0..1, higher is better."""

    encoder: str
    cap: str
    n_train: int
    n: int
    n_right: dict[int, int]  # k -> rows whose category is among the first k answers
    macro_f1: float | None
    shares: dict[int, list[float]]  # k -> Precision@k of every category with enough judged rows
    fit_seconds: float
    titles_per_second: float
    error: str | None  # why there is no result
    difference: float | None = None  # P@1 minus that of the best run, on the same rows
    low: float | None = None  # 95 % interval of it
    high: float | None = None

    @property
    def name(self) -> str:
        return f"{self.encoder} / {self.cap}"

    def precision(self, k: int) -> Rate:
        """Precision@k over all judged rows."""
        return rate(self.n_right.get(k, 0), self.n)

    def quartiles(self, k: int) -> tuple[float, float, float] | None:
        """Lower quartile, median, upper quartile of Precision@k over categories; none where no category has rows."""
        shares = sorted(self.shares.get(k, []))
        if not shares:
            return None
        first, middle, third = (_quantile(shares, part) for part in (0.25, 0.5, 0.75))
        return first, middle, third

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Run":
        by_k = {name: {int(k): value for k, value in values[name].items()} for name in ("n_right", "shares")}
        return cls(**{**values, **by_k})


@dataclass(frozen=True)
class Experiment:
    """An experiment and what came of it so far, in the order the runs ended."""

    id: int
    job_id: int
    snapshot_id: int | None
    settings: ExperimentSettings
    runs: list[Run]
    person: str
    created_at: datetime
    finished_at: datetime | None


def experiment_payload(actor: Actor, settings: ExperimentSettings) -> dict[str, Any]:
    """What an experiment job carries. Raises Forbidden."""
    authorize(actor, Action.TRAIN)
    return settings.to_dict()


def enqueue_experiment(runtime: Runtime, actor: Actor, settings: ExperimentSettings) -> int:
    """Ask for an experiment; returns the job's id. While one waits, that one's id."""
    return enqueue(runtime, actor, KIND, experiment_payload(actor, settings), dedupe_key=KIND)


def list_experiments(runtime: Runtime, limit: int = 20) -> list[Experiment]:
    """Newest first."""
    with runtime.sessions.read() as session:
        return [_experiment(row, person) for row, person in experiments.list_experiments(session, KIND, limit)]


def get_experiment(runtime: Runtime, experiment_id: int) -> Experiment:
    """Raises NotFound."""
    with runtime.sessions.read() as session:
        found = experiments.find_experiment(session, experiment_id)
        if found is None or found[0].kind != KIND:
            raise NotFound(N_("There is no experiment {experiment}."), experiment=experiment_id)
        return _experiment(*found)


def _experiment(row: ExperimentRow, person: str) -> Experiment:
    return Experiment(
        id=row.id,
        job_id=row.job_id,
        snapshot_id=row.snapshot_id,
        settings=ExperimentSettings.from_dict(row.settings),
        runs=[Run.from_dict(values) for values in row.results],
        person=person,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _quantile(ordered: list[float], part: float) -> float:
    """Linear between neighbours, as numpy does."""
    place = part * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
