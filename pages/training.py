"""Training: what a new version would learn from, the job while it runs, the versions and which one is in use."""

import streamlit as st

from core.errors import AppError
from core.jobs.queue import Job, find_unfinished_job, list_jobs
from core.serving.scoring import enqueue_scoring
from core.training.registry import list_versions
from core.training.train import enqueue_training
from core.training.training_preview import TrainingPreview
from core.training.training_settings import TrainingSettings
from core.training.versions import ModelVersion
from db.enums import JobStatus
from pages.components.category_quality import category_quality_table
from pages.components.context import actor, revision, runtime
from pages.components.exclusion_rules import exclusion_rules
from pages.components.job_progress import job_progress
from pages.components.numbers import rate_text
from pages.components.promotion import promotion_box, promotion_history, rollback_box
from pages.components.reliability import reliability
from pages.components.training_choices import changes_text, chosen_settings, settings_obstacle
from pages.components.training_form import training_form
from pages.components.training_view import cached_preview, months_table, prepared_rows, preview_numbers, version_table
from pages.components.words import _, error_text, escape, failure_text

DEFAULTS = TrainingSettings()
ERROR_KEY = "training.error"


def train() -> None:
    try:
        enqueue_training(runtime(), actor(), chosen_settings())
    except AppError as error:
        st.session_state[ERROR_KEY] = escape(error_text(error))


def score(version_id: int) -> None:
    try:
        enqueue_scoring(runtime(), actor(), version_id, only_missing=True)
    except AppError as error:
        st.session_state[ERROR_KEY] = escape(error_text(error))


def render_button(preview: TrainingPreview, running: Job | None) -> None:
    reason = None
    if running:
        reason = _("A training is waiting or running.")
    elif preview.obstacle:
        reason = error_text(preview.obstacle)
    elif obstacle := settings_obstacle():
        reason = error_text(obstacle)
    st.button(
        _("Train a new version"),
        key="training.start",
        type="primary",
        icon=":material/play_arrow:",
        on_click=train,
        disabled=reason is not None,
        help=reason and escape(reason),
    )
    if reason:
        st.caption(escape(reason))


def render_last(job: Job | None, newest: ModelVersion | None) -> None:
    if job is None:
        return
    if job.status == JobStatus.SUCCEEDED and newest and newest.test and newest.name == job.result.get("version"):
        message = _("{version} is ready. First answer right: {rate}")
        st.success(
            escape(message.format(version=newest.name, rate=rate_text(newest.test.p_at_1))),
            icon=":material/check_circle:",
        )
    if job.status == JobStatus.FAILED:
        st.error(escape(_("The last training failed: {reason}").format(reason=failure_text(job))))
    elif job.status in (JobStatus.ABORTED, JobStatus.CANCELLED):
        st.info(_("The last training was cancelled; no version came of it."), icon=":material/stop_circle:")


def render_versions(versions: list[ModelVersion]) -> None:
    version_table(versions)
    if not versions:
        return
    names = {version.id: version.name for version in versions}
    left, right = st.columns(2, gap="large")
    with left:
        # the key changes with the newest version, so that after a training that one is chosen
        key = f"training.version.{versions[0].id}"
        chosen = st.selectbox(_("Version"), list(names), format_func=names.__getitem__, key=key)
        promotion_box("training", chosen)
    with right:
        rollback_box("training")
        st.button(_("Let it answer for new products"), key="training.score", on_click=score, args=(chosen,))
        if len(versions) > 1:
            others = [version.id for version in versions if version.id != chosen]
            in_use = next(
                (version.id for version in versions if version.is_promoted and version.id != chosen), others[0]
            )
            st.page_link(
                "pages/compare.py",
                label=_("Compare {a} with {b}").format(a=names[in_use], b=names[chosen]),
                icon=":material/compare_arrows:",
                query_params={"a": str(in_use), "b": str(chosen)},
            )
    version = next(version for version in versions if version.id == chosen)
    with st.expander(_("What was done to its training rows"), icon=":material/filter_alt:"):
        prepared_rows(version)
    with st.expander(_("By month of registration"), icon=":material/calendar_month:"):
        months_table(version)
    with st.expander(_("History of what was in use"), icon=":material/history:"):
        promotion_history()
    if st.toggle(_("How far its confidence can be believed"), key="training.reliability"):
        reliability(next(version for version in versions if version.id == chosen), "training")
    if st.toggle(_("Quality per category"), key="training.per_category"):
        category_quality_table(chosen, revision("models", "taxonomy"))


min_rows = st.session_state.get("training.min_rows", DEFAULTS.min_rows)
preview = cached_preview(min_rows, revision("products", "taxonomy", "models", "labels"))
running = find_unfinished_job(runtime(), ["train"])
scoring = find_unfinished_job(runtime(), ["score"])
versions = list_versions(runtime(), actor())
last = next((job for job in list_jobs(runtime(), ["train"], limit=1) if job.is_finished), None)

st.markdown("##### " + _("What will be learned from"))
preview_numbers(preview)
training_form(preview, next((version for version in versions if version.is_promoted), None))
exclusion_rules()
render_button(preview, running)
if ERROR_KEY in st.session_state:
    st.error(st.session_state.pop(ERROR_KEY))
if running:
    if what := changes_text(running.payload):
        st.caption(escape(" · ".join([_("This run"), what])))
    job_progress(running.id)
else:
    render_last(last, versions[0] if versions else None)
if scoring:
    job_progress(scoring.id)
st.markdown("##### " + _("Versions"))
render_versions(versions)
