"""The frame: who is here, which language, which page (pages/components/navigation.py lists them)."""

import streamlit as st

from core.settings import ROOT
from pages.components.database_notice import database_watched
from pages.components.navigation import Navigation
from pages.components.sign_in import (
    frame_is_drawn,
    language_switch,
    menu_is_shown,
    person_box,
    recall_visitor,
    signed_in,
)

PARTS = ROOT / "pages" / "components"

st.set_page_config(page_icon=PARTS / "icon.svg", layout="wide")  # first: else the tab fetches its icon from Google
st.html(PARTS / "frame.css")
st.logo(PARTS / "logo.svg", size="large")

with database_watched():
    recall_visitor()
    navigation = Navigation(is_shown=menu_is_shown())
    st.set_page_config(page_title=f"{navigation.page.title} · Shelfwright")
    with st.sidebar:
        language_switch()
        person_box()
    frame_is_drawn()
    if signed_in():
        navigation.run()
