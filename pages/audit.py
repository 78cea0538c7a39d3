"""Audit trail: who changed what, when, from what to what; by person, act, thing, time and words; as a file."""

import streamlit as st

from core.audit import PAGE, list_audit
from core.errors import AppError
from pages.components.audit_filter import filter_bar, pager
from pages.components.audit_list import downloads, entries
from pages.components.context import actor, runtime
from pages.components.messages import show_message
from pages.components.numbers import count_text
from pages.components.words import _, error_text, escape


def render() -> None:
    try:
        wanted = filter_bar()
        page = list_audit(runtime(), actor(), wanted, pager.after())
    except AppError as error:
        st.info(escape(error_text(error)), icon=":material/info:")
        return
    if page.entries:
        entries(page.entries)
    elif page.next_before is not None:
        st.text(_("Nothing so far. Next looks further back."))
    else:
        st.text(_("Nothing was changed that fits."))
    pager.buttons(page.next_before)
    downloads(wanted)
    st.caption(_("Labels are decisions of their own and not listed here; {n} acts a page.").format(n=count_text(PAGE)))


show_message()
render()
