"""What is known about the training data's faults: exclusion rules, suspected labels, accepted alternatives, attributes,
images."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.enums import KeywordMatch, NoiseMethod, NoiseVerdict, RuleAction
from db.tables.base import Base, BigId, word


class ExclusionRuleRow(Base):
    """A word that misleads in a category and all below it. A rule is never changed: it ends, and another begins."""

    __tablename__ = "exclusion_rules"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    category_id: Mapped[int] = mapped_column(sa.ForeignKey("categories.id"), index=True)  # the root of the subtree
    keyword: Mapped[str] = mapped_column(sa.Text)  # in normal form: NFKC, lower case
    action: Mapped[RuleAction] = mapped_column(word(RuleAction))
    match: Mapped[KeywordMatch] = mapped_column(word(KeywordMatch))
    created_by: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    created_at: Mapped[datetime]
    ended_by: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    ended_at: Mapped[datetime | None] = mapped_column(index=True)  # none: in force


class LabelIssueRow(Base):
    """What a method says of the label a product had when it looked. A new look replaces the method's old verdict."""

    __tablename__ = "label_issues"
    __table_args__ = (
        sa.Index("ix_label_issues_worst", "method", "verdict", "label_quality_score", "product_id"),
        sa.Index("ix_label_issues_job_id", "job_id"),
    )

    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"), primary_key=True)
    method: Mapped[NoiseMethod] = mapped_column(word(NoiseMethod), primary_key=True)
    verdict: Mapped[NoiseVerdict] = mapped_column(word(NoiseVerdict))
    given_category_id: Mapped[int] = mapped_column(sa.ForeignKey("categories.id"))  # the label that was judged
    suggested_category_id: Mapped[int | None] = mapped_column(sa.ForeignKey("categories.id"))
    label_quality_score: Mapped[float]  # 0 suspicious .. 1 clean
    confidence: Mapped[float | None]  # probability of the suggested category
    job_id: Mapped[int | None] = mapped_column(sa.ForeignKey("jobs.id"))
    model_version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("model_versions.id"))  # of a SELFIE training
    created_at: Mapped[datetime]


class AcceptedAlternativeRow(Base):
    """A person said that this category is right for the product as well."""

    __tablename__ = "accepted_alternatives"

    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"), primary_key=True)
    category_id: Mapped[int] = mapped_column(sa.ForeignKey("categories.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    created_at: Mapped[datetime]


class ProductAttributeRow(Base):
    """A weakly supervised tag: colour, size, material ... read from the title or, by OCR, from the image."""

    __tablename__ = "product_attributes"
    __table_args__ = (sa.Index("ix_product_attributes_name_value", "name", "value", "product_id"),)

    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(24), primary_key=True)
    value: Mapped[str] = mapped_column(sa.String(80), primary_key=True)  # the canonical value: 'red', '500 ml'
    source: Mapped[str] = mapped_column(sa.String(8))  # title, image
    evidence: Mapped[str] = mapped_column(sa.String(80))  # the words it was read from
    confidence: Mapped[float]  # 0..1


class ProductImageRow(Base):
    """What was found when a product's image was read. `status` says ok, or why there are no features."""

    __tablename__ = "product_images"
    __table_args__ = (sa.Index("ix_product_images_status", "status", "product_id"),)

    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"), primary_key=True)
    image: Mapped[str] = mapped_column(sa.Text)  # the reference that was read
    image_hash: Mapped[str | None] = mapped_column(sa.String(64), index=True)  # SHA-256 of the file's bytes
    status: Mapped[str] = mapped_column(sa.String(24))
    checked_at: Mapped[datetime]
