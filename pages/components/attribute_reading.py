"""The way to have attributes read from all titles and, where Tesseract is installed, from images."""

import streamlit as st

from core.catalogue.attributes.ocr import ocr_languages
from core.catalogue.attributes.tagging import KIND, enqueue_attributes
from core.errors import AppError
from core.jobs.queue import find_unfinished_job
from core.permissions import Action, may
from pages.components.context import actor, runtime
from pages.components.job_progress import job_progress
from pages.components.words import _, error_text, escape

ERROR_KEY = "attributes.error"


def attribute_reading() -> None:
    """A closed box with a button; the running job in its place."""
    if not may(actor(), Action.TRAIN):
        return
    running = find_unfinished_job(runtime(), [KIND])
    if running:
        job_progress(running.id)
        return
    with st.popover(_("Read attributes"), icon=":material/sell:"):
        st.text(
            _(
                "Colour, size, quantity, material, for whom and season are read from every title and shown on the "
                "labeling card. Nothing is learned from them."
            )
        )
        st.checkbox(
            _("Words in images too (about a second an image)"),
            key="attributes.images",
            disabled=ocr_languages() is None,
            help=None if ocr_languages() else _("Tesseract is not installed on this machine."),
        )
        st.button(_("Start reading"), key="attributes.start", on_click=_start)
        if message := st.session_state.pop(ERROR_KEY, None):
            st.error(message)


def _start() -> None:
    try:
        enqueue_attributes(runtime(), actor(), bool(st.session_state.get("attributes.images")))
    except AppError as error:
        st.session_state[ERROR_KEY] = escape(error_text(error))
