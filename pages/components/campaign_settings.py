"""'More settings' of a new campaign: what is shown, by how many people, when it ends, and whose it is."""

from dataclasses import replace

import streamlit as st

from core.labeling.campaigns import MAX_OVERLAP, CampaignSettings, Recipe, Stratum
from core.labeling.members import list_possible_members
from db.enums import CampaignKind, CampaignOrder, ProductOrder
from pages.components.context import runtime
from pages.components.product_filter_words import ORDERS
from pages.components.words import _


def settings_fields(kind: CampaignKind, recipe: Recipe, key: str) -> None:
    """Draws the fields within a form; `key` begins their keys, `read_settings` reads them."""
    ready = recipe.settings
    with st.expander(_("More settings"), icon=":material/tune:"):
        left, middle, right = st.columns(3, vertical_alignment="bottom")
        orders = list(CampaignOrder)
        left.selectbox(
            _("Order"),
            orders,
            index=orders.index(recipe.order),
            format_func=lambda order: _(ORDERS[ProductOrder(order.value)]),
            key=f"{key}.order",
        )
        by = _("At most of each mall category") if kind == CampaignKind.MALL_AUDIT else _("At most of each category")
        middle.number_input(by, 1, None, ready.max_per_category, key=f"{key}.max", placeholder=_("all"))
        is_baseline = kind == CampaignKind.HUMAN_BASELINE
        right.toggle(
            _("Blind"),
            ready.is_blind,
            key=f"{key}.blind",
            disabled=is_baseline,
            help=_("The card shows no suggestion and no label of now, so that people answer for themselves."),
        )
        _ends_and_checks(key, ready, is_baseline)
        st.multiselect(
            _("Only these people work in it"),
            [person_id for person_id, _name in people()],
            format_func=lambda id_: dict(people())[id_],
            key=f"{key}.members",
            placeholder=_("everybody"),
        )


def people() -> list[tuple[int, str]]:
    return list_possible_members(runtime())


def _ends_and_checks(key: str, ready: CampaignSettings, is_baseline: bool) -> None:
    share, by, gold, decisions, error = st.columns(5, vertical_alignment="bottom")
    share.number_input(
        _("A share for more people, %"),
        0,
        100,
        None,
        key=f"{key}.share",
        placeholder=_("none"),
        help=_("So many of the products, drawn at random, are decided by more people: that shows who agrees."),
    )
    by.number_input(_("By so many"), 1, MAX_OVERLAP, 3, key=f"{key}.share_overlap")
    gold.number_input(
        _("Hidden checks, %"),
        0,
        50,
        round(100 * ready.gold_rate),
        key=f"{key}.gold",
        disabled=is_baseline,
        help=_("So many of the cards are products that a reviewer has settled. Nobody sees which."),
    )
    decisions.number_input(
        _("Ends after decisions"), 1, None, ready.target_decisions, key=f"{key}.decisions", placeholder=_("never")
    )
    error.number_input(
        _("Ends below error, %"),
        0.5,
        50.0,
        None,
        0.5,
        "%g",
        key=f"{key}.error",
        placeholder=_("never"),
        help=_("When of the last checks surely fewer than this changed the label; after 30 checks at the earliest."),
    )


def read_settings(recipe: Recipe, key: str) -> Recipe:
    """The recipe with what the fields say."""
    state = st.session_state
    share = state[f"{key}.share"]
    strata = (Stratum(overlap=state[f"{key}.share_overlap"], share=share / 100),) if share else ()
    error = state[f"{key}.error"]
    settings = replace(
        recipe.settings,
        strata=strata,
        is_blind=state[f"{key}.blind"],
        max_per_category=state[f"{key}.max"],
        gold_rate=state[f"{key}.gold"] / 100,
        target_decisions=state[f"{key}.decisions"],
        target_error=None if error is None else error / 100,
        member_ids=tuple(state[f"{key}.members"]),
    )
    return replace(recipe, order=CampaignOrder(state[f"{key}.order"]), settings=settings)
