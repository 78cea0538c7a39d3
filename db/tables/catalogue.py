"""Categories, malls, products, and the demo's planted truth."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from db.enums import LabelSource
from db.tables.base import Base, BigId, word


class CategoryRow(Base):
    """A node of the one tree. Its id never changes; path is its names joined by ' > '."""

    __tablename__ = "categories"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("categories.id"), index=True)
    depth: Mapped[int] = mapped_column(sa.SmallInteger)  # 1 is a root
    name: Mapped[str] = mapped_column(sa.Text)
    name_en: Mapped[str | None] = mapped_column(sa.Text)
    path: Mapped[str] = mapped_column(sa.Text, unique=True)
    path_en: Mapped[str | None] = mapped_column(sa.Text)
    code: Mapped[str | None] = mapped_column(sa.Text, index=True)  # the code of the file it came from
    is_leaf: Mapped[bool] = mapped_column(default=True)
    is_catch_all: Mapped[bool] = mapped_column(default=False)
    is_recommended: Mapped[bool] = mapped_column(default=True, server_default=sa.true())  # false: never suggested
    guidelines: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    merged_into_id: Mapped[int | None] = mapped_column(BigId)  # merged or split: what still says this, means that


class MallRow(Base):
    """A shop that products come from. `weight` in 0..1 is how far its own categories are trusted."""

    __tablename__ = "malls"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(sa.Text, unique=True)
    weight: Mapped[float] = mapped_column(default=1.0)


class MallCategoryRow(Base):
    """A mall's own category, as that mall writes it."""

    __tablename__ = "mall_categories"
    __table_args__ = (sa.UniqueConstraint("mall_id", "path"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    mall_id: Mapped[int] = mapped_column(sa.ForeignKey("malls.id"))
    path: Mapped[str] = mapped_column(sa.Text)


class ProductRow(Base):
    """A product with its current label. (source, external_id) is its natural key.

    `category_id`, `label_source` and `labeled_at` repeat the winning row of `labels` and are
    written in the same transaction, so that lists filter on one table.
    """

    __tablename__ = "products"
    __table_args__ = (
        sa.UniqueConstraint("source", "external_id"),
        sa.Index("ix_products_category_id_id", "category_id", "id"),
        sa.Index("ix_products_label_source_id", "label_source", "id"),
        sa.Index("ix_products_mall_id_id", "mall_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(sa.String(80))
    external_id: Mapped[str] = mapped_column(sa.Text)
    title: Mapped[str] = mapped_column(sa.Text)
    brand: Mapped[str | None] = mapped_column(sa.Text)
    mall_id: Mapped[int | None] = mapped_column(sa.ForeignKey("malls.id"))
    mall_category_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mall_categories.id"))
    price: Mapped[Decimal | None] = mapped_column(sa.Numeric(14, 2))
    image: Mapped[str | None] = mapped_column(sa.Text)  # a path under an image root, or a URL
    registered_at: Mapped[datetime | None]
    content_hash: Mapped[str] = mapped_column(sa.String(32))  # of all imported fields: unchanged rows are left alone
    category_id: Mapped[int | None] = mapped_column(sa.ForeignKey("categories.id"))
    label_source: Mapped[LabelSource | None] = mapped_column(word(LabelSource))
    labeled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class DemoTruthRow(Base):
    """What the demo planted: the right category of each demo product. No training code reads it."""

    __tablename__ = "demo_truths"

    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"), primary_key=True)
    category_id: Mapped[int] = mapped_column(sa.ForeignKey("categories.id"))
    planted: Mapped[str | None] = mapped_column(sa.String(40), index=True)  # wrong_label, catch_all ... or nothing
