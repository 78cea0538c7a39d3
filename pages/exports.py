"""Export what is known into files, fetch earlier ones, and manage the addresses that hear of events."""

import streamlit as st

from core.catalogue.exporting.exporting import JOB, list_exports, start_export
from core.catalogue.exporting.request import ExportRequest
from core.errors import N_, AppError
from core.jobs.queue import find_unfinished_job
from core.permissions import Action, may
from pages.components.context import actor, runtime
from pages.components.export_form import export_form
from pages.components.export_list import show_export
from pages.components.job_progress import job_progress
from pages.components.messages import say, show_message
from pages.components.webhook_list import webhook_list
from pages.components.words import _, error_text

STARTED = N_("The export has been started.")
SHOWN = 10
FILES, HOOKS = "files", "webhooks"
PARTS = {FILES: N_("Files"), HOOKS: N_("Webhooks")}


def _start(request: ExportRequest) -> None:
    try:
        start_export(runtime(), actor(), request)
        say(_(STARTED))
    except AppError as error:
        say(error_text(error))


def _files() -> None:
    with st.container(border=True):
        request = export_form()
        st.button(
            _("Start export"),
            key="exports.start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=request is None,
            on_click=_start,
            args=(request,),
        )
    if running := find_unfinished_job(runtime(), [JOB]):
        job_progress(running.id)
    _past()


def _past() -> None:
    before = st.query_params.get("before", "")
    found = list_exports(runtime(), actor(), SHOWN + 1, int(before) if before.isdecimal() else None)
    done = [one for one in found[:SHOWN] if one.job.is_finished]
    st.markdown("**" + _("Exports so far") + "**")
    if not done:
        st.text(_("No exports yet."))
    for export in done:
        show_export(export)
    left, right = st.columns(2)
    if before:
        left.button(_("Newest"), key="exports.newest", icon=":material/first_page:", on_click=_go_to, args=(None,))
    if len(found) > SHOWN:
        older = found[SHOWN - 1].id
        right.button(_("Older"), key="exports.older", icon=":material/chevron_right:", on_click=_go_to, args=(older,))


def _go_to(before: int | None) -> None:
    if before is None:
        st.query_params.pop("before", None)
    else:
        st.query_params["before"] = str(before)


show_message()
part = FILES
if may(actor(), Action.MANAGE_WEBHOOKS):
    part = st.segmented_control(
        _("What to do here"),
        list(PARTS),
        format_func=lambda name: _(PARTS[name]),
        default=FILES,
        key="exports.part",
        label_visibility="collapsed",
        required=True,
    )
if part == HOOKS:
    webhook_list()
else:
    _files()
