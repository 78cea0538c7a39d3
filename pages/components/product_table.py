"""A page of products as a table; what it shows is kept for a few seconds, so that a rerun asks nothing twice."""

from typing import Any

import streamlit as st

from core.catalogue.products import ListedProduct, ProductFilter, ProductPage, count_products, list_products
from core.catalogue.taxonomy import Category, load_categories
from core.permissions import Action, may
from core.types import Actor
from db.enums import LabelSource, ProductOrder
from pages.components.card_view import hard_text
from pages.components.context import actor, revision, runtime
from pages.components.numbers import count_text
from pages.components.words import N_, _, language

PAGE_ROWS = 50
COUNTED = 10_000
REVISIONS = ("taxonomy", "products", "models", "predictions", "campaigns")
WHO = {
    LabelSource.HUMAN: N_("a person"),
    LabelSource.IMPORT: N_("import"),
    LabelSource.GOLD: N_("Settled by a reviewer"),
}


@st.cache_data(ttl=5, max_entries=50, show_spinner=False)
def _page(
    who: Actor, query: dict[str, Any], order: ProductOrder, cursor: str | None, revisions: tuple[int, ...]
) -> ProductPage:
    """Labels change with each decision and raise no revision: hence the few seconds. What one may see is kept for
    nobody else."""
    return list_products(runtime(), who, ProductFilter.from_dict(query), order, PAGE_ROWS, cursor)


@st.cache_data(ttl=30, max_entries=50, show_spinner=False)
def _count(who: Actor, query: dict[str, Any], revisions: tuple[int, ...]) -> int:
    return count_products(runtime(), who, ProductFilter.from_dict(query), COUNTED)


def cached_page(wanted: ProductFilter, order: ProductOrder, cursor: str | None) -> ProductPage:
    """`list_products`, at most five seconds old. Raises as it does."""
    return _page(actor(), wanted.to_dict(), order, cursor, revision(*REVISIONS))


def found_text(wanted: ProductFilter) -> str:
    """'1,234 products', or '10,000+ products'."""
    n = _count(actor(), wanted.to_dict(), revision(*REVISIONS))
    number = f"{count_text(COUNTED)}+" if n > COUNTED else count_text(n)
    return _("{n} products").format(n=number)


def product_table(rows: tuple[ListedProduct, ...]) -> None:
    """Titles and names are drawn on a canvas: nothing in them can become a page."""
    tree = load_categories(runtime())
    st.dataframe(
        [_row(product, tree) for product in rows],
        hide_index=True,
        height=min(len(rows) + 1, 16) * 35 + 3,
        column_config={
            _("Title"): st.column_config.TextColumn(width=300),
            _("Mall"): st.column_config.TextColumn(width=90),
            _("Current label"): st.column_config.TextColumn(width=230),
            _("Labeled by"): st.column_config.TextColumn(width=80),
            _("Model says"): st.column_config.TextColumn(width=230),
            _("Confidence"): st.column_config.ProgressColumn(min_value=0, max_value=100, format="%.1f %%", width=120),
            _("Margin"): st.column_config.NumberColumn(format="%.1f %%", width="small"),
            _("Is it sure?"): st.column_config.TextColumn(width=200),
            _("Price"): st.column_config.NumberColumn(format="localized"),
            _("Registered"): st.column_config.DateColumn(format="YYYY-MM-DD"),
        },
    )


def _row(product: ListedProduct, tree: dict[int, Category]) -> dict[str, Any]:
    return {
        _("Title"): product.title,
        _("Mall"): product.mall,
        _("Current label"): _path(product.category_id, tree),
        _("Labeled by"): _who(product.label_source),
        _("Model says"): _path(product.predicted_category_id, tree),
        _("Confidence"): _percent(product.confidence),
        _("Margin"): _percent(product.margin),
        _("Is it sure?"): hard_text(product.back_off_category_id, tree) if product.is_hard_to_predict else None,
        _("Mall category"): product.mall_category,
        _("Brand"): product.brand,
        _("Price"): float(product.price) if product.price is not None else None,
        _("Registered"): product.registered_at,
    }


def _who(source: LabelSource | None) -> str | None:
    """Which products are gold is for reviewers: it is what annotators are judged by."""
    if source == LabelSource.GOLD and not may(actor(), Action.REVIEW):
        source = LabelSource.HUMAN
    return _(WHO[source]) if source else None


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else fraction * 100


def _path(category_id: int | None, tree: dict[int, Category]) -> str | None:
    category = tree.get(category_id) if category_id is not None else None
    if category is None:
        return None
    return category.path_en if language() == "en" and category.path_en else category.path
