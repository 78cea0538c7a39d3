"""How often each person is right on hidden gold checks. For reviewers and admins only; core holds that."""

import streamlit as st

from core.labeling.annotator_quality import LAST_CHECKS, RECENT, PersonQuality, Standing, Trend, list_quality
from core.labeling.category_tree import Miss
from pages.components.agreement_view import estimate_text
from pages.components.context import actor, runtime
from pages.components.numbers import count_text, rate_text
from pages.components.words import N_, _, escape

STANDINGS = {
    Standing.BELOW: N_("✕ below"),
    Standing.WATCH: N_("△ watch"),
    Standing.GOOD: N_("✓ good"),
    Standing.TOO_FEW: N_("too few"),
}
TRENDS = {
    Trend.RISING: N_("↗ rising"),
    Trend.FALLING: N_("↘ falling"),
    Trend.STEADY: N_("→ steady"),
    Trend.UNKNOWN: "–",
}


def standing_text(standing: Standing) -> str:
    """A sign and a word: never colour alone."""
    return _(STANDINGS[standing])


def annotator_view() -> None:
    """All of the tab."""
    people = list_quality(runtime(), actor())
    if not people:
        st.info(
            _(
                "Nobody has met a hidden gold check yet. Settle some products, then set a share of gold checks on the "
                "Campaigns page: they are mixed into the queues, and nobody can tell them apart."
            )
        )
        return
    below = [escape(person.name) for person in people if person.standing == Standing.BELOW]
    wanted = f"{100 * runtime().settings.min_gold_agreement:.0f}"
    if below:
        text = _("Surely right less often than {wanted} %: {names}. Look at the misses, and talk before you judge.")
        st.warning(text.format(wanted=wanted, names=", ".join(below)), icon=":material/person_alert:")
    st.dataframe([_line(person) for person in people], hide_index=True)
    st.caption(
        _(
            "Each person's last {last} hidden checks; recent are the last {recent}. Wanted are {wanted} %. Below: even "
            "the upper end of the interval lies under it. Watch: it may be chance. Only reviewers and admins see this."
        ).format(last=count_text(LAST_CHECKS), recent=count_text(RECENT), wanted=wanted)
    )


def _line(person: PersonQuality) -> dict[str, str | int | None]:
    name = person.name if person.is_active else _("{name} (switched off)").format(name=person.name)
    is_shown = not person.right.is_too_few
    return {
        _("Person"): name,
        _("Standing"): standing_text(person.standing),
        _("Right on gold"): rate_text(person.right),
        _("Recent"): rate_text(person.recent),
        _("Trend"): _(TRENDS[person.trend]) if person.trend != Trend.UNKNOWN else "–",
        _("Closeness"): estimate_text(person.closeness),
        _("Missed by a sibling"): person.misses.get(Miss.SIBLING, 0) if is_shown else None,
        _("In the department"): person.misses.get(Miss.DEPARTMENT, 0) if is_shown else None,
        _("Elsewhere"): person.misses.get(Miss.ELSEWHERE, 0) if is_shown else None,
        _("Cannot tell"): person.n_cannot_tell,
    }
