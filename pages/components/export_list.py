"""One export that ended: its numbers, its checksum, the way to its file."""

import streamlit as st

from core.catalogue.exporting.exporting import Export, delete_export, open_export
from core.errors import AppError
from db.enums import JobStatus
from pages.components.context import actor, runtime
from pages.components.export_form import FORMAT_NAMES, WHAT
from pages.components.job_list import STATUSES
from pages.components.messages import say
from pages.components.numbers import count_text, time_text
from pages.components.words import _, error_text, escape, failure_text

LARGEST_DOWNLOAD = 100 * 2**20  # the app keeps what a browser fetches in memory


def show_export(export: Export) -> None:
    """A line of facts with buttons; a failed one says why."""
    with st.container(border=True):
        facts, buttons = st.columns([3, 2], vertical_alignment="center")
        with facts:
            parts = [f"**{escape(_(WHAT[export.what]))}**", FORMAT_NAMES[export.format], time_text(export.created_at)]
            if export.n_rows is not None and export.n_bytes is not None:
                parts += [_("{n} rows").format(n=count_text(export.n_rows)), size_text(export.n_bytes)]
            if export.status != JobStatus.SUCCEEDED:
                parts.append(_(STATUSES[export.status]))
            st.markdown(" · ".join(parts))
            if export.status == JobStatus.FAILED:
                st.text(failure_text(export.job))
            if export.sha256:
                st.caption(f"SHA-256 `{export.sha256}`")
        with buttons:
            _buttons(export)


def _buttons(export: Export) -> None:
    if export.status != JobStatus.SUCCEEDED:
        return
    if export.path is None:
        st.text(_("The file was deleted or moved away."))
        return
    fetch, delete = st.columns([3, 2], vertical_alignment="center")
    if (export.n_bytes or 0) > LARGEST_DOWNLOAD:
        fetch.caption(_("Too large for the browser. It lies on the server; fetch it with:"))
        fetch.code(f"cli.py exports --get {export.id} --out FILE", language=None, wrap_lines=True)
    elif st.session_state.get("exports.ready") == export.id:
        _download(export, fetch)
    else:
        fetch.button(
            _("Prepare download"),
            key=f"exports.prepare.{export.id}",
            icon=":material/download:",
            on_click=_prepare,
            args=(export.id,),
            width="stretch",
        )
    with delete.popover(_("Delete"), icon=":material/delete:", width="stretch"):
        st.text(_("The file goes; that it was made stays listed."))
        st.button(
            _("Delete the file"), key=f"exports.delete.{export.id}", type="primary", on_click=_delete, args=(export.id,)
        )


def _prepare(export_id: int) -> None:
    st.session_state["exports.ready"] = export_id


def _download(export: Export, box: "st.delta_generator.DeltaGenerator") -> None:
    """Only the one that was asked for is read: a list of ten would lie in memory ten times."""
    try:
        path = open_export(runtime(), actor(), export.id)
    except AppError as error:
        box.text(error_text(error))
        return
    box.download_button(
        _("Download"),
        path.read_bytes(),
        path.name,
        key=f"exports.download.{export.id}",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
        width="stretch",
    )


def _delete(export_id: int) -> None:
    try:
        delete_export(runtime(), actor(), export_id)
        say(_("The file is deleted."))
    except AppError as error:
        say(error_text(error))


def size_text(n_bytes: int) -> str:
    """'1.6 MB'."""
    for unit, size in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if n_bytes >= size:
            return f"{n_bytes / size:.1f} {unit}"
    return f"{n_bytes} B"
