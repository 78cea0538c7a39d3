"""What a campaign asks about, side by side: A or B with both definitions; or whether a product belongs to one leaf."""

import streamlit as st

from pages.components.card_view import Asked, CardView
from pages.components.suggestions import Decide, choice_row
from pages.components.words import _, escape

MAX_TITLE = 80  # characters


def asked_choices(card: CardView, decide: Decide) -> None:
    """The question, a button and a definition for each category; of one category the suggestions follow."""
    with st.container(key="label.asked", gap="xsmall"):
        if len(card.asked) == 1:
            st.markdown(_("Does it belong here? **1** says yes. Else choose or search another category."))
            _definition(card, card.asked[0], decide)
            for choice in card.choices[1:]:
                choice_row(card, choice, decide)
            return
        st.markdown(_("Which of the two is it? If neither, search another category below."))
        for column, one in zip(st.columns(len(card.asked)), card.asked, strict=True):
            with column:
                _definition(card, one, decide)


def _definition(card: CardView, one: Asked, decide: Decide) -> None:
    choice_row(card, one.choice, decide)
    with st.container(key=f"label.definition.{one.choice.category_id}", border=True, gap="xxsmall"):
        st.caption(escape(one.choice.path))
        if one.guidelines:
            st.text(one.guidelines)
        for example in one.examples:
            mark = ":material/close:" if example.is_counterexample else ":material/check:"
            words = _("not here: {title}") if example.is_counterexample else "{title}"
            note = f" :gray[{escape(example.note)}]" if example.note else ""
            st.markdown(f"{mark} {escape(words.format(title=example.title[:MAX_TITLE]))}{note}")
        if not one.guidelines and not one.examples:
            st.caption(_("Nobody has written down yet what belongs here."))


def blind_notice() -> None:
    """Why there is nothing to choose from."""
    with st.container(key="label.blind"):
        st.info(
            _(
                "This campaign is blind: it measures what people see in a product, so no suggestion and no label of "
                "now is shown. Press / and search the category that fits."
            ),
            icon=":material/visibility_off:",
        )
