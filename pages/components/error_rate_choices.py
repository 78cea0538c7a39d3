"""What the page of error rates is asked for: version, department, level, verdicts. All but verdicts are in the URL."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.analysis.error_rates import ErrorRates
from core.analysis.verdicts import ErrorRow
from core.training.registry import list_versions
from pages.components.context import actor, runtime
from pages.components.error_rate_products import PAGER
from pages.components.error_rate_words import VERDICTS, path_of
from pages.components.numbers import count_text
from pages.components.words import _

ALL = 0  # of a select box: no restriction


def to_url(name: str) -> None:
    value = st.session_state[f"error_rates.{name}"]
    PAGER.reset()
    if value == ALL:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = str(value)


def choose(place: DeltaGenerator, name: str, label: str, options: dict[int, str]) -> int | None:
    """A select box whose choice stands in the URL; none for its first, ALL."""
    key, asked = f"error_rates.{name}", st.query_params.get(name, "")
    if st.session_state.get(key) not in options:
        st.session_state[key] = int(asked) if asked.isdecimal() and int(asked) in options else ALL
    return (
        place.selectbox(label, list(options), format_func=options.__getitem__, key=key, on_change=to_url, args=(name,))
        or None
    )


def choose_version(place: DeltaGenerator) -> int | None:
    versions = list_versions(runtime(), actor(), limit=50)
    in_use = next((one.name for one in versions if one.is_promoted), None)
    first = f"{in_use} · " + _("in use") if in_use else _("none: people alone")
    others = {one.id: one.name for one in versions if not one.is_promoted}
    return choose(place, "version", _("Model version"), {ALL: first} | others)


def choose_rows(
    found: ErrorRates, department_place: DeltaGenerator, level_place: DeltaGenerator
) -> tuple[int | None, list[ErrorRow]]:
    """The department and the rows of it, at the level that was asked for."""
    roots = {root for leaf in found.sums if (root := found.root_id(leaf))}
    named = {root: path_of(found.categories[root]) for root in roots}
    ordered = {ALL: _("All departments")} | dict(sorted(named.items(), key=lambda one: one[1]))
    department = choose(department_place, "department", _("Department"), ordered)
    levels = {ALL: _("Smallest categories that have enough"), 1: _("Departments"), 2: _("Level 2"), 3: _("Level 3")}
    rows = found.rows(choose(level_place, "level", _("Level"), levels))
    return department, [row for row in rows if department in (None, found.root_of(row))]


def choose_verdicts(rows: list[ErrorRow]) -> list[ErrorRow]:
    """The counts of verdicts are the filter."""
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in VERDICTS}
    chosen = st.pills(
        _("Verdicts: number of categories"),
        list(VERDICTS),
        selection_mode="multi",
        format_func=lambda verdict: f"{_(VERDICTS[verdict])}: {count_text(counts[verdict])}",
        key="error_rates.verdicts",
    )
    return [row for row in rows if row.verdict in chosen] if chosen else rows
