"""Starts Streamlit so that app.py always runs first: `python -m pages.components.server run app.py`.

Streamlit takes a folder named `pages` for its own old kind of multi-page app until `st.navigation` has run once. Then
the first visitor of /label after a start would get that page without the frame: no name asked, no styles.

What every page needs is imported before the server answers, so that the first visitor does not wait for it.
"""

import importlib

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web.cli import main

PRELOADED = (
    "core.labeling.campaigns",
    "core.labeling.decisions",
    "core.labeling.card",
    "core.catalogue.search",
    "babel",
)

if __name__ == "__main__":
    for name in PRELOADED:
        importlib.import_module(name)
    PagesManager.uses_pages_directory = False
    main(prog_name="streamlit")
