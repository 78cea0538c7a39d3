"""The form of a new campaign: what for, which products, in which order, by how many people."""

from dataclasses import replace

import streamlit as st

from core.catalogue.products import ProductFilter
from core.errors import AppError
from core.labeling.campaigns import LOW_CONFIDENCE, MAX_OVERLAP, create_campaign, list_campaigns, ready_made
from db.enums import CampaignKind, CampaignOrder, ProductOrder
from pages.components.campaign_names import KINDS, free_name
from pages.components.context import actor, runtime
from pages.components.messages import say
from pages.components.product_filter import ORDERS, chip_texts, query_of
from pages.components.product_table import found_text
from pages.components.words import N_, _, error_text, escape

WHAT_FOR = {
    CampaignKind.LOW_CONFIDENCE: N_(
        "What the model is unsure of, the closest calls first: each answer teaches it most."
    ),
    CampaignKind.DISAGREEMENT: N_("Where the model contradicts the label, the surest first: this finds wrong labels."),
    CampaignKind.RANDOM: N_("Everything, shuffled: this measures how good labels and model are."),
    CampaignKind.LABEL_ISSUES: N_(
        "Labels that look wrong, the most suspicious first: each answer confirms one or clears it."
    ),
}
ERROR = "campaigns.error"
N_MADE = "campaigns.n_made"  # part of the form's keys: after each campaign the fields are new and empty


def campaign_form(given: tuple[ProductFilter, ProductOrder] | None) -> None:
    """`given` is the filter of a list that a person came from; without it they choose a kind."""
    kind = _kind_of(given[1]) if given else _chosen_kind()
    wanted, order = (given[0], _order_of(given[1])) if given else _ready(kind)
    _what_it_takes(wanted, order, kind, given is not None)
    name = free_name(kind, [campaign.name for campaign in list_campaigns(runtime())])
    with st.form("campaigns.form", border=False):
        left, middle, right = st.columns([4, 1, 1])
        left.text_input(_("Name"), value=name, max_chars=200, key=_key(f"name.{kind}"))
        middle.number_input(
            _("People per product"), 1, MAX_OVERLAP, 1, key=_key("overlap"), help=_("With two, you see who agrees.")
        )
        right.number_input(_("At most"), 1, None, None, key=_key("limit"), placeholder=_("all"))
        st.text_area(_("Guidelines"), key=_key("guidelines"), max_chars=20_000, height=80)
        st.form_submit_button(_("Create the campaign"), type="primary", on_click=_create, args=(kind, wanted, order))
    if ERROR in st.session_state:
        st.error(st.session_state.pop(ERROR))


def _key(field: str) -> str:
    return f"campaigns.{field}.{st.session_state.get(N_MADE, 0)}"


def _chosen_kind() -> CampaignKind:
    kind = st.segmented_control(
        _("What for"),
        list(KINDS),
        format_func=lambda kind: _(KINDS[kind]),
        default=CampaignKind.LOW_CONFIDENCE,
        required=True,
        key="campaigns.kind",
    )
    return CampaignKind(kind or CampaignKind.LOW_CONFIDENCE)


def _ready(kind: CampaignKind) -> tuple[ProductFilter, CampaignOrder]:
    recipe = ready_made(kind)
    wanted, order = recipe.filter, recipe.order
    if kind == CampaignKind.LOW_CONFIDENCE:
        percent = st.slider(
            _("Confidence below, %"), 5, 100, round(LOW_CONFIDENCE * 100), 5, key="campaigns.confidence_below"
        )
        wanted = replace(wanted, confidence_below=percent / 100)
    return wanted, order


def _what_it_takes(wanted: ProductFilter, order: CampaignOrder, kind: CampaignKind, is_given: bool) -> None:
    if is_given:
        parts = [_(ORDERS[ProductOrder(order.value)]), *chip_texts(wanted, everything=True).values()]
        st.markdown(escape(" · ".join(parts)))
    else:
        st.caption(_(WHAT_FOR[kind]))
    try:
        found = found_text(wanted)
    except AppError as error:
        st.info(escape(error_text(error)), icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        query = query_of(wanted, ProductOrder(order.value))
        st.page_link("pages/products.py", label=found, icon=":material/list:", query_params=query)


def _kind_of(order: ProductOrder) -> CampaignKind:
    kinds = {
        ProductOrder.DISAGREEMENT: CampaignKind.DISAGREEMENT,
        ProductOrder.MARGIN: CampaignKind.LOW_CONFIDENCE,
        ProductOrder.LABEL_QUALITY: CampaignKind.LABEL_ISSUES,
    }
    return kinds.get(order, CampaignKind.RANDOM)


def _order_of(order: ProductOrder) -> CampaignOrder:
    """A list may show the newest first; a queue hands out the closest calls then."""
    return CampaignOrder.MARGIN if order == ProductOrder.NEWEST else CampaignOrder(order.value)


def _create(kind: CampaignKind, wanted: ProductFilter, order: CampaignOrder) -> None:
    state = st.session_state
    try:
        campaign = create_campaign(
            runtime(),
            actor(),
            state[_key(f"name.{kind}")],
            kind,
            wanted,
            order,
            state[_key("overlap")],
            state[_key("guidelines")],
            state[_key("limit")],
        )
    except AppError as error:
        state[ERROR] = escape(error_text(error))
        return
    state[N_MADE] = state.get(N_MADE, 0) + 1
    st.query_params.clear()
    say(_("The campaign '{name}' is made.").format(name=campaign.name))
