"""People and model: who errs how often, in which category, on the same gold products."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.analysis.error_rates import ErrorRates, get_error_rates
from core.analysis.fair_sample import missing
from core.analysis.verdicts import ErrorRow
from core.catalogue.product_sight import sees_gold
from core.permissions import Action, may
from core.types import Actor
from pages.components.context import actor, revision, runtime
from pages.components.error_rate_charts import MOST_ROWS, category_chart, trend_chart
from pages.components.error_rate_choices import choose_rows, choose_verdicts, choose_version
from pages.components.error_rate_products import PAGER, ask_button, confused_with, pairs, products
from pages.components.error_rate_sample import fair_sample_box
from pages.components.error_rate_states import first_steps, freshness, how_counted, link, neglected_warning
from pages.components.error_rate_table import headline, rate_table
from pages.components.error_rate_words import row_name
from pages.components.messages import show_message
from pages.components.words import _

PLAIN = {"displayModeBar": False}
MOST_CHOICES = 500


@st.cache_resource(ttl=20, max_entries=8, show_spinner=False)
def cached(who: Actor, version_id: int | None, revisions: tuple[int, ...]) -> ErrorRates | None:
    """Kept for twenty seconds: a vote raises no revision. Shared, so nobody changes it."""
    return get_error_rates(runtime(), who, version_id)


def look_into(found: ErrorRates, rows: list[ErrorRow]) -> None:
    options = {place: row_name(found, row) for place, row in enumerate(rows[:MOST_CHOICES])}
    place = st.selectbox(
        _("Look into a category"),
        list(options),
        index=None,
        format_func=options.__getitem__,
        placeholder=_("Choose one to see its products"),
        on_change=PAGER.reset,
    )
    if place is None:
        return
    row = rows[place]
    left, right = st.columns([3, 2], gap="large")
    with left:
        others = confused_with(found, row)
    with right:
        if others and len(row.leaf_ids) == 1 and may(actor(), Action.EDIT_CAMPAIGNS):
            ask_button(_("Ask people: the one or the other?"), found, row.leaf_ids[0], others[0], "error_rates.ask")
        ids = ",".join(map(str, row.leaf_ids[:100]))
        if sees_gold(actor()):
            link(_("Its gold products in the list"), "products", category_ids=ids, label_source="gold")
        link(_("Exclusion rules: words that mislead the model"), "training")
        link(_("Labels that look wrong"), "campaigns")
        link(_("Review"), "review")
    products(found, row, others)


def render(found: ErrorRates, department_place: DeltaGenerator, level_place: DeltaGenerator) -> None:
    headline(found)
    department, rows = choose_rows(found, department_place, level_place)
    shown = choose_verdicts(rows)
    charted = [row for row in shown if row.n >= found.rules.fewest][:MOST_ROWS]
    if charted:
        st.plotly_chart(category_chart(found, charted), key="error_rates.chart", config=PLAIN)
    rate_table(found, shown)
    look_into(found, shown)
    left, right = st.columns(2, gap="large")
    with left:
        people, versions = found.trend(department)
        st.markdown("##### " + _("From version to version"))
        if any(not one.model.is_too_few for one in versions):
            st.plotly_chart(trend_chart(people, versions), key="error_rates.trend", config=PLAIN)
            st.caption(_("Each version on those of the same gold products that it answered; n says how many."))
        else:
            st.text(_("Too few judged products for a trend."))
    with right:
        st.markdown("##### " + _("Most often taken for each other"))
        pairs(found)
    how_counted(found)


show_message()
boxes = st.columns(3)
chosen_version = choose_version(boxes[2])
found = cached(actor(), chosen_version, revision("gold", "taxonomy", "models", "predictions", "labels"))
freshness(found, chosen_version)
if found is None:
    pass
elif found.n == 0:
    first_steps(found)
elif not found.may_judge:  # rates of a sample that is not fair would be wrong, so none is shown
    neglected_warning(found)
    if may(actor(), Action.REVIEW) and missing(found):
        fair_sample_box(found)
    how_counted(found)
else:
    render(found, *boxes[:2])
