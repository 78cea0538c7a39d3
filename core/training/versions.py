"""What is known of a trained version: settings, what it learned from, how it did on held-out rows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from core.training.intervals import Rate, rate
from db.enums import ModelStatus
from db.model_versions import VersionRecord


@dataclass(frozen=True)
class Evaluation:
    """Quality on held-out rows. `macro_f1` is the mean F1 of the categories that have such rows (0..1, higher
    is better), `ece` the expected calibration error of the first answer (0..1, lower is better)."""

    p_at_1: Rate
    p_at_2: Rate
    p_at_4: Rate
    macro_f1: float | None
    ece: float | None
    n_categories: int

    @property
    def n(self) -> int:
        return self.p_at_1.n

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Evaluation":
        rates = {name: Rate(**values[name]) for name in ("p_at_1", "p_at_2", "p_at_4")}
        return cls(**{**values, **rates})


@dataclass(frozen=True)
class Abstention:
    """What the thresholds do on held-out rows. Rates are fractions 0..1."""

    target: float  # the precision asked for
    n_calibration: int  # validation rows the thresholds were chosen on
    coverage: Rate  # sure of their category, of all rows
    precision: Rate  # of those, rightly so
    backed_off: Rate  # not sure of their category but of one above it, of all rows
    back_off_precision: Rate  # of those, rightly so
    n_categories: int  # that have sure answers
    n_missed: int  # of those, below the target by more than chance

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Abstention":
        names = ("coverage", "precision", "backed_off", "back_off_precision")
        return cls(**{**values, **{name: Rate(**values[name]) for name in names}})


@dataclass(frozen=True)
class CleanedError:
    """The expected calibration error (0..1, lower is better) on held-out rows without those of suspected labels."""

    ece: float
    n: int  # rows it is judged on
    n_aside: int  # rows whose label is suspected


@dataclass(frozen=True)
class ReliabilityPoint:
    """Held-out rows of about the same confidence: how sure the model was on average, and how often it was right."""

    confidence: float  # 0..1
    right: Rate


@dataclass(frozen=True)
class ModelVersion:
    """A trained model. `artifact` is its folder relative to the data folder."""

    id: int
    name: str
    status: ModelStatus
    config: dict[str, Any]
    seed: int
    device: str | None
    snapshot_id: int | None
    snapshot_hash: str | None
    snapshot_rows: int | None
    metrics: dict[str, Any]
    artifact: str | None
    artifact_hash: str | None
    n_scored: int
    created_by: str
    created_at: datetime
    finished_at: datetime | None
    is_promoted: bool

    @property
    def test(self) -> Evaluation | None:
        """On all held-out rows."""
        return _evaluation(self.metrics.get("test"))

    @property
    def human_test(self) -> Evaluation | None:
        """On the held-out rows that a person labeled: fewer, but more to be trusted."""
        return _evaluation(self.metrics.get("human"))

    @property
    def as_served(self) -> Evaluation | None:
        """On all held-out rows, with what is left out of recommendation left out; none when nothing is."""
        return _evaluation(self.metrics.get("as_served"))

    @property
    def abstention(self) -> Abstention | None:
        """What 'hard to predict' does on held-out rows; none when the version has no thresholds."""
        found = self.metrics.get("abstention")
        return Abstention.from_dict(found) if found else None

    @property
    def ece_cleaned(self) -> CleanedError | None:
        """None when no search for label issues had looked at all held-out rows, or the version is older than that."""
        found = self.metrics.get("ece_cleaned")
        return CleanedError(**found) if found else None

    @property
    def reliability(self) -> list[ReliabilityPoint]:
        """The reliability diagram of the first answers, least sure first; empty for a version made before it was."""
        return [
            ReliabilityPoint(part["confidence"], rate(part["n_right"], part["n"]))
            for part in self.metrics.get("reliability") or []
        ]


def _evaluation(values: dict[str, Any] | None) -> Evaluation | None:
    return Evaluation.from_dict(values) if values else None


def model_version(record: VersionRecord, promoted_id: int | None) -> ModelVersion:
    row = record.version
    return ModelVersion(
        id=row.id,
        name=row.name,
        status=row.status,
        config=row.config,
        seed=row.seed,
        device=row.device,
        snapshot_id=row.snapshot_id,
        snapshot_hash=record.snapshot_hash,
        snapshot_rows=record.snapshot_rows,
        metrics=row.metrics or {},
        artifact=row.artifact,
        artifact_hash=row.artifact_hash,
        n_scored=row.n_scored,
        created_by=record.person,
        created_at=row.created_at,
        finished_at=row.finished_at,
        is_promoted=row.id == promoted_id,
    )
