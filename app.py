"""The frame: who is here, which language, which page. `make run` starts it."""

import streamlit as st

from core.settings import ROOT
from pages.components.sign_in import frame_is_drawn, language_switch, person_box, recall_visitor, signed_in
from pages.components.words import _

PARTS = ROOT / "pages" / "components"

st.set_page_config(page_icon=PARTS / "icon.svg", layout="wide")  # first: else the tab fetches its icon from Google
st.html(PARTS / "frame.css")
st.logo(PARTS / "logo.svg", size="large")
recall_visitor()

page = st.navigation(
    {
        _("Work"): [
            st.Page("pages/overview.py", title=_("Overview"), icon=":material/dashboard:", default=True),
            st.Page("pages/label.py", title=_("Label"), icon=":material/label:"),
            st.Page("pages/campaigns.py", title=_("Campaigns"), icon=":material/format_list_numbered:"),
        ],
        _("Catalogue"): [
            st.Page("pages/products.py", title=_("Products"), icon=":material/inventory_2:"),
            st.Page("pages/taxonomy.py", title=_("Taxonomy"), icon=":material/account_tree:"),
            st.Page("pages/import_data.py", title=_("Import"), icon=":material/upload_file:"),
        ],
        _("Model"): [
            st.Page("pages/training.py", title=_("Training"), icon=":material/model_training:"),
            st.Page("pages/experiment.py", title=_("Experiment"), icon=":material/science:"),
            st.Page("pages/compare.py", title=_("Compare"), icon=":material/compare_arrows:"),
        ],
    }
)
st.set_page_config(page_title=f"{page.title} · Shelfwright")

with st.sidebar:
    language_switch()
    person_box()
frame_is_drawn()

if signed_in():
    if page.title != _("Label"):  # the labeling card needs the height
        st.subheader(page.title, anchor=False)
    page.run()
