"""Compare: two versions side by side on the same held-out products, and the way to put one to use."""

import streamlit as st

from core.training.registry import list_versions
from core.training.versions import ModelVersion
from pages.components.comparison_view import PAGE_ROWS, cached_comparison, categories, changed_products, overall
from pages.components.context import actor, revision, runtime
from pages.components.promotion import promotion_box
from pages.components.reliability import reliability
from pages.components.words import _

TRAIL_KEY = "compare.trail"  # where each page of the list began, the current one last


def starting_pair(versions: list[ModelVersion]) -> tuple[int, int]:
    """From the URL; else the version in use beside the newest other one."""
    ids = [version.id for version in versions]
    asked = [int(text) for text in (st.query_params.get("a", ""), st.query_params.get("b", "")) if text.isdecimal()]
    if len(asked) == 2 and all(version_id in ids for version_id in asked):
        return asked[0], asked[1]
    in_use = next((version.id for version in versions if version.is_promoted), ids[-1])
    newest = next(version_id for version_id in ids if version_id != in_use)
    return in_use, newest


def to_url() -> None:
    st.query_params["a"] = str(st.session_state["compare.a"])
    st.query_params["b"] = str(st.session_state["compare.b"])
    st.session_state[TRAIL_KEY] = [0]


def from_start() -> None:
    st.session_state[TRAIL_KEY] = [0]


def pick_pair(versions: list[ModelVersion]) -> tuple[int, int]:
    names = {
        version.id: f"{version.name} · " + _("in use") if version.is_promoted else version.name for version in versions
    }
    ids = list(names)
    for name, start in zip("ab", starting_pair(versions), strict=True):
        if st.session_state.get(f"compare.{name}") not in names:
            st.session_state[f"compare.{name}"] = start
    left, right = st.columns(2)
    a = left.selectbox(_("A: before"), ids, format_func=names.__getitem__, key="compare.a", on_change=to_url)
    b = right.selectbox(_("B: after"), ids, format_func=names.__getitem__, key="compare.b", on_change=to_url)
    return a, b


def render_products(a_id: int, b_id: int) -> None:
    trail = st.session_state.setdefault(TRAIL_KEY, [0])
    held_out = st.checkbox(_("Only held-out products"), key="compare.held_out", on_change=from_start)
    page = changed_products(found.a, found.b, held_out, trail[-1])
    with st.container(horizontal=True):
        st.button(
            _("Previous"),
            key="compare.previous",
            on_click=trail.pop,
            disabled=len(trail) == 1,
            icon=":material/chevron_left:",
        )
        st.button(
            _("Next"),
            key="compare.next",
            on_click=trail.append,
            args=(page[-1].product_id if page else 0,),
            disabled=len(page) < PAGE_ROWS,
            icon=":material/chevron_right:",
        )


versions = list_versions(runtime(), actor(), limit=200)
if len(versions) < 2:
    st.info(_("Two versions are needed to compare; {n} is there.").format(n=len(versions)))
    st.page_link("pages/training.py", label=_("Train one"), icon=":material/arrow_forward:")
    st.stop()
a_id, b_id = pick_pair(versions)
if a_id == b_id:
    st.info(_("Choose two different versions."))
    st.stop()
found = cached_comparison(actor(), a_id, b_id, revision("models", "predictions", "taxonomy", "products"))
left, right = st.columns([3, 2], gap="large")
with left:
    overall(found)
with right:
    st.markdown("##### " + _("Put to use"))
    promotion_box("compare", b_id)
if st.toggle(_("How far their confidence can be believed"), key="compare.reliability"):
    by_id = {version.id: version for version in versions}
    for side, version_id in zip(st.columns(2, gap="large"), (a_id, b_id), strict=True):
        with side:
            reliability(by_id[version_id], f"compare.{version_id}")
st.markdown("##### " + _("Categories that gained and lost"))
categories(found)
st.markdown("##### " + _("Products whose answer changed") + f"  ({found.n_changed:,} / {found.n_both:,})")
render_products(a_id, b_id)
