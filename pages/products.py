"""Products: a list for any filter. The URL is the filter, so a list can be sent to a colleague."""

import streamlit as st

from core.catalogue.products import ProductFilter, ProductPage
from core.errors import AppError
from core.permissions import Action, may
from db.enums import ProductOrder
from pages.components.attribute_reading import attribute_reading
from pages.components.context import actor
from pages.components.product_filter import filter_bar, read_filter
from pages.components.product_filter_words import query_of
from pages.components.product_table import cached_page, found_text, product_table
from pages.components.words import _, error_text, escape

TRAIL = "products.trail"  # the cursors of the pages before this one


def turn_to(cursor: str | None, trail: list[str]) -> None:
    st.session_state[TRAIL] = trail
    if cursor:
        st.query_params["cursor"] = cursor
    else:
        st.query_params.pop("cursor", None)


def render_pager(page: ProductPage, cursor: str | None) -> None:
    trail = st.session_state.get(TRAIL, []) if cursor else []
    with st.container(horizontal=True):
        st.button(
            _("Back"),
            key="products.back",
            icon=":material/chevron_left:",
            disabled=cursor is None,
            on_click=turn_to,
            args=(trail[-1] if trail else None, trail[:-1]),
        )
        st.button(
            _("Next"),
            key="products.next",
            icon=":material/chevron_right:",
            disabled=page.next_cursor is None,
            on_click=turn_to,
            args=(page.next_cursor, [*trail, cursor] if cursor else []),
        )


def render_head(wanted: ProductFilter, order: ProductOrder) -> None:
    left, right = st.columns([6, 3], vertical_alignment="center")
    left.markdown(f"**{found_text(wanted)}**")
    if may(actor(), Action.EDIT_CAMPAIGNS):
        right.page_link(
            "pages/campaigns.py",
            label=_("Make a campaign from this filter"),
            icon=":material/playlist_add:",
            query_params=query_of(wanted, order) | {"new": "filter"},
        )


def render() -> None:
    wanted, order = read_filter()
    filter_bar(wanted, order)
    cursor = st.query_params.get("cursor")
    try:
        page = cached_page(wanted, order, cursor)
        render_head(wanted, order)
    except AppError as error:
        st.info(escape(error_text(error)), icon=":material/info:")
        return
    if page.rows:
        product_table(page.rows)
        render_pager(page, cursor)
    else:
        st.text(_("No product matches this filter."))


render()
attribute_reading()
