"""The words inside Streamlit's file field, which it says in English only."""

import json

import streamlit as st

from pages.components.words import _, language

FIELD = '[data-testid="stFileUploaderDropzone"]'


def speak_in_file_fields() -> None:
    """Replaces 'Upload' and '300MB per file' in every file field of the page; English stays as it is."""
    if language() == "en":
        return
    button, limits = (json.dumps(text, ensure_ascii=False) for text in (_("Upload"), _("Up to 300 MB a file")))
    st.html(
        f"<style>{FIELD} > span button p {{font-size: 0}}"
        f"{FIELD} > span button p::after {{content: {button}; font-size: 0.875rem}}"
        f'{FIELD} [data-testid="stFileUploaderDropzoneInstructions"] span {{font-size: 0}}'
        f'{FIELD} [data-testid="stFileUploaderDropzoneInstructions"] span::after'
        f" {{content: {limits}; font-size: 0.75rem}}</style>"
    )
