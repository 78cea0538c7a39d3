"""The last jobs, a line each: what, how it ended, when, how long."""

from datetime import timedelta

import streamlit as st

from core.jobs.queue import Job
from db.enums import JobStatus
from pages.components.numbers import duration_text, time_text
from pages.components.words import N_, _, failure_text

KINDS = {
    "import_products": N_("Import of products"),
    "import_taxonomy": N_("Import of a taxonomy"),
    "train": N_("Training"),
    "score": N_("Scoring"),
    "read_images": N_("Reading images"),
    "find_label_issues": N_("Search for wrong labels"),
    "build_campaign": N_("Building a campaign"),
    "experiment": N_("Experiment"),
    "tuning": N_("Tune one encoder"),
    "read_attributes": N_("Read attributes"),
    "export": N_("Export"),
    "measure_error_rates": N_("Error rates"),
    "measure_agreement": N_("Agreement"),
}
STATUSES = {
    JobStatus.TODO: N_("waiting"),
    JobStatus.DOING: N_("running"),
    JobStatus.SUCCEEDED: N_("done"),
    JobStatus.FAILED: N_("failed"),
    JobStatus.ABORTED: N_("stopped"),
    JobStatus.CANCELLED: N_("cancelled"),
}


def job_list(jobs: list[Job]) -> None:
    """A small table; an error is shown in full."""
    if not jobs:
        st.text(_("No jobs yet."))
        return
    st.dataframe([_row(job) for job in jobs], hide_index=True)


def _row(job: Job) -> dict[str, str]:
    status = _(STATUSES[job.status])
    if job.status == JobStatus.DOING:
        status = f"{status}, {job.progress:.0%} {_(job.stage) if job.stage else ''}"
    return {
        _("Job"): f"{_(KINDS.get(job.kind, job.kind))} #{job.id}",
        _("Status"): status,
        _("Started"): time_text(job.started_at or job.created_at),
        _("Took"): _took(job),
        _("Reason"): failure_text(job),
    }


def _took(job: Job) -> str:
    if not (job.started_at and job.finished_at):
        return ""
    return duration_text(max(job.finished_at - job.started_at, timedelta(seconds=1)))
