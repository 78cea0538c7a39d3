"""A version's quality per category: a table to sort, each rate with its n and interval."""

import streamlit as st

from core.training.category_quality import CategoryQuality, list_category_quality
from core.training.intervals import TOO_FEW, Rate
from pages.components.context import runtime
from pages.components.numbers import percent, rate_text
from pages.components.words import _, language


@st.cache_data(max_entries=8)
def _cached(version_id: int, revisions: tuple[int, ...]) -> list[CategoryQuality]:
    return list_category_quality(runtime(), version_id)


def category_quality_table(version_id: int, revisions: tuple[int, ...]) -> None:
    """Every category with held-out products or answers. Numbers under 30 rows are left empty, their n is shown."""
    found = _cached(version_id, revisions)
    if not found:
        st.text(_("Nothing was held out for this version."))
        return
    shares = st.column_config.NumberColumn(format="percent")
    st.dataframe(
        [_row(one) for one in found],
        hide_index=True,
        placeholder="–",
        column_config=dict.fromkeys((_("Recall"), _("Precision"), "F1", "P@2", "P@4"), shares),
    )
    st.caption(_("Held-out products only. Rates of fewer than {n} products are left out.").format(n=TOO_FEW))


def _row(one: CategoryQuality) -> dict[str, str | int | float | None]:
    enough = not one.recall.is_too_few
    return {
        _("Category"): (one.path_en if language() == "en" else None) or one.path,
        "n": one.recall.n,
        _("Recall"): _value(one.recall),
        _("95 % interval"): rate_text(one.recall) if enough else "",
        _("Precision"): _value(one.precision),
        _("Answers"): one.precision.n,
        "F1": one.f1 if enough else None,
        "P@2": _value(one.p_at_2),
        "P@4": _value(one.p_at_4),
        _("Sure from"): _sure_from(one),
        _("Chosen on"): one.n_calibration,
    }


def _sure_from(one: CategoryQuality) -> str:
    if one.n_calibration is None:
        return ""
    return _("never") if one.threshold is None else f"{percent(one.threshold)} %"


def _value(found: Rate) -> float | None:
    return None if found.is_too_few else found.value
