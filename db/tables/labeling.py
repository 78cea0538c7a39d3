"""Campaigns, their tasks, and the append-only decisions and labels."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.enums import (
    CampaignKind,
    CampaignOrder,
    CampaignStatus,
    DecisionKind,
    LabelSource,
    TaskStatus,
)
from db.tables.base import Base, BigId, word


class CampaignRow(Base):
    """A named labeling queue: a stored filter, an order, an overlap."""

    __tablename__ = "campaigns"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200), unique=True)
    kind: Mapped[CampaignKind] = mapped_column(word(CampaignKind))
    status: Mapped[CampaignStatus] = mapped_column(word(CampaignStatus))
    filter: Mapped[dict[str, Any]]
    order: Mapped[CampaignOrder] = mapped_column(word(CampaignOrder))
    overlap: Mapped[int] = mapped_column(sa.SmallInteger, default=1)
    guidelines: Mapped[str | None] = mapped_column(sa.Text)
    model_version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("model_versions.id"))
    n_tasks: Mapped[int] = mapped_column(BigId, default=0)  # hidden gold checks are not among them
    is_blind: Mapped[bool] = mapped_column(default=False, server_default=sa.false())  # no suggestion, no label of now
    choices: Mapped[list[Any] | None]  # category ids: A or B of an ambiguous pair, or the one new leaf asked about
    strata: Mapped[list[Any] | None]  # [{what it takes ..., "overlap": k}], the first that fits; else `overlap`
    max_per_category: Mapped[int | None]
    gold_rate: Mapped[float] = mapped_column(default=0.0, server_default="0")  # share of cards that are gold checks
    target_decisions: Mapped[int | None] = mapped_column(BigId)  # closes by itself then
    target_error: Mapped[float | None]  # closes by itself when the measured error is surely below
    closed_reason: Mapped[str | None] = mapped_column(sa.String(24))  # person, target
    cloned_from_id: Mapped[int | None] = mapped_column(BigId)
    deleted_at: Mapped[datetime | None]  # soft: can be restored
    created_by: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    created_at: Mapped[datetime]


class CampaignMemberRow(Base):
    """Who may work in a campaign; a campaign without members is everybody's."""

    __tablename__ = "campaign_members"

    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)


class TaskRow(Base):
    """One product to be decided once in a campaign. With overlap k a product has k tasks (slots)."""

    __tablename__ = "tasks"
    __table_args__ = (
        sa.UniqueConstraint("campaign_id", "product_id", "slot"),
        sa.UniqueConstraint("campaign_id", "product_id", "annotator_id"),
        sa.Index(
            "uq_tasks_lease",  # a person holds one task of a campaign at a time, whatever they press
            "annotator_id",
            "campaign_id",
            unique=True,
            sqlite_where=sa.text("status = 'leased'"),
            postgresql_where=sa.text("status = 'leased'"),
        ),
        sa.Index(
            "ix_tasks_open",
            "campaign_id",
            "position",
            "id",
            sqlite_where=sa.text("status = 'open'"),
            postgresql_where=sa.text("status = 'open'"),
        ),
        sa.Index(
            "ix_tasks_leased",
            "campaign_id",
            "lease_expires_at",
            sqlite_where=sa.text("status = 'leased'"),
            postgresql_where=sa.text("status = 'leased'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"))
    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"))
    slot: Mapped[int] = mapped_column(sa.SmallInteger, default=0)
    position: Mapped[int] = mapped_column(BigId)  # 0 is handed out first
    status: Mapped[TaskStatus] = mapped_column(word(TaskStatus), default=TaskStatus.OPEN)
    is_gold: Mapped[bool] = mapped_column(default=False, server_default=sa.false())  # checks the annotator, hidden
    lease_expires_at: Mapped[datetime | None]
    annotator_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))  # holds the lease, or decided
    draft: Mapped[dict[str, Any] | None]  # {person_id, values}: what that annotator had typed; survives a reload
    claimed_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]


