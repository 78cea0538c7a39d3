"""Snapshots, model versions with their metrics, promotions, predictions."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.enums import ModelStatus
from db.tables.base import Base, BigId, word


class SnapshotRow(Base):
    """A frozen Parquet file of what was learned from, named by the hash of its content."""

    __tablename__ = "snapshots"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    content_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    path: Mapped[str] = mapped_column(sa.Text)  # relative to the data folder
    n_rows: Mapped[int] = mapped_column(BigId)
    summary: Mapped[dict[str, Any]]  # rows by source and split, what was left out and why
    last_decision_id: Mapped[int | None] = mapped_column(BigId)  # decisions up to here are in it
    created_at: Mapped[datetime]


class ProductSplitRow(Base):
    """Which split a product belongs to, for good: near-duplicates share a group and so a fold."""

    __tablename__ = "product_splits"
    __table_args__ = (
        sa.Index("ix_product_splits_group_key", "group_key"),
        sa.Index("ix_product_splits_fold_product_id", "fold", "product_id"),
    )

    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"), primary_key=True)
    group_key: Mapped[str] = mapped_column(sa.String(32))
    fold: Mapped[int] = mapped_column(sa.SmallInteger)  # as db.enums.Fold says


class ModelVersionRow(Base):
    """One trained model: its settings, what it learned from, how it did, where it lies."""

    __tablename__ = "model_versions"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(60), unique=True)  # v1, v2 ...
    status: Mapped[ModelStatus] = mapped_column(word(ModelStatus))
    config: Mapped[dict[str, Any]]
    seed: Mapped[int]
    device: Mapped[str | None] = mapped_column(sa.String(40))
    snapshot_id: Mapped[int | None] = mapped_column(sa.ForeignKey("snapshots.id"))
    job_id: Mapped[int | None] = mapped_column(sa.ForeignKey("jobs.id"), index=True)
    metrics: Mapped[dict[str, Any] | None]  # fractions 0..1 with their n
    artifact: Mapped[str | None] = mapped_column(sa.Text)  # folder, relative to the data folder
    artifact_hash: Mapped[str | None] = mapped_column(sa.String(64))
    n_scored: Mapped[int] = mapped_column(BigId, default=0)
    created_by: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class CategoryMetricRow(Base):
    """How a model version does on the held-out rows of one category. Fractions 0..1, higher is better."""

    __tablename__ = "category_metrics"

    model_version_id: Mapped[int] = mapped_column(sa.ForeignKey("model_versions.id"), primary_key=True)
    category_id: Mapped[int] = mapped_column(sa.ForeignKey("categories.id"), primary_key=True)
    n: Mapped[int]  # held-out rows labeled with this category
    n_predicted: Mapped[int]  # held-out rows the model answered with it
    n_correct: Mapped[int]  # both
    n_correct_at_2: Mapped[int]
    n_correct_at_4: Mapped[int]
    precision: Mapped[float | None]  # none where n_predicted is 0
    threshold: Mapped[float | None]  # confidence from which on its answers reach the target precision; none: never
    n_calibration: Mapped[int | None]  # validation rows the threshold was chosen on, siblings' rows included if pooled
    recall: Mapped[float | None]  # = P@1 within the category; none where n is 0
    f1: Mapped[float | None]


class PromotionRow(Base):
    """From here on this version answers. The latest row counts; a rollback is a new row."""

    __tablename__ = "promotions"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    model_version_id: Mapped[int] = mapped_column(sa.ForeignKey("model_versions.id"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    reason: Mapped[str] = mapped_column(sa.Text)
    gate_overridden: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class PredictionRow(Base):
    """What a version answers for a product. `top` is [[category id, probability], ...], best first."""

    __tablename__ = "predictions"
    __table_args__ = (
        sa.Index("ix_predictions_version_margin", "model_version_id", "margin", "product_id"),
        sa.Index("ix_predictions_version_confidence", "model_version_id", "confidence", "product_id"),
        sa.Index("ix_predictions_version_category", "model_version_id", "category_id", "product_id"),
    )

    model_version_id: Mapped[int] = mapped_column(sa.ForeignKey("model_versions.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"), primary_key=True)
    category_id: Mapped[int] = mapped_column(sa.ForeignKey("categories.id"))
    confidence: Mapped[float]  # probability of the first, calibrated
    margin: Mapped[float]  # first minus second probability
    top: Mapped[list[Any]]
    # 'hard to predict': the confidence is below the category's threshold; then this is the deepest category above it
    # that is sure enough (none: not even a root). No foreign key: SQLite would copy the whole table to add one, and
    # categories are never deleted
    abstained: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    back_off_category_id: Mapped[int | None] = mapped_column(BigId)


class ExperimentRow(Base):
    """A comparison of models on one snapshot: an experiment (encoders x caps) or a tuning (trials of settings)."""

    __tablename__ = "experiments"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(24))  # experiment, tuning
    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id"), unique=True)
    snapshot_id: Mapped[int | None] = mapped_column(sa.ForeignKey("snapshots.id"))
    settings: Mapped[dict[str, Any]]
    results: Mapped[list[Any]]  # one entry a run or trial, as they end
    created_by: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
