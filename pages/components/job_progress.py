"""A running job, live: stage, bar, numbers, curve, log, cancel. Any page that starts a job shows it."""

from datetime import timedelta
from typing import Any

import streamlit as st

from core.errors import AppError
from core.jobs.queue import Job, cancel_job, get_job, list_jobs, list_log
from db.enums import JobStatus
from pages.components.context import actor, runtime
from pages.components.job_list import KINDS
from pages.components.numbers import count_text, duration_text, percent, time_text
from pages.components.words import N_, _, error_text, escape

LOG_LINES = 100
MOST_WAITING = 100  # jobs looked through for the one that runs
MODEL_STAGES = (  # said by `models`, which knows no translations
    N_("reading titles"),
    N_("learning subwords"),
    N_("counting n-grams"),
    N_("encoding titles"),
    N_("building the tree of categories"),
    N_("training"),
    N_("calibrating"),
    N_("learning pictures"),
    N_("fine-tuning pictures"),
    N_("learning how far to trust the image"),
    N_("answering"),
    N_("comparing titles"),
    N_("judging labels"),
    N_("loading the sentence encoder"),
    N_("tuning the sentence encoder"),
    N_("embedding titles"),
)


@st.fragment(run_every=1.0)
def job_progress(job_id: int) -> None:
    """Shows the job and looks again every second; when it ends the whole page runs again."""
    job = get_job(runtime(), job_id)
    watched = f"job_progress.watched.{job_id}"
    if job.is_finished and st.session_state.pop(watched, False):
        st.rerun()
    if not job.is_finished:
        st.session_state[watched] = True
    with st.container(border=True):
        _bar(job)
        _numbers(job)
        _curve(job.detail.get("history") or [])
        if not job.is_finished:
            st.button(
                _("Cancelling ...") if job.cancel_requested else _("Cancel"),
                key=f"job_progress.cancel.{job_id}",
                icon=":material/stop_circle:",
                disabled=job.cancel_requested,
                on_click=_cancel,
                args=(job_id,),
            )
        with st.expander(_("Log"), key=f"job_progress.log.{job_id}"):
            lines = [f"{time_text(at)}  {line}" for at, line in list_log(runtime(), job_id, LOG_LINES)]
            st.code("\n".join(lines) or _("Nothing yet."), language=None, wrap_lines=True)


def _cancel(job_id: int) -> None:
    try:
        cancel_job(runtime(), actor(), job_id)
    except AppError as error:
        st.toast(escape(error_text(error)), icon=":material/error:")


def _bar(job: Job) -> None:
    words = _waiting() if job.status == JobStatus.TODO else f"{job.progress:.0%} · {_(job.stage or 'starting')}"
    if job.attempt > 1:
        words += " · " + _("attempt {n}: the worker before died").format(n=job.attempt)
    st.progress(min(max(job.progress, 0.0), 1.0), text=escape(words))


def _waiting() -> str:
    """What a waiting job waits for: the job that runs now, if one does."""
    unfinished = list_jobs(runtime(), limit=MOST_WAITING, unfinished=True)
    running = next((job for job in unfinished if job.status == JobStatus.DOING), None)
    if running is None:
        return _("Waiting for the worker ...")
    words = _("Waiting for the worker, which is busy with another job: {job} ...")
    return words.format(job=f"{_(KINDS.get(running.kind, running.kind))} #{running.id}")


def _numbers(job: Job) -> None:
    """The live numbers of a job; a running one always has the time left, so that nothing jumps when it is known."""
    detail = job.detail
    shown: list[tuple[str, str]] = []
    if detail.get("epoch"):
        shown.append((_("Epoch"), _("{n} of {total}").format(n=detail["epoch"], total=detail.get("n_epochs") or "?")))
    if detail.get("loss") is not None:
        shown.append((_("Loss"), f"{detail['loss']:.3f}"))
    if detail.get("validation_p_at_1") is not None:
        shown.append((_("Validation P@1"), f"{percent(detail['validation_p_at_1'])} %"))
    if detail.get("rows") is not None:
        total = f" / {count_text(detail['n_rows'])}" if detail.get("n_rows") else ""  # a file tells none beforehand
        shown.append((_("Rows"), count_text(detail["rows"]) + total))
    if detail.get("rows_per_second"):
        shown.append((_("Rows per second"), count_text(round(detail["rows_per_second"]))))
    if detail.get("seconds_left") is not None:
        shown.append((_("Time left"), duration_text(timedelta(seconds=detail["seconds_left"]))))
    elif not job.is_finished:
        shown.append((_("Time left"), "…"))
    if shown:
        for box, (name, value) in zip(st.columns(len(shown)), shown, strict=True):
            box.metric(name, value)


def _curve(history: list[list[Any]]) -> None:
    """An epoch a row: numbers, so that nobody has to read them off a line."""
    if history:
        st.table(
            [
                {
                    _("Epoch"): str(epoch),
                    _("Loss"): f"{loss:.3f}",
                    _("Validation P@1"): "" if share is None else f"{percent(share)} %",
                }
                for epoch, loss, share in history[-10:]
            ],
            border="horizontal",
        )