class TaskSkipRow(Base):
    """This person put this task off: others get it first, they get it again at the end."""

    __tablename__ = "task_skips"
    __table_args__ = (sa.Index("ix_task_skips_person_id", "person_id", "skipped_at"),)

    task_id: Mapped[int] = mapped_column(sa.ForeignKey("tasks.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    skipped_at: Mapped[datetime]


class DecisionRow(Base):
    """What a person decided, with what they saw. Append-only; an undo is a row that names the undone one."""

    __tablename__ = "decisions"
    __table_args__ = (
        sa.Index("ix_decisions_person_id_id", "person_id", "id"),
        sa.Index("ix_decisions_person_id_campaign_id_id", "person_id", "campaign_id", "id"),
        sa.Index("ix_decisions_product_id_id", "product_id", "id"),
        sa.Index("ix_decisions_campaign_id_product_id", "campaign_id", "product_id"),
        sa.Index("ix_decisions_campaign_id_id", "campaign_id", "id"),
        sa.Index(
            "ix_decisions_gold_checks",
            "person_id",
            "id",
            sqlite_where=sa.text("is_gold_check = 1"),
            postgresql_where=sa.text("is_gold_check"),
        ),
        sa.Index(
            "ix_decisions_batch_key",
            "batch_key",
            sqlite_where=sa.text("batch_key IS NOT NULL"),
            postgresql_where=sa.text("batch_key IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(sa.String(64), unique=True)
    kind: Mapped[DecisionKind] = mapped_column(word(DecisionKind))
    task_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tasks.id"), index=True)
    campaign_id: Mapped[int | None] = mapped_column(sa.ForeignKey("campaigns.id"))
    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    category_id: Mapped[int | None] = mapped_column(sa.ForeignKey("categories.id"))
    previous_category_id: Mapped[int | None] = mapped_column(sa.ForeignKey("categories.id"))
    model_version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("model_versions.id"))
    suggestion_rank: Mapped[int | None] = mapped_column(sa.SmallInteger)  # 1 is the first; none: not a suggestion
    seconds_spent: Mapped[float | None]
    note: Mapped[str | None] = mapped_column(sa.Text)
    is_blind: Mapped[bool] = mapped_column(default=False, server_default=sa.false())  # saw no suggestion and no label
    is_gold_check: Mapped[bool] = mapped_column(default=False, server_default=sa.false())  # of a hidden gold task
    copied_from_id: Mapped[int | None] = mapped_column(BigId)  # the decision that was copied to this near-duplicate
    batch_key: Mapped[str | None] = mapped_column(sa.String(64))  # decided together; one undo for the lot
    undoes_id: Mapped[int | None] = mapped_column(sa.ForeignKey("decisions.id"), unique=True)
    created_at: Mapped[datetime]


class LabelRow(Base):
    """Who said that a product belongs to a category. Append-only: of the labels whose decision or edit is not
    undone the gold one wins, else the latest human one, else the latest imported one."""

    __tablename__ = "labels"
    __table_args__ = (
        sa.Index("ix_labels_product_id_id", "product_id", "id"),
        sa.Index("ix_labels_category_id_product_id", "category_id", "product_id"),  # edits of the tree
        sa.Index(
            "ix_labels_edit_id",
            "edit_id",
            sqlite_where=sa.text("edit_id IS NOT NULL"),
            postgresql_where=sa.text("edit_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"))
    category_id: Mapped[int] = mapped_column(sa.ForeignKey("categories.id"))
    source: Mapped[LabelSource] = mapped_column(word(LabelSource))
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    decision_id: Mapped[int | None] = mapped_column(sa.ForeignKey("decisions.id"), unique=True)
    edit_id: Mapped[int | None] = mapped_column(BigId)  # the edit of the tree that carried the label here
    carried_from_id: Mapped[int | None] = mapped_column(BigId)  # the label it was before that; void with it
    created_at: Mapped[datetime]


class DailyProgressRow(Base):
    """Decisions of one person in one campaign on one UTC day: a counter no two people share."""

    __tablename__ = "daily_progress"

    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("campaigns.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    day: Mapped[date] = mapped_column(sa.Date, primary_key=True)
    n_decisions: Mapped[int] = mapped_column(sa.Integer, default=0)  # undone ones are taken off again
    n_gold: Mapped[int] = mapped_column(sa.Integer, default=0, server_default="0")  # hidden gold checks among them


class MeasurementRow(Base):
    """Agreement, annotator quality or error rates, worked out once from the decisions up to `last_decision_id`."""

    __tablename__ = "measurements"
    __table_args__ = (sa.Index("ix_measurements_kind_campaign_id_id", "kind", "campaign_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(24))  # agreement, annotators, error_rates
    campaign_id: Mapped[int | None] = mapped_column(sa.ForeignKey("campaigns.id"))
    model_version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("model_versions.id"))
    last_decision_id: Mapped[int] = mapped_column(BigId)
    result: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
