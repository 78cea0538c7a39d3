"""Starts Streamlit so that app.py always runs first: `python -m pages.components.server run app.py`.

Streamlit takes a folder named `pages` for its own old kind of multi-page app until `st.navigation` has run once. Then
the first visitor of /label after a start would get that page without the frame: no name asked, no styles.
"""

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web.cli import main

if __name__ == "__main__":
    PagesManager.uses_pages_directory = False
    main(prog_name="streamlit")
