"""gettext for pages: `_("Import")` speaks the language of the browser or of the switch."""

import re

import streamlit as st

from core import i18n
from core.errors import N_, AppError
from core.i18n import pick_language, translations
from core.jobs.queue import Job

__all__ = ["LANGUAGE_KEY", "N_", "_", "error_text", "escape", "failure_text", "language", "ngettext"]

LANGUAGE_KEY = "app.language"
WORD_JOINER = "\u2060"


def language() -> str:
    """'en' or 'ko': the switch if it was used, else the browser's language."""
    return str(st.session_state.get(LANGUAGE_KEY) or pick_language(st.context.locale))


def _(message: str) -> str:
    return translations(language()).gettext(message)


def ngettext(singular: str, plural: str, n: int) -> str:
    return translations(language()).ngettext(singular, plural, n)


def error_text(error: AppError) -> str:
    """An error in the person's language, also where one of its values is an error."""
    return i18n.error_text(error, language())


def failure_text(job: Job) -> str:
    """Why a job failed, in the person's language where that is known."""
    return error_text(job.failure) if job.failure else job.error or ""


def escape(text: str) -> str:
    """Text from outside for a place that reads Markdown: every sign of it loses its meaning, and no address of a site
    or of a person becomes a link."""
    plain = re.sub(r"(://|@(?=[-\w]+\.[-\w])|www(?=\.))", _apart, " ".join(text.split()), flags=re.IGNORECASE)
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])", r"\\\1", plain)


def _apart(found: re.Match[str]) -> str:
    """Links are looked for after the backslashes are gone; an invisible sign that joins words keeps them from it."""
    sign = found[0]
    if sign == "@":
        return WORD_JOINER + sign
    return f":{WORD_JOINER}//" if sign == "://" else sign + WORD_JOINER
