"""Parts of the compare page: two versions overall, per category, and product by product."""

import streamlit as st

from core.training.compare import (
    CategoryChange,
    Change,
    ChangedProduct,
    Comparison,
    Side,
    compare_versions,
    list_changed_products,
)
from core.types import Actor
from pages.components.context import actor, runtime
from pages.components.numbers import count_text, percent, rate_text
from pages.components.words import N_, _

PAGE_ROWS = 50
WORDS = {
    Change.GAINED: N_("▲ gained"),
    Change.LOST: N_("▼ lost"),
    Change.UNCLEAR: N_("no clear change"),
    Change.TOO_FEW: N_("too few products"),
}


@st.cache_data(ttl=30, max_entries=16, show_spinner=False)
def cached_comparison(who: Actor, a_id: int, b_id: int, revisions: tuple[int, ...]) -> Comparison:
    """Kept for half a minute: a decision changes a label and raises no revision."""
    return compare_versions(runtime(), who, a_id, b_id)


def overall(found: Comparison) -> None:
    """Side by side on the same rows, with n and intervals."""
    if found.difference is None:
        st.warning(_("There are no held-out products that both versions answered."))
        return
    points = _("{points} points (95 %: {low} to {high})").format(
        points=_signed(found.difference), low=_signed(found.low), high=_signed(found.high)
    )
    st.markdown(f"**P@1 {points}**")
    st.caption(
        _("Both on the same {n} held-out products, judged by their labels of today.").format(n=count_text(found.n))
    )
    st.table(
        [
            {"": _("First answer right (P@1)"), **_rates(found, "p_at_1")},
            {"": _("Within the first 2 (P@2)"), **_rates(found, "p_at_2")},
            {"": _("Within the first 4 (P@4)"), **_rates(found, "p_at_4")},
            {"": _("Macro-F1"), **{side.name: _f1(side) for side in (found.a, found.b)}},
        ],
        border="horizontal",
    )


def categories(found: Comparison) -> None:
    """Counts of gained and lost, then a category a row, the biggest fall first."""
    of = {change: [c for c in found.categories if c.change == change] for change in Change}
    counts = [f"{_(WORDS[change])}: {count_text(len(of[change]))}" for change in Change]
    st.text("   ".join(counts))
    chosen = st.segmented_control(
        _("Show"),
        [Change.LOST, Change.GAINED, Change.UNCLEAR, Change.TOO_FEW],
        format_func=lambda change: _(WORDS[change]),
        selection_mode="multi",
        default=[change for change in (Change.LOST, Change.GAINED) if of[change]]
        or [Change.UNCLEAR if of[Change.UNCLEAR] else Change.TOO_FEW],
        key=f"compare.changes.{found.a.version_id}.{found.b.version_id}",
    )
    rows = [_category_row(found, c) for c in found.categories if c.change in (chosen or [])]
    if rows:
        st.dataframe(rows, hide_index=True)
    st.caption(
        _(
            "Gained and lost: 0 lies outside the 95 % interval of the paired difference. Among 100 categories about "
            "five cross that line by chance."
        )
    )


def changed_products(a: Side, b: Side, held_out_only: bool, after_id: int) -> list[ChangedProduct]:
    """One page of products with another answer; returns it, so that the caller knows where to go on."""
    page = list_changed_products(
        runtime(), actor(), a.version_id, b.version_id, after_id, PAGE_ROWS, held_out_only=held_out_only
    )
    if not page:
        st.text(_("No product."))
        return page
    st.dataframe(
        [
            {
                _("Product"): product.product_id,
                _("Title"): product.title,
                _("Current label"): product.label or "",
                a.name: _answer(product.answer_a, product.confidence_a, product.is_right_a),
                b.name: _answer(product.answer_b, product.confidence_b, product.is_right_b),
                _("Held out"): _("yes") if product.is_held_out else "",
            }
            for product in page
        ],
        hide_index=True,
    )
    return page


def _answer(path: str, confidence: float, is_right: bool | None) -> str:
    mark = "" if is_right is None else ("✓ " if is_right else "✗ ")
    return f"{mark}{path} ({percent(confidence)} %)"


def _rates(found: Comparison, name: str) -> dict[str, str]:
    return {side.name: rate_text(getattr(side, name)) for side in (found.a, found.b)}


def _f1(side: Side) -> str:
    return "" if side.macro_f1 is None else f"{side.macro_f1:.3f}"


def _signed(fraction: float) -> str:
    return f"{100 * fraction:+.1f}"


def _category_row(found: Comparison, change: CategoryChange) -> dict[str, str | int]:
    return {
        _("Category"): change.path,
        _("Change"): _(WORDS[change.change]),
        "n": change.n,
        found.a.name: f"{percent(change.share_a)} %",
        found.b.name: f"{percent(change.share_b)} %",
        _("Difference"): _signed(change.difference),
        _("95 % interval"): f"{_signed(change.low)} … {_signed(change.high)}",
    }
