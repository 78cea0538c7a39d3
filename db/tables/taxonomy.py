"""What was done to the category tree, what became of what, and example products of a category."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.enums import TaxonomyEditKind
from db.tables.base import Base, BigId, word


class TaxonomyEditRow(Base):
    """One act on the tree, done in one transaction. `detail` holds what undoing it needs."""

    __tablename__ = "taxonomy_edits"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[TaxonomyEditKind] = mapped_column(word(TaxonomyEditKind))
    category_id: Mapped[int | None] = mapped_column(sa.ForeignKey("categories.id"), index=True)
    detail: Mapped[dict[str, Any]]
    n_products: Mapped[int] = mapped_column(BigId, default=0)  # whose label it carried
    reason: Mapped[str | None] = mapped_column(sa.Text)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    created_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))


class CategoryLineageRow(Base):
    """By this edit a category became (a part of) another: a model's head follows it."""

    __tablename__ = "category_lineage"

    edit_id: Mapped[int] = mapped_column(sa.ForeignKey("taxonomy_edits.id"), primary_key=True)
    from_category_id: Mapped[int] = mapped_column(sa.ForeignKey("categories.id"), primary_key=True)
    to_category_id: Mapped[int] = mapped_column(sa.ForeignKey("categories.id"), primary_key=True)


class EditReviewRow(Base):
    """A product that an edit of the tree wants a person to look at again."""

    __tablename__ = "edit_reviews"
    __table_args__ = (sa.Index("ix_edit_reviews_product_id", "product_id"),)

    edit_id: Mapped[int] = mapped_column(sa.ForeignKey("taxonomy_edits.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"), primary_key=True)


class CategoryExampleRow(Base):
    """A product that shows what belongs into a category, or (a counterexample) what does not."""

    __tablename__ = "category_examples"

    category_id: Mapped[int] = mapped_column(sa.ForeignKey("categories.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"), primary_key=True)
    is_counterexample: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str | None] = mapped_column(sa.Text)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    created_at: Mapped[datetime]
