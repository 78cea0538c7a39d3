"""'Also fits' on the labeling card: a product that belongs to several categories. The next choice is a further one."""

import streamlit as st

from core.catalogue.taxonomy import load_categories
from core.errors import AppError
from core.labeling.alternatives import add_alternative, list_alternatives, remove_alternative
from db.enums import DecisionKind
from pages.components.card_view import CardView, category_path
from pages.components.context import actor, runtime
from pages.components.lease import is_on_screen
from pages.components.messages import say
from pages.components.suggestions import Decide
from pages.components.words import _, error_text, escape

CHOOSING = "label.also"  # the token of the card whose next choice is a further category


def also_fits(card: CardView, product_id: int) -> None:
    """A: the next category chosen is right as well, and nothing is decided. What was said is taken back by a press."""
    is_choosing = st.session_state.get(CHOOSING) == card.token
    st.button(
        _("Which one fits as well?") if is_choosing else _("Also fits"),
        key=f"label.also.{card.token}",
        shortcut="A",
        icon=":material/add:",
        type="primary" if is_choosing else "secondary",
        on_click=_toggle,
        args=(card.token,),
    )
    tree = load_categories(runtime())
    for one in list_alternatives(runtime(), actor(), product_id):
        path = category_path(tree[one.category_id]) if one.category_id in tree else one.category
        st.button(
            escape(path.rpartition(" > ")[2]),
            key=f"label.not_also.{one.category_id}.{card.token}",
            icon=":material/close:",
            help=escape(_("Also fits: {category}. Press to take it back.").format(category=path)),
            on_click=_take_back,
            args=(card.token, product_id, one.category_id),
        )


def or_also_fits(decide: Decide, product_id: int) -> Decide:
    """`decide`, but while 'also fits' is on a chosen category becomes a further one of the product."""

    def choose(card: CardView, kind: DecisionKind, category_id: int | None, rank: int | None) -> None:
        if kind != DecisionKind.LABEL or category_id is None or st.session_state.get(CHOOSING) != card.token:
            decide(card, kind, category_id, rank)
        elif is_on_screen(card.token):
            del st.session_state[CHOOSING]
            try:
                add_alternative(runtime(), actor(), product_id, category_id)
            except AppError as error:
                say(error_text(error))

    return choose


def _toggle(token: str) -> None:
    if st.session_state.pop(CHOOSING, None) != token:
        st.session_state[CHOOSING] = token


def _take_back(token: str, product_id: int, category_id: int) -> None:
    if not is_on_screen(token):
        return
    try:
        remove_alternative(runtime(), actor(), product_id, category_id)
    except AppError as error:
        say(error_text(error))
