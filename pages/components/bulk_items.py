"""The products of a page of similar ones: each ticked or not, or with something else said of it."""

from collections.abc import Callable

import streamlit as st

from core.catalogue.images import load_thumbnail
from core.catalogue.taxonomy import Category
from core.labeling.bulk import BulkProduct
from pages.components.bulk_state import ANOTHER, AS_ALL, BAD_LISTING, CANNOT_TELL, Sheet, category_for_all
from pages.components.card_view import category_path
from pages.components.category_picker import category_picker
from pages.components.context import runtime
from pages.components.suggestions import percent_text
from pages.components.words import _, escape

COLUMNS = 3
IMAGE_PIXELS = 200
MAX_TITLE = 160  # characters


def bulk_items(sheet: Sheet, categories: dict[int, Category], show_alike: Callable[[int], None]) -> None:
    """A grid, read from left to right; Tab walks through it, Space ticks."""
    for start in range(0, len(sheet.products), COLUMNS):
        row = sheet.products[start : start + COLUMNS]
        for column, product in zip(st.columns(COLUMNS), row, strict=False):
            with column.container(key=f"bulk.item.{product.product_id}.{sheet.key}", border=True, gap="xxsmall"):
                _item(sheet, product, categories, show_alike)


def _item(
    sheet: Sheet, product: BulkProduct, categories: dict[int, Category], show_alike: Callable[[int], None]
) -> None:
    if content := load_thumbnail(runtime(), product.image, IMAGE_PIXELS) if product.image else None:
        st.image(content, output_format="JPEG", alt=_("Picture of the product"), width=IMAGE_PIXELS // 2)
    st.checkbox(f"**{escape(product.title[:MAX_TITLE])}**", value=True, key=sheet.tick_key(product))
    st.caption(_facts(sheet, product, categories))
    with st.container(horizontal=True, gap="xxsmall", vertical_alignment="center", wrap=False):
        said = st.selectbox(
            _("Something else for this one"),
            _options(sheet, product, categories),
            format_func=lambda option: _option_text(option, categories),
            key=sheet.instead_key(product),
            label_visibility="collapsed",
        )
        st.button(
            "",
            key=f"bulk.alike.{product.product_id}.{sheet.key}",
            icon=":material/join_inner:",
            help=_("Show products whose titles read like this one"),
            on_click=show_alike,
            args=(product.product_id,),
        )
    if said == ANOTHER:
        _another(sheet, product, categories)


def _facts(sheet: Sheet, product: BulkProduct, categories: dict[int, Category]) -> str:
    """What the model says (its category too, where that is another one than the page's), and the label of now."""
    label = categories.get(product.category_id) if product.category_id is not None else None
    now = _leaf(label) if label else _("none yet")
    sure = "–"
    if product.suggestions:
        first, confidence = product.suggestions[0]
        sure = percent_text(confidence)
        if first != category_for_all(sheet) and first in categories:
            sure += f" {_leaf(categories[first])}"
    text = _("model {sure} · label now: {label}").format(sure=sure, label=now)
    return escape(f"{text} · {product.mall_category}" if product.mall_category else text)


def _leaf(category: Category) -> str:
    return category_path(category).rpartition(" > ")[2]


def _options(sheet: Sheet, product: BulkProduct, categories: dict[int, Category]) -> list[str]:
    usable = [id_ for id_, _confidence in product.suggestions if id_ in categories and _is_usable(categories[id_])]
    others = [str(id_) for id_ in usable if id_ != category_for_all(sheet)]
    return [AS_ALL, *others, CANNOT_TELL, BAD_LISTING, ANOTHER]


def _option_text(option: str, categories: dict[int, Category]) -> str:
    words = {
        AS_ALL: _("as all, if ticked"),
        CANNOT_TELL: _("Cannot tell"),
        BAD_LISTING: _("Bad listing"),
        ANOTHER: _("another category ..."),
    }
    if option in words:
        return words[option]
    above, _separator, leaf = category_path(categories[int(option)]).rpartition(" > ")
    return f"{leaf} ({above})" if above else leaf  # the field is narrow: the leaf first


def _another(sheet: Sheet, product: BulkProduct, categories: dict[int, Category]) -> None:
    key = sheet.another_key(product)
    picked = categories.get(st.session_state.get(key, 0))
    if picked:
        st.caption(f":material/check: {escape(category_path(picked))}")

    def keep(category_id: int) -> None:
        st.session_state[key] = category_id

    category_picker(f"bulk.picker.{product.product_id}.{sheet.key}", on_pick=keep)


def _is_usable(category: Category) -> bool:
    return category.is_leaf and category.retired_at is None
