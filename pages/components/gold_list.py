"""The gold products, page by page, each with who settled it, and the way back."""

import streamlit as st

from core.catalogue.taxonomy import load_categories
from core.labeling.settling import COUNTED_UP_TO, GoldProduct, count_gold, list_gold
from pages.components.card_view import category_path
from pages.components.context import actor, runtime
from pages.components.keyset_pager import KeysetPager
from pages.components.numbers import count_text, time_text
from pages.components.review_actions import take_back
from pages.components.words import _, escape

PAGE = 25
PAGER = KeysetPager("review.gold")


def gold_list() -> None:
    """All of the tab."""
    n = count_gold(runtime())
    if not n:
        st.info(_("Nothing is gold yet. What reviewers settle becomes gold."))
        return
    more = "+" if n == COUNTED_UP_TO else ""
    st.caption(
        _(
            "{n} gold products: what people and models are judged by. A gold label stands, whatever annotators say "
            "later."
        ).format(n=count_text(n) + more)
    )
    found = list_gold(runtime(), actor(), PAGER.after(), PAGE + 1)
    for line in found[:PAGE]:
        _line(line)
    PAGER.buttons(found[PAGE - 1].product_id if len(found) > PAGE else None)


def _line(line: GoldProduct) -> None:
    category = load_categories(runtime()).get(line.category_id)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        who = " · ".join(part for part in (line.person, time_text(line.settled_at), line.note) if part)
        st.markdown(
            f"**{escape(category_path(category) if category else '?')}**\u2002{escape(line.title[:100])}  \n"
            f":gray[{escape(who)}]"
        )
        if line.decision_id is not None:
            st.button(
                _("Take back"),
                key=f"review.take_back.{line.decision_id}",
                icon=":material/undo:",
                on_click=take_back,
                args=(line.decision_id,),
            )
