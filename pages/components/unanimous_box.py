"""Settle in one go what all agree on: a count first, then a press, and one undo for the lot."""

import uuid

import streamlit as st

from core.catalogue.taxonomy import load_categories
from core.errors import AppError
from core.labeling.unanimous import MOST, Unanimous, preview_unanimous
from pages.components.card_view import category_path
from pages.components.context import actor, runtime
from pages.components.numbers import count_text
from pages.components.review_actions import LAST_BATCH, settle_all, undo_all
from pages.components.words import _, error_text, escape

KEY = "review.batch_key"
N_EXAMPLES = 10


def unanimous_box(campaign_id: int, category_id: int | None) -> None:
    """Closed until somebody wants it: counting reads the whole campaign."""
    last = st.session_state.get(LAST_BATCH)
    if last:
        st.button(
            _("Take the last lot back"),
            key=f"review.undo_lot.{last}",
            icon=":material/undo:",
            on_click=undo_all,
            args=(last,),
        )
    if not st.toggle(_("Make gold in one go what all agree on"), key="review.unanimous"):
        return
    with st.container(border=True):
        least = st.number_input(
            _("At least so many people, all of one opinion"), 2, 20, 2, key="review.least", width=320
        )
        try:
            found = preview_unanimous(runtime(), actor(), campaign_id, int(least), category_id)
        except AppError as error:
            st.warning(escape(error_text(error)))
            return
        if not found:
            st.caption(_("Nothing: no product without gold has so many votes that all agree."))
            return
        categories = load_categories(runtime())
        more = "+" if len(found) == MOST else ""
        st.markdown(_("**{n}** products would become gold.").format(n=count_text(len(found)) + more))
        counts: dict[int, int] = {}
        for one in found:
            counts[one.category_id] = counts.get(one.category_id, 0) + 1
        top = sorted(counts.items(), key=lambda one: -one[1])[:N_EXAMPLES]
        st.dataframe(
            [{_("Category"): category_path(categories[id_]), _("Products"): n} for id_, n in top], hide_index=True
        )
        st.caption(
            _(
                "People who agree can be wrong together: gold made so is a little too kind to them. Settle a sample "
                "one by one as well."
            )
        )
        key = st.session_state.setdefault(KEY, uuid.uuid4().hex)
        st.button(
            _("Make {n} products gold").format(n=count_text(len(found))),
            key=f"review.settle_all.{key}",
            type="primary",
            icon=":material/done_all:",
            on_click=_go,
            args=(campaign_id, key, int(least), found),
        )


def _go(campaign_id: int, key: str, least: int, shown: list[Unanimous]) -> None:
    settle_all(campaign_id, key, least, shown)
    st.session_state.pop(KEY, None)
