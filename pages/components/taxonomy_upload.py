"""Uploading a taxonomy file: choose, import, and see what came of it."""

import re
import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from core.catalogue.files import FORMATS
from core.catalogue.rejects import rejects_csv
from core.catalogue.taxonomy_importing import TaxonomyImport, TaxonomyOptions, load_taxonomy_file
from core.errors import AppError
from core.permissions import Action, may
from pages.components.context import actor, runtime
from pages.components.file_field import speak_in_file_fields
from pages.components.numbers import count_text
from pages.components.words import _, error_text, escape

_SHOWN_REJECTS = 200


def has_outcome(key: str) -> bool:
    """Whether a file was imported in this session, so that there is something to see below the field."""
    return f"{key}.outcome" in st.session_state


def taxonomy_upload(key: str) -> None:
    """A file field with a button; below it the outcome of the last import in this session."""
    if not may(actor(), Action.EDIT_TAXONOMY):
        st.caption(_("Your role does not allow changing the taxonomy."))
        return
    st.caption(
        _(
            "CSV, TSV, JSONL, Parquet or XLSX, also as .gz: one path column, or one column a level; a code and "
            "English names if there are. What is there already stays."
        )
    )
    speak_in_file_fields()
    languages = {_("Detect"): "", "한국어": "ko", "English": "en", "日本語": "ja"}
    with st.form(f"{key}.form", border=False):
        upload = st.file_uploader(_("Taxonomy file"), type=[*(name[1:] for name in FORMATS), "gz"], key=f"{key}.file")
        language = st.selectbox(
            _("Language of the names, where the file has several"), list(languages), key=f"{key}.language"
        )
        pressed = st.form_submit_button(_("Import"), icon=":material/upload:", type="primary")
    if pressed and upload is None:
        st.warning(_("Choose a file first."))
    elif pressed and upload is not None:
        with st.spinner(_("Importing {file}").format(file=escape(upload.name))):
            st.session_state[f"{key}.outcome"] = (upload.name, _import(upload, languages[language]))
        st.rerun()
    if has_outcome(key):
        _show(key, *st.session_state[f"{key}.outcome"])


def _import(upload: Any, language: str) -> TaxonomyImport | str:
    """The outcome, or a sentence that says why there is none."""
    name = re.sub(r"[^\w.\- ]", "_", Path(upload.name).name)[-80:]
    with tempfile.TemporaryDirectory(prefix="shelfwright-") as folder:
        path = Path(folder) / name
        path.write_bytes(upload.getbuffer())
        try:
            return load_taxonomy_file(
                runtime(), actor(), path, TaxonomyOptions(language=language), file_name=upload.name
            )
        except AppError as error:
            return error_text(error)


def _show(key: str, file_name: str, outcome: TaxonomyImport | str) -> None:
    if isinstance(outcome, str):
        st.error(escape(outcome), icon=":material/error:")
        return
    counts = {name: count_text(int(value)) for name, value in outcome.counts.items()}
    st.success(
        _(
            "{file}: {rows_read} rows read, {categories_created} categories made, {categories_updated} completed, "
            "{categories_unchanged} unchanged, {rows_rejected} rows rejected."
        ).format(file=escape(file_name), **counts),
        icon=":material/check:",
    )
    if not outcome.rejects:
        return
    st.dataframe(
        [
            {
                _("Line"): reject.line,
                _("Column"): reject.column or "",
                _("Value"): reject.value or "",
                _("Reason"): _(reject.reason.template).format(**reject.reason.values),
            }
            for reject in outcome.rejects[:_SHOWN_REJECTS]
        ],
        hide_index=True,
        height=220,
    )
    headings = list(outcome.rejects[0].record)
    st.download_button(
        _("Download rejected rows"),
        lambda: "".join(rejects_csv(file_name, iter(outcome.rejects), headings)).encode("utf-8-sig"),
        file_name="rejects.csv",
        mime="text/csv",
        key=f"{key}.rejects",
        on_click="ignore",
    )
