"""A card a time: what is this product? The reviewer settles a fair sample without seeing what was voted."""

from uuid import uuid4

import streamlit as st

from core.analysis.error_rates import ErrorRates
from core.analysis.fair_sample import draw_fair_sample, missing
from core.catalogue.product_details import get_product
from core.errors import AppError
from core.labeling.settling import settle
from pages.components.category_picker import category_picker
from pages.components.context import actor, runtime
from pages.components.messages import say, show_message
from pages.components.numbers import count_text
from pages.components.product_card import product_facts, product_image, product_title
from pages.components.words import _, error_text

QUEUE, SETTLED = "error_rates.sample", "error_rates.n_settled"  # (product, idempotency key) to come; how many are done


def fair_sample_box(found: ErrorRates) -> None:
    """Drawn where a part of the voted products is hardly settled."""
    label = _("Settle a fair sample: about {n} more products").format(n=count_text(missing(found)))
    if st.toggle(label, key="error_rates.sampling"):
        _card(found)


@st.fragment
def _card(found: ErrorRates) -> None:
    show_message()
    if st.session_state.get(SETTLED, 0) >= missing(found):  # enough, as far as can be told: look at all of it again
        st.session_state[SETTLED] = 0
        st.rerun()
    st.caption(
        _(
            "Products on which people agreed, drawn at random. Say what each one is, without seeing what was voted. "
            "Settled all at one stroke they would only repeat the votes, so those do not count here."
        )
    )
    if not st.session_state.get(QUEUE):
        drawn = draw_fair_sample(runtime(), actor(), found).product_ids
        st.session_state[QUEUE] = [(product_id, f"fair-{uuid4().hex}") for product_id in drawn]
    if not st.session_state[QUEUE]:
        st.text(_("Nothing is left to draw. People who voted on the rest themselves leave it to another reviewer."))
        return
    product = get_product(runtime(), actor(), st.session_state[QUEUE][0][0])
    left, right = st.columns([1, 3], gap="medium")
    with left:
        product_image(product.image)
    with right:
        product_title(product.title)
        facts = ((_("Mall category"), product.mall_category), (_("Brand"), product.brand))
        product_facts(tuple((name, value) for name, value in facts if value))
        category_picker(f"error_rates.pick.{product.id}", _("What is it?"), browse=False, on_pick=_settle)
        n_settled = st.session_state.get(SETTLED, 0)
        st.text(_("Settled now: {n} of about {all}").format(n=count_text(n_settled), all=count_text(missing(found))))
        st.button(_("Later"), key="error_rates.later", icon=":material/skip_next:", on_click=_later)


def _settle(category_id: int) -> None:
    product_id, key = st.session_state[QUEUE][0]
    try:
        settle(runtime(), actor(), product_id, category_id, key)
    except AppError as error:
        say(error_text(error))
        return
    st.session_state[SETTLED] = st.session_state.get(SETTLED, 0) + 1
    _later()


def _later() -> None:
    st.session_state[QUEUE] = st.session_state[QUEUE][1:]
