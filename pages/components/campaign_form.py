"""The form of a new campaign: what for, which products, by how many people; the rest behind 'More settings'."""

from dataclasses import replace

import streamlit as st

from core.catalogue.products import ProductFilter
from core.errors import AppError
from core.labeling.campaigns import (
    MAX_OVERLAP,
    CampaignSettings,
    Inputs,
    Recipe,
    are_folds_missing,
    create_campaign,
    list_names,
    ready_made,
)
from db.enums import CampaignKind, CampaignOrder, ProductOrder
from pages.components.campaign_inputs import kind_inputs
from pages.components.campaign_names import KINDS, free_name
from pages.components.campaign_preview import asked_text, queue_preview
from pages.components.campaign_settings import read_settings, settings_fields
from pages.components.context import actor, runtime
from pages.components.messages import say
from pages.components.product_filter_words import ORDERS, chip_texts, query_of
from pages.components.product_table import product_table
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
    CampaignKind.HUMAN_BASELINE: N_(
        "Products that no model learned from, without suggestions: this measures how often people are right."
    ),
    CampaignKind.AMBIGUOUS_PAIR: N_(
        "Two categories that are mistaken for each other: products between them, with both definitions."
    ),
    CampaignKind.MALL_AUDIT: N_("A sample of each of a mall's own categories: this shows how far the mall is right."),
    CampaignKind.NEW_LEAF: N_("Products that a search finds for a new category: each answer says whether it fits."),
    CampaignKind.TAXONOMY_CHANGE: N_("Products that a change of the category tree wants looked at again."),
}
SAMPLE = 5
READY_LIMITS = {CampaignKind.HUMAN_BASELINE: 500, CampaignKind.RANDOM: 1_000, CampaignKind.NEW_LEAF: 300}
ERROR = "campaigns.error"
N_MADE = "campaigns.n_made"  # part of the form's keys: after each campaign the fields are new and empty


def campaign_form(given: tuple[ProductFilter, ProductOrder] | None) -> None:
    """`given` is the filter of a list that a person came from; without it they choose a kind."""
    kind = _kind_of(given[1]) if given else _chosen_kind()
    recipe = Recipe(given[0], _order_of(given[1]), CampaignSettings()) if given else _ready(kind)
    if recipe is None:
        return
    what = st.container()
    name = free_name(kind, list_names(runtime()))
    with st.container():  # no form: what stands above answers each change
        left, middle, right = st.columns([4, 1, 1])
        left.text_input(_("Name"), value=name, max_chars=200, key=_key(f"name.{kind}"))
        middle.number_input(
            _("People per product"),
            1,
            MAX_OVERLAP,
            recipe.settings.overlap,
            key=_key(f"overlap.{kind}"),
            help=_("With two, you see who agrees."),
        )
        limit = None if given else READY_LIMITS.get(kind)
        key = _key("limit") if limit is None else _key(f"limit.{kind}")
        right.number_input(_("At most"), 1, None, limit, key=key, placeholder=_("all"))
        st.text_area(_("Guidelines"), key=_key("guidelines"), max_chars=20_000, height=80)
        settings_fields(kind, recipe, _key(f"more.{kind}"))
        st.button(
            _("Create the campaign"), key="campaigns.create", type="primary", on_click=_create, args=(kind, recipe, key)
        )
    with what:
        said = read_settings(recipe, _key(f"more.{kind}"))
        _what_it_takes(said, kind, st.session_state[key], given is not None)
    if ERROR in st.session_state:
        st.error(st.session_state.pop(ERROR))


def _key(field: str) -> str:
    return f"campaigns.{field}.{st.session_state.get(N_MADE, 0)}"


def _chosen_kind() -> CampaignKind:
    asked = st.query_params.get("kind", "")
    kind = st.segmented_control(
        _("What for"),
        list(KINDS),
        format_func=lambda kind: _(KINDS[kind]),
        default=CampaignKind(asked) if asked in set(CampaignKind) else CampaignKind.LOW_CONFIDENCE,
        required=True,
        key="campaigns.kind",
    )
    return CampaignKind(kind or CampaignKind.LOW_CONFIDENCE)


def _ready(kind: CampaignKind) -> Recipe | None:
    """None while something is missing that the kind needs."""
    st.caption(_(WHAT_FOR[kind]))
    inputs: Inputs = kind_inputs(kind)
    try:
        return ready_made(kind, inputs)
    except AppError as error:
        st.caption(escape(error_text(error)))
        return None


def _what_it_takes(recipe: Recipe, kind: CampaignKind, limit: int | None, is_given: bool) -> None:
    order = ProductOrder(recipe.order.value)
    if is_given:
        parts = [_(ORDERS[order]), *chip_texts(recipe.filter, everything=True).values()]
        st.markdown(escape(" · ".join(parts)))
    if are_folds_missing(runtime(), recipe.filter):
        words = _(
            "Nothing is held out yet: with this campaign, about a tenth of the labeled products is set aside for good."
        )
        st.caption(words)
        return
    try:
        seen = queue_preview(kind, recipe, limit)
        with st.container(horizontal=True, vertical_alignment="center"):
            query = query_of(recipe.filter, order)
            st.page_link("pages/products.py", label=asked_text(seen), icon=":material/list:", query_params=query)
            is_asked = st.toggle(_("Show the first of them"), key="campaigns.sample")  # no index serves every order
        if is_asked:
            product_table(queue_preview(kind, recipe, limit, SAMPLE).rows)
    except AppError as error:
        st.info(escape(error_text(error)), icon=":material/info:")


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


def _create(kind: CampaignKind, recipe: Recipe, limit_key: str) -> None:
    state = st.session_state
    said = read_settings(recipe, _key(f"more.{kind}"))
    try:
        campaign = create_campaign(
            runtime(),
            actor(),
            state[_key(f"name.{kind}")],
            kind,
            said.filter,
            said.order,
            guidelines=state[_key("guidelines")],
            limit=state[limit_key],
            settings=replace(said.settings, overlap=state[_key(f"overlap.{kind}")]),
        )
    except AppError as error:
        state[ERROR] = escape(error_text(error))
        return
    state[N_MADE] = state.get(N_MADE, 0) + 1
    if st.query_params.get("new") == "kind":  # the address holds the form open, for the next one of the kind
        st.query_params.from_dict({"new": "kind", "kind": kind.value})
    else:
        st.query_params.clear()
    say(_("The campaign '{name}' is made.").format(name=campaign.name))
