"""What is known of a trained version: settings, what it learned from, how it did on held-out rows."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from core.training.intervals import Rate
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
