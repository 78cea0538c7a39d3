"""Pages in AppTest, on a fresh SQLite data folder, with nothing kept from the test before."""

from collections.abc import Callable, Iterator

import pytest
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from core.runtime import Runtime
from core.settings import ROOT


@pytest.fixture
def open_page(sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], AppTest]]:
    """`open_page("pages/training.py")`: the page alone, not yet run, acting for 'tester'; "app.py" for the frame."""
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(sqlite_runtime.data_dir))
    monkeypatch.setenv("SHELFWRIGHT_PERSON", "tester")
    # As pages.components.server does for the real app: the folder `pages` is ours, not Streamlit's old kind of app.
    monkeypatch.setattr(PagesManager, "uses_pages_directory", False)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield lambda path: AppTest.from_file(str(ROOT / path), default_timeout=30)
    st.cache_resource.clear()
    st.cache_data.clear()
