"""Addresses that hear of events: add, try, remove; what was sent to them, and once more."""

import streamlit as st

from core.errors import AppError
from core.webhook_sending import send_test
from core.webhooks import EVENTS, Delivery, add_webhook, list_deliveries, list_webhooks, redeliver, remove_webhook
from db.enums import DeliveryStatus
from pages.components.context import actor, runtime
from pages.components.messages import say
from pages.components.numbers import time_text
from pages.components.words import N_, _, error_text, escape

EVENT_NAMES = {"decision": N_("Decisions"), "job": N_("Jobs that end"), "promotion": N_("Promotions of a version")}
STATUSES = {
    DeliveryStatus.WAITING: N_("waiting"),
    DeliveryStatus.DELIVERED: N_("arrived"),
    DeliveryStatus.FAILED: N_("given up"),
}
SHOWN = 30
SHOWN_ONCE = "exports.secret"  # of the webhook that was just made


def webhook_list() -> None:
    """The form, the addresses, and the last deliveries."""
    st.caption(
        _("Each event is sent as signed JSON, again and again for a day until it arrives. See docs/webhooks.md.")
    )
    _form()
    if secret := st.session_state.get(SHOWN_ONCE):
        st.success(_("The secret that signs what is sent. Give it to whoever receives:"), icon=":material/key:")
        st.code(secret, language=None)
    hooks = list_webhooks(runtime(), actor())
    if not hooks:
        st.text(_("No webhooks yet."))
    for hook in hooks:
        with st.container(border=True):
            words, test, remove = st.columns([4, 1.2, 1.2], vertical_alignment="center")
            words.markdown(f"**{escape(hook.url)}** · {', '.join(_(EVENT_NAMES[name]) for name in hook.events)}")
            test.button(
                _("Send a test"), key=f"exports.test.{hook.id}", on_click=_test, args=(hook.id,), width="stretch"
            )
            with remove.popover(_("Remove"), width="stretch"):
                st.text(_("It hears nothing more; what was sent stays listed."))
                st.button(_("Remove it"), key=f"exports.remove.{hook.id}", on_click=_remove, args=(hook.id,))
    if hooks:
        _deliveries()


def _form() -> None:
    with st.form("exports.webhook", clear_on_submit=False):
        st.text_input(_("Address"), key="exports.url", placeholder="https://example.com/hear")
        *boxes, button = st.columns([2, 2, 2.5, 1.5], vertical_alignment="center")
        for box, name in zip(boxes, EVENTS, strict=True):
            box.checkbox(_(EVENT_NAMES[name]), value=True, key=f"exports.event.{name}")
        button.form_submit_button(_("Add"), type="primary", on_click=_add, width="stretch")


def _add() -> None:
    st.session_state.pop(SHOWN_ONCE, None)
    events = [name for name in EVENTS if st.session_state[f"exports.event.{name}"]]
    try:
        made = add_webhook(runtime(), actor(), st.session_state["exports.url"], events)
        st.session_state[SHOWN_ONCE] = made.secret
    except AppError as error:
        say(error_text(error))


def _test(webhook_id: int) -> None:
    try:
        sent = send_test(runtime(), actor(), webhook_id)
    except AppError as error:
        say(error_text(error))
        return
    if sent.status == DeliveryStatus.DELIVERED:
        say(_("It arrived: HTTP {status}.").format(status=sent.response_status))
    else:
        say(_("It did not arrive: {reason}").format(reason=sent.error))


def _remove(webhook_id: int) -> None:
    try:
        remove_webhook(runtime(), actor(), webhook_id)
        say(_("The webhook is removed."))
    except AppError as error:
        say(error_text(error))


def _deliveries() -> None:
    """What was sent last; a row that is chosen can be sent once more."""
    found = list_deliveries(runtime(), actor(), limit=SHOWN)
    st.markdown("**" + _("Last deliveries") + "**")
    if not found:
        st.text(_("Nothing was sent yet."))
        return
    chosen = st.dataframe(
        [_row(one) for one in found],
        hide_index=True,
        key="exports.deliveries",
        on_select="rerun",
        selection_mode="single-row",
    )
    rows = chosen["selection"]["rows"]
    at = rows[0] if rows and rows[0] < len(found) else None
    st.button(
        _("Send the chosen one once more"),
        key="exports.redeliver",
        icon=":material/replay:",
        disabled=at is None,
        on_click=_redeliver,
        args=(found[at].id if at is not None else 0,),
    )


def _row(one: Delivery) -> dict[str, str]:
    return {
        _("Number"): str(one.id),
        _("Event"): one.event,
        _("Status"): _(STATUSES[one.status]),
        _("Attempts"): str(one.attempt),
        "HTTP": str(one.response_status or ""),
        _("When"): time_text(one.created_at),
        _("Reason"): one.error or "",
    }


def _redeliver(delivery_id: int) -> None:
    try:
        redeliver(runtime(), actor(), delivery_id)
        say(_("It is sent again as soon as a worker runs."))
    except AppError as error:
        say(error_text(error))
