"""The filter of a list of products. The URL holds it: widgets only show and change the URL."""

from datetime import date

import streamlit as st

from core.catalogue.malls import list_malls
from core.catalogue.product_sight import checked_filter, sees_gold
from core.catalogue.products import ProductFilter
from core.errors import AppError
from db.enums import LabelSource, NoiseMethod, ProductOrder
from pages.components.category_picker import category_picker
from pages.components.context import actor, runtime
from pages.components.product_filter_words import ORDERS, SOURCES, chip_texts, percent
from pages.components.words import _, error_text, escape

PERCENTS = ("confidence_above", "confidence_below", "margin_above", "margin_below", "random_share")
TOGGLES = ("disagrees", "hard_to_predict", "people_disagree", "held_out")


def read_filter() -> tuple[ProductFilter, ProductOrder]:
    """What the URL asks for; what it says wrongly, or what is not for who is here, is told and left out."""
    parameters = st.query_params.to_dict()
    try:
        wanted = checked_filter(actor(), ProductFilter.from_query(parameters))
    except AppError as error:
        st.warning(escape(error_text(error)), icon=":material/filter_alt_off:")
        wanted = ProductFilter()
    order = parameters.get("order", "")
    return wanted, ProductOrder(order) if order in set(ProductOrder) else ProductOrder.NEWEST


def _change(name: str, value: object) -> None:
    """Put one part into the URL, or take it out; the list starts at its first page again."""
    st.query_params.pop("cursor", None)
    if value in (None, "", False, ()):
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = "1" if value is True else str(value)


def _from_widget(name: str) -> None:
    value = st.session_state[f"products.{name}"]
    if name in PERCENTS and value is not None:
        value = value / 100
    if name == "label_issue":
        value = NoiseMethod.CONFIDENT_LEARNING.value if value else None
    if isinstance(value, list):
        value = ",".join(map(str, sorted(value)))
    _change(name, value.strip() if isinstance(value, str) else value)


def filter_bar(wanted: ProductFilter, order: ProductOrder, is_sorted: bool = True) -> None:
    """Words, label and order (where the list has one) in a line; the rest behind a button; what else is set as chips
    that can be taken off."""
    values: dict[str, object] = {
        "keyword": wanted.keyword or "",
        "label_source": wanted.label_source or "",
        "order": order.value,
        "any_words": ", ".join(wanted.any_words),
        "label_issue": wanted.label_issue is not None,
        "mall_id": wanted.mall_id,
        "months": list(wanted.months),
        "registered_from": wanted.registered_from,
        "registered_to": wanted.registered_to,
    }
    values |= {name: getattr(wanted, name) for name in TOGGLES}
    values |= {name: percent(getattr(wanted, name)) for name in PERCENTS}
    for name, value in values.items():
        st.session_state[f"products.{name}"] = value
    words, label, *sorting, more = st.columns([6, 4, 4, 3] if is_sorted else [6, 4, 3], vertical_alignment="bottom")
    words.text_input(
        _("Words in the title"), key="products.keyword", on_change=_from_widget, args=("keyword",), max_chars=200
    )
    label.selectbox(
        _("Current label"),
        [source for source in SOURCES if source != LabelSource.GOLD or sees_gold(actor())],
        format_func=lambda source: _(SOURCES[source]),
        key="products.label_source",
        on_change=_from_widget,
        args=("label_source",),
    )
    for box in sorting:
        box.selectbox(
            _("Order"),
            [order.value for order in ORDERS],
            format_func=lambda order: _(ORDERS[ProductOrder(order)]),
            key="products.order",
            on_change=_from_widget,
            args=("order",),
        )
    with more.popover(_("More"), icon=":material/tune:", width="stretch"):
        _more()
    _chips(wanted)


def _more() -> None:
    picked = category_picker("products.category", placeholder=_("Label: a category and all below it"), pick_inner=True)
    if picked is not None:
        _change("category_ids", picked)
        st.rerun()
    predicted = category_picker(
        "products.predicted", placeholder=_("Model: a category and all below it"), pick_inner=True
    )
    if predicted is not None:
        _change("predicted_category_ids", predicted)
        st.rerun()
    toggles = (
        _("The model contradicts the label"),
        _("Hard to predict"),
        _("People disagree, and nobody has settled it"),
        _("Only what no model learned from"),
    )
    for name, title in zip(TOGGLES, toggles, strict=True):
        st.toggle(title, key=f"products.{name}", on_change=_from_widget, args=(name,))
    st.toggle(_("The label looks wrong"), key="products.label_issue", on_change=_from_widget, args=("label_issue",))
    names = (
        _("Confidence from, %"),
        _("Confidence below, %"),
        _("Margin from, %"),
        _("Margin below, %"),
        _("A random share, %"),
    )
    boxes = st.columns(len(names), vertical_alignment="bottom")
    for box, name, title in zip(boxes, PERCENTS, names, strict=True):
        key = f"products.{name}"
        box.number_input(title, 0.0, 100.0, None, 5.0, "%g", key=key, on_change=_from_widget, args=(name,))
    st.text_input(
        _("One of these words is enough, parted by commas"),
        key="products.any_words",
        on_change=_from_widget,
        args=("any_words",),
        max_chars=1_000,
    )
    _mall_and_months()
    left, right = st.columns(2)
    for box, name, title in (
        (left, "registered_from", _("Registered from")),
        (right, "registered_to", _("Registered to")),
    ):
        key = f"products.{name}"
        box.date_input(title, None, min_value=date(1990, 1, 1), key=key, on_change=_from_widget, args=(name,))


def _mall_and_months() -> None:
    left, right = st.columns(2)
    malls = dict(list_malls(runtime()))
    asked = st.session_state["products.mall_id"]
    left.selectbox(
        _("Mall"),
        [*malls, *([asked] if asked is not None and asked not in malls else [])],
        index=None,
        placeholder=_("Any mall"),
        format_func=lambda id_: malls.get(id_, str(id_)),
        key="products.mall_id",
        on_change=_from_widget,
        args=("mall_id",),
    )
    right.multiselect(
        _("Months of the year"),
        list(range(1, 13)),
        format_func=lambda month: _("month {n}").format(n=month),
        key="products.months",
        on_change=_from_widget,
        args=("months",),
        placeholder=_("any"),
    )


def _chips(wanted: ProductFilter) -> None:
    """What is set and not seen in the bar: a click takes it off."""
    texts = chip_texts(wanted)
    if not texts:
        return
    with st.container(horizontal=True):
        for name, text in texts.items():
            st.button(
                escape(text),
                key=f"products.chip.{name}",
                icon=":material/close:",
                help=_("Take this off"),
                on_click=_change,
                args=(name, None),
            )
