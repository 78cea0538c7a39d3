"""Putting a version to use and taking it back, with a reason; says beforehand whether the gate lets it through."""

import streamlit as st

from core.errors import AppError
from core.training.registry import (
    GateVerdict,
    find_rollback_target,
    judge_promotion,
    list_promotions,
    promote,
    read_version,
    roll_back,
)
from core.training.versions import ModelVersion
from pages.components.context import actor, revision, runtime
from pages.components.numbers import count_text, percent, rate_text, time_text
from pages.components.words import N_, _, error_text, escape

SHOWN = 10
FIRST = N_("first version")  # the reason that the first training gives


@st.cache_data(ttl=30, max_entries=16, show_spinner=False)
def _verdict(version_id: int, revisions: tuple[int, ...]) -> GateVerdict:
    """Kept for half a minute: a decision changes a label and raises no revision. Promoting judges anew."""
    return judge_promotion(runtime(), version_id)


def promotion_box(page: str, version_id: int) -> None:
    """Gate verdict, reason and button for one version. `page` names the widgets."""
    version = read_version(runtime(), actor(), version_id)
    if version.is_promoted:
        st.info(_("{version} is in use.").format(version=version.name), icon=":material/check_circle:")
        return
    verdict = _verdict(version_id, revision("models", "predictions", "taxonomy", "products"))
    _show_verdict(version, verdict)
    with st.form(f"{page}.promote", border=False):
        st.text_input(_("Reason"), key=f"{page}.promote_reason", max_chars=500, placeholder=_("Kept in the audit"))
        if not verdict.passed:
            st.checkbox(_("Put it to use all the same"), key=f"{page}.override")
        st.form_submit_button(
            _("Put {version} to use").format(version=version.name),
            on_click=_promote,
            args=(page, version_id),
            icon=":material/publish:",
        )
    _say(f"{page}.promotion_error")


def rollback_box(page: str) -> None:
    """Back to the version before; nothing is shown where there is none."""
    target = find_rollback_target(runtime())
    if target is None:
        return
    label = _("Roll back to {version}").format(version=target.name)
    with st.popover(label, icon=":material/undo:"), st.form(f"{page}.rollback", border=False):
        st.text_input(_("Reason"), key=f"{page}.rollback_reason", max_chars=500)
        st.form_submit_button(_("Roll back"), on_click=_roll_back, args=(page,))
        _say(f"{page}.rollback_error")


def promotion_history() -> None:
    """Who put which version to use, when and why; the newest first."""
    history = list_promotions(runtime())
    if not history:
        st.text(_("No version was put to use yet."))
        return
    st.dataframe(
        [
            {
                _("Version"): entry.version,
                _("When"): time_text(entry.at),
                _("Who"): entry.person,
                _("Reason"): _(FIRST) if entry.reason == FIRST else entry.reason,
                _("Gate"): _("overridden") if entry.gate_overridden else _("passed"),
            }
            for entry in history
        ],
        hide_index=True,
    )


def _show_verdict(version: ModelVersion, verdict: GateVerdict) -> None:
    if verdict.against_id is None or verdict.against is None:
        st.text(_("No version is in use: this one would be the first."))
        return
    facts = {
        "version": version.name,
        "current": verdict.against,
        "n": count_text(verdict.n_judged),
        "margin": percent(verdict.margin),
    }
    if verdict.n_judged == 0:
        st.info(_("No category has enough held-out products to be judged by itself."))
        _show_overall(version, read_version(runtime(), actor(), verdict.against_id))
        return
    if verdict.passed:
        message = _("No category falls by more than {margin} points against {current} ({n} categories judged).")
        st.success(escape(message.format(**facts)), icon=":material/verified:")
        return
    message = _("{version} is held back: these categories fall by more than {margin} points against {current}.")
    lines = [
        f"- {escape(c.path)}: {percent(c.share_a)} % → {percent(c.share_b)} % (n = {count_text(c.n)})"
        for c in verdict.fallen[:SHOWN]
    ]
    if len(verdict.fallen) > SHOWN:
        lines.append("- " + _("and {n} more").format(n=count_text(len(verdict.fallen) - SHOWN)))
    st.warning("\n".join([escape(message.format(**facts)), "", *lines]), icon=":material/front_hand:")


def _show_overall(version: ModelVersion, current: ModelVersion) -> None:
    """The rates over all held-out products, as a warning where the new one is clearly lower."""
    if version.test is None or current.test is None:
        return
    new, old = version.test.p_at_1, current.test.p_at_1
    words = _("First answer right over all categories: {version} {rate}, {current} {current_rate}").format(
        version=version.name, rate=rate_text(new), current=current.name, current_rate=rate_text(old)
    )
    if new.high < old.low:
        st.warning(escape(words), icon=":material/front_hand:")
    else:
        st.text(words)


def _promote(page: str, version_id: int) -> None:
    state = st.session_state
    try:
        version = promote(
            runtime(), actor(), version_id, state[f"{page}.promote_reason"], bool(state.get(f"{page}.override"))
        )
        st.toast(_("{version} is in use.").format(version=version.name), icon=":material/check_circle:")
    except AppError as error:
        state[f"{page}.promotion_error"] = escape(error_text(error))


def _roll_back(page: str) -> None:
    try:
        version = roll_back(runtime(), actor(), st.session_state[f"{page}.rollback_reason"])
        st.toast(_("{version} is in use.").format(version=version.name), icon=":material/undo:")
    except AppError as error:
        st.session_state[f"{page}.rollback_error"] = escape(error_text(error))


def _say(key: str) -> None:
    """Why the press before came to nothing, once, beside the button that was pressed."""
    problem = st.session_state.pop(key, None)
    if problem:
        st.error(problem)
