"""The disagreements of a campaign, one product after another, the worst first."""

import streamlit as st

from core.catalogue.taxonomy import load_categories
from core.errors import AppError
from core.labeling.agreement import is_decided_twice
from core.labeling.disputes import Dispute, DisputePage, list_disputes
from core.labeling.review_card import get_review_card
from core.labeling.settling import find_last_settlement
from pages.components.card_view import category_path
from pages.components.category_picker import category_picker
from pages.components.context import actor, runtime
from pages.components.numbers import count_text
from pages.components.product_card import prefetch_image
from pages.components.review_actions import PASSED, from_the_worst, measure, undo_last
from pages.components.review_card_view import review_card_view
from pages.components.unanimous_box import unanimous_box
from pages.components.words import _, error_text, escape

CATEGORY = "review.category"
N_COMING = 12


def review_queue(campaign_id: int, category_id: int | None) -> None:
    """The card of the worst dispute, and what comes after it."""
    place = st.session_state.get(PASSED)
    after = place[1] if place and place[0] == campaign_id else None
    try:
        page = list_disputes(runtime(), actor(), campaign_id, category_id, N_COMING, after)
    except AppError as error:
        st.warning(escape(error_text(error)))
        return
    if page.n_unseen:
        _ask_to_measure(campaign_id, page)
    if page.disputes:
        first = page.disputes[0]
        card = get_review_card(runtime(), actor(), campaign_id, first.product_id)
        review_card_view(card, load_categories(runtime()), first)
        if len(page.disputes) > 1:
            _coming(page)
            following = get_review_card(runtime(), actor(), campaign_id, page.disputes[1].product_id)
            prefetch_image(following.product.image)
    elif after:
        st.success(_("You have been through all that is not settled."))
        st.button(_("From the worst again"), key="review.restart", type="primary", on_click=from_the_worst)
    elif not (page.n_unseen or is_decided_twice(runtime(), actor(), campaign_id)):
        st.info(_("Nothing to settle yet: no product of this campaign was decided by two people so far."))
    else:
        st.success(_("Nothing is left to settle here: where several people decided, they agree or it is settled."))
    if not page.disputes:
        _undo_button()
    unanimous_box(campaign_id, category_id)


def category_filter() -> int | None:
    """A subtree: only where somebody said a category of it. It stands in the URL."""
    categories = load_categories(runtime())
    text = st.query_params.get("category", "")
    chosen = int(text) if text.isdecimal() and int(text) in categories else None
    if chosen is None:
        with st.popover(_("All categories"), icon=":material/filter_list:"):
            category_picker("review.filter", _("Only within ..."), pick_inner=True, on_pick=_filter)
    else:
        name = category_path(categories[chosen]).rpartition(" > ")[2]
        st.button(
            escape(name),
            key="review.filter_off",
            icon=":material/close:",
            help=_("All categories"),
            on_click=_no_filter,
        )
    return chosen


def _filter(category_id: int) -> None:
    st.query_params["category"] = str(category_id)
    st.session_state.pop(PASSED, None)


def _no_filter() -> None:
    st.query_params.pop("category", None)
    st.session_state.pop(PASSED, None)


def _ask_to_measure(campaign_id: int, page: DisputePage) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            _("{n} or more decisions have not been looked through yet: measuring does that.").format(
                n=count_text(page.n_unseen)
            )
        )
        st.button(_("Measure now"), key="review.measure_queue", on_click=measure, args=(campaign_id,))


def _undo_button() -> None:
    last = find_last_settlement(runtime(), actor())
    st.button(
        _("Undo"),
        key=f"review.undo.{last.id if last else 0}",
        shortcut="Z",
        icon=":material/undo:",
        disabled=last is None,
        on_click=undo_last,
    )


def _coming(page: DisputePage) -> None:
    """What comes next, in short lines."""
    categories = load_categories(runtime())
    with st.expander(_("Coming next"), key="review.coming"):
        st.dataframe(
            [
                {
                    _("Product"): page.titles.get(one.product_id, ""),
                    _("Said"): _names(one, categories),
                    _("Tree distance"): round(one.apart, 2),
                }
                | ({_("Doubt"): round(one.doubt, 2)} if page.is_measured else {})
                for one in page.disputes[1:]
            ],
            hide_index=True,
        )
        st.caption(
            _(
                "Tree distance: of two votes, on average; 0 is the same category, 1 another department. Doubt: how "
                "unsure the consensus of people and model is (CROWDLAB), once the campaign is measured."
            )
        )


def _names(one: Dispute, categories) -> str:  # type: ignore[no-untyped-def]
    named = [categories[id_] for id_ in one.category_ids if id_ in categories]
    return " | ".join(" > ".join(category_path(category).split(" > ")[-2:]) for category in named)
