"""Labels that look wrong, in a box: look for them, how many are open, what people confirmed, make a campaign."""

import streamlit as st

from core.curation.label_issues import JOB, IssueSummary, create_issue_campaign, enqueue_search, summarise_issues
from core.errors import AppError
from core.jobs.queue import find_unfinished_job, list_jobs
from core.permissions import Action, may
from db.enums import JobStatus, NoiseMethod
from pages.components.context import actor, runtime
from pages.components.job_progress import job_progress
from pages.components.messages import say
from pages.components.numbers import count_text, rate_text
from pages.components.words import N_, _, error_text, escape, failure_text

METHODS = {
    NoiseMethod.CONFIDENT_LEARNING: N_("By models that did not learn from the label"),
    NoiseMethod.SELFIE: N_("By SELFIE in the last training with it"),
}


def label_issue_box(page: str) -> None:
    """The section; `page` begins its widgets' keys."""
    job = find_unfinished_job(runtime(), [JOB])
    with st.expander(_("Label issues"), icon=":material/rule:", expanded=job is not None):
        st.caption(_("Labels that look wrong. People decide: what they change confirms the suspicion."))
        for method, words in METHODS.items():
            summary = summarise_issues(runtime(), method)
            if summary.found_at is not None:
                _summary(page, summary, _(words))
        if job is not None:
            job_progress(job.id)
            return
        _last_failure()
        if may(actor(), Action.TRAIN):
            label = _("Find suspicious labels")
            st.button(label, key=f"{page}.find_issues", icon=":material/search:", on_click=_search)


def _summary(page: str, summary: IssueSummary, words: str) -> None:
    open_, confirmed, action = st.columns([3, 3, 4], vertical_alignment="center")
    open_.metric(_("Wait for a person"), count_text(summary.n_open), help=words)
    confirmed.metric(
        _("Changed by people"),
        rate_text(summary.confirmed) if summary.confirmed.n else _("none decided yet"),
        help=_("Of the suspected labels that people decided, those that they changed."),
    )
    with action:
        st.caption(words)
        if summary.n_open and may(actor(), Action.EDIT_CAMPAIGNS):
            key = f"{page}.issue_campaign.{summary.method}"
            label = _("Ask people about them")
            st.button(label, key=key, icon=":material/add:", on_click=_make_campaign, args=(summary.method,))


def _last_failure() -> None:
    last = next(iter(list_jobs(runtime(), [JOB], limit=1)), None)
    if last and last.status == JobStatus.FAILED:
        st.error(escape(_("The last search failed: {reason}").format(reason=failure_text(last))))


def _search() -> None:
    try:
        enqueue_search(runtime(), actor())
    except AppError as error:
        say(error_text(error))


def _make_campaign(method: NoiseMethod) -> None:
    try:
        campaign = create_issue_campaign(runtime(), actor(), method, _("Label issues"))
    except AppError as error:
        say(error_text(error))
        return
    say(_("The campaign '{name}' is made.").format(name=campaign.name))
