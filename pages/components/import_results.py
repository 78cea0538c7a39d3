"""Import, third step: the numbers of a run, its rejected rows, and past runs."""

import re

import streamlit as st

from core.catalogue.import_runs import ImportRun, count_reasons, list_import_runs, list_rejects, write_rejects
from core.catalogue.importing import resume_import
from core.errors import AppError
from pages.components.context import actor, runtime
from pages.components.import_mapping import reason_text, reason_words
from pages.components.messages import say
from pages.components.numbers import count_text, time_text
from pages.components.words import N_, _, error_text, escape

STATES = {
    "finished": N_("finished"),
    "running": N_("running"),
    "waiting": N_("waiting"),
    "stopped": N_("stopped before its end"),
}
SHOWN_REJECTS = 200
SHOWN_RUNS = 20


def show_run(run: ImportRun) -> None:
    """What became of the file's rows, and why some were rejected."""
    title = _("import {n}").format(n=run.id)
    facts = (escape(run.source), title, time_text(run.created_at), _(STATES[run.state]))
    st.markdown(" · ".join((f"**{escape(run.file_name)}**", *facts)))
    numbers = (
        (_("Rows read"), run.n_read),
        (_("New products"), run.n_inserted),
        (_("Updated"), run.n_updated),
        (_("Unchanged"), run.n_unchanged),
        (_("Rejected"), run.n_rejected),
    )
    for box, (label, number) in zip(st.columns(len(numbers)), numbers, strict=True):
        box.metric(label, count_text(number))
    if run.state == "stopped":
        _stopped(run)
    if run.n_rejected:
        _rejects(run)


def _stopped(run: ImportRun) -> None:
    words = _("This import stopped before its end. The rows read so far are in the catalogue.")
    st.warning(escape(f"{words} {run.error or ''}"), icon=":material/pause_circle:")
    st.button(_("Go on"), key=f"import.resume.{run.id}", icon=":material/resume:", on_click=_resume, args=(run.id,))


def _resume(run_id: int) -> None:
    try:
        resume_import(runtime(), actor(), run_id)
    except AppError as error:
        say(error_text(error))


def _rejects(run: ImportRun) -> None:
    for template, column, n in count_reasons(runtime(), run.id, limit=5):
        place = f" ({column})" if column else ""
        st.text(f"{count_text(n)} × {re.sub(r'{.*?}', '…', _(template))}{place}")
    rejects = list_rejects(runtime(), run.id, SHOWN_REJECTS)
    rows = [
        {
            _("Line"): reject.line,
            _("Column"): reject.column or "",
            _("Reason"): reason_text(reject.reason),
            _("Value"): (reject.value or "")[:200],
        }
        for reject in rejects
    ]
    st.dataframe(rows, hide_index=True, height=min(38 + 35 * len(rows), 320), key=f"import.rejects.{run.id}")
    if run.n_rejected > len(rejects):
        st.caption(_("The first {n} are shown; the file has all.").format(n=count_text(len(rejects))))
    words = reason_words()
    st.download_button(
        _("Rejected rows as CSV"),
        lambda: "".join(write_rejects(runtime(), run.id, words)),
        file_name=f"{run.source}-rejects-{run.id}.csv",  # the source in the name: it is proposed again
        mime="text/csv",
        key=f"import.rejects_csv.{run.id}",
        icon=":material/download:",
        on_click="ignore",
        help=_("Mend them in a spreadsheet and import the file again under the same source."),
    )


def choose_run() -> ImportRun | None:
    """Past imports, newest first; the newest one, or the one whose row is clicked."""
    runs = list_import_runs(runtime(), SHOWN_RUNS)
    if not runs:
        st.text(_("Nothing was imported yet."))
        return None
    rows = [
        {
            _("Import"): run.id,
            _("File"): run.file_name,
            _("Source"): run.source,
            _("State"): _(STATES[run.state]),
            _("Started"): time_text(run.created_at),
            _("Rows read"): run.n_read,
            _("New products"): run.n_inserted,
            _("Updated"): run.n_updated,
            _("Unchanged"): run.n_unchanged,
            _("Rejected"): run.n_rejected,
        }
        for run in runs
    ]
    counted = (_("Rows read"), _("New products"), _("Updated"), _("Unchanged"), _("Rejected"))
    table = st.dataframe(
        rows,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="import.runs",
        height="content",
        column_config={name: st.column_config.NumberColumn(format="localized") for name in counted},
    )
    chosen = table.selection.rows  # type: ignore[union-attr]
    return runs[chosen[0]] if chosen and chosen[0] < len(runs) else runs[0]
