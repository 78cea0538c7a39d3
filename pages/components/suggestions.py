"""The buttons that decide: suggestions with their keys, skip and the flags."""

from collections.abc import Callable

import streamlit as st

from db.enums import DecisionKind
from pages.components.card_view import CardView, Choice
from pages.components.words import _, escape

FIGURE_SPACE = "\u2007"  # as wide as a digit: percentages stand under one another
Decide = Callable[[CardView, DecisionKind, int | None, int | None], None]


def choice_buttons(card: CardView, decide: Decide) -> None:
    """One button a choice, printed with its key; the best suggestion answers to Enter as well, and so
    does what a suspected label should be in a campaign about those."""
    with st.container(key="label.choices", gap="xxsmall"):
        if not any(choice.rank for choice in card.choices):
            st.caption(_("No suggestions: no model has scored this product yet. Search a category below."))
        if card.hard_to_predict:
            st.caption(":material/help: " + escape(card.hard_to_predict))
        for choice in card.choices:
            choice_row(card, choice, decide)


def choice_row(card: CardView, choice: Choice, decide: Decide) -> None:
    """One choice with its key, and beside it the button that Enter presses, where this is what Enter takes."""
    with st.container(horizontal=True, gap="xsmall", wrap=False):
        _choice_button(card, choice, decide)
        if choice.is_on_enter:
            st.button(
                _("Accept"),
                key=f"label.accept.{card.token}",
                type="primary",
                shortcut="Enter",
                on_click=decide,
                args=(card, DecisionKind.LABEL, choice.category_id, choice.rank),
            )


def _choice_button(card: CardView, choice: Choice, decide: Decide) -> None:
    st.button(
        choice_text(choice),
        key=f"label.take.{choice.key}.{card.token}",
        shortcut=choice.key,
        width="stretch",
        wrap=False,
        on_click=decide,
        args=(card, DecisionKind.LABEL, choice.category_id, choice.rank),
    )


def choice_text(choice: Choice) -> str:
    """'87 %  Clothing > Women > **Trousers**', with a word where it is the label the product has now."""
    above, separator, leaf = choice.path.rpartition(" > ")
    path = f"{escape(above + separator)} **{escape(leaf)}**" if above else f"**{escape(leaf)}**"
    now = _("label now")
    current = f":blue-badge[{now}] " if choice.is_current else ""
    percent = "–" if choice.confidence is None else percent_text(choice.confidence)
    padded = f"{percent:{FIGURE_SPACE}>5}".replace("<", r"\<").replace(">", r"\>")
    return f"{padded}\u2002{current}{path}"


def percent_text(confidence: float) -> str:
    """0..1 as '87 %'; what is not nothing never reads '0 %', what is not certain never '100 %'."""
    if confidence < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= confidence < 1 else f"{round(100 * confidence)} %"


def other_buttons(card: CardView, decide: Decide, skip: Callable[[CardView], None]) -> None:
    """Skip and the two flags, for a row of buttons."""
    _other(card, "skip", _("Skip"), "S", ":material/skip_next:", skip, ())
    _other(
        card, "cannot_tell", _("Cannot tell"), "F", ":material/help:", decide, (DecisionKind.CANNOT_TELL, None, None)
    )
    _other(
        card, "bad_listing", _("Bad listing"), "B", ":material/flag:", decide, (DecisionKind.BAD_LISTING, None, None)
    )


def _other(
    card: CardView, name: str, label: str, shortcut: str, icon: str, act: Callable[..., None], args: tuple[object, ...]
) -> None:
    st.button(label, key=f"label.{name}.{card.token}", shortcut=shortcut, icon=icon, on_click=act, args=(card, *args))
