"""Import, first step: upload a file or choose one that is here, and name the source."""

import streamlit as st

from core.catalogue.files import FORMATS
from core.catalogue.import_runs import list_sources
from core.catalogue.uploads import Upload, list_uploads, store_upload
from core.errors import AppError
from pages.components.context import actor, runtime
from pages.components.file_field import speak_in_file_fields
from pages.components.messages import say
from pages.components.words import _, error_text

FILE_KEY, _TURN_KEY = "import.file", "import.upload.turn"


def choose_file() -> Upload | None:
    """The file to import; its name stays in the URL, so that a reload keeps it."""
    uploads = {upload.key: upload for upload in list_uploads(runtime())}
    if st.session_state.get(FILE_KEY, st.query_params.get("file")) in uploads:
        st.session_state[FILE_KEY] = st.session_state.get(FILE_KEY, st.query_params.get("file"))
    else:
        st.session_state[FILE_KEY] = None
    speak_in_file_fields()
    left, right = st.columns(2)
    left.file_uploader(
        _("Upload a file"),
        type=[*(suffix.removeprefix(".") for suffix in FORMATS), "gz"],
        key=_upload_key(),
        on_change=_store,
    )
    key = right.selectbox(
        _("Or choose a file that is here"),
        list(uploads),
        format_func=lambda name: f"{uploads[name].name} · {_size(uploads[name].n_bytes)}" if name in uploads else name,
        key=FILE_KEY,
        placeholder=_("No file chosen") if uploads else _("No files yet"),
        help=_("CSV, TSV, JSONL, Parquet or XLSX, each also as .gz. Large files: copy them into the folder uploads."),
    )
    if key is None:
        st.query_params.pop("file", None)
        return None
    st.query_params["file"] = key
    return uploads[key]


def forget_file() -> None:
    """No file is chosen any more, and the upload field is empty again. For callbacks."""
    st.session_state[FILE_KEY] = None
    st.session_state[_TURN_KEY] = st.session_state.get(_TURN_KEY, 0) + 1


def _upload_key() -> str:
    """The upload field cannot be emptied, only replaced by a new one."""
    return f"import.upload.{st.session_state.get(_TURN_KEY, 0)}"


def _store() -> None:
    file = st.session_state.get(_upload_key())
    if file is None:
        return
    try:
        st.session_state[FILE_KEY] = store_upload(runtime(), actor(), file.name, file).key
    except AppError as error:
        say(error_text(error))


def choose_source(upload: Upload) -> str:
    """The source's name: one used before, or a new one; '' when none is chosen."""
    known = list_sources(runtime())
    plain = upload.name.split(".")[0]
    fitting = [name for name in known if name.casefold() in plain.casefold()]
    guess = max(fitting, key=len, default=plain)[:80]
    names = list(dict.fromkeys([guess, *known]))
    chosen = st.selectbox(
        _("Source"),
        names,
        key=f"import.source.{upload.key}",
        accept_new_options=True,
        help=_("Where the products come from. Together with the product id it tells whether a product is known."),
    )
    return (chosen or "").strip()


def _size(n_bytes: int) -> str:
    for unit in ("B", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:,.0f} {unit}"
        n_bytes = round(n_bytes / 1000)
    return f"{n_bytes:,.0f} GB"
