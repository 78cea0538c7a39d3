"""Import products: choose a file, see how it is read, start, watch, mend what was rejected."""

import streamlit as st

from core.catalogue.import_options import ImportOptions
from core.catalogue.import_plan import check_plan
from core.catalogue.importing import JOB, import_file
from core.catalogue.uploads import Upload
from core.errors import N_, AppError
from core.jobs.queue import find_unfinished_job
from pages.components.context import actor, runtime
from pages.components.import_file import choose_file, choose_source, forget_file
from pages.components.import_mapping import options_download, plan_with_boxes, show_preview
from pages.components.import_results import choose_run, show_run
from pages.components.job_progress import job_progress
from pages.components.messages import say, show_message
from pages.components.words import _, error_text, escape

STARTED = N_("The import has been started.")


def _start(upload: Upload, source: str, options: ImportOptions) -> None:
    try:
        import_file(runtime(), actor(), upload.path, source, options, upload.name)
        say(_(STARTED))
        forget_file()  # what matters now is how it goes
    except AppError as error:
        say(error_text(error))


def _prepare(upload: Upload) -> None:
    """Everything between the file and the button; what is wrong is said and switches the button off."""
    with st.container(border=True):
        left, middle, right = st.columns([2, 1.5, 1.5], vertical_alignment="bottom")
        with left:
            source = choose_source(upload)
        try:
            plan = plan_with_boxes(upload, source)
        except AppError as error:
            st.error(escape(error_text(error)), icon=":material/error:")
            return
        wrong = "" if source else _("Name the source first.")
        try:
            check_plan(plan)
        except AppError as error:
            wrong = error_text(error)
        middle.button(
            _("Start import"),
            key="import.start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=bool(wrong),
            on_click=_start,
            args=(upload, source, plan.options),
            width="stretch",
        )
        if wrong:
            st.text(wrong)
        else:
            with right:
                options_download(plan, source)
        show_preview(plan)


show_message()
file = choose_file()
if file:
    _prepare(file)
unfinished = find_unfinished_job(runtime(), [JOB])
if unfinished:
    job_progress(unfinished.id)
st.markdown("**" + _("Imports so far") + "**")
chosen = choose_run()
if chosen:
    show_run(chosen)
