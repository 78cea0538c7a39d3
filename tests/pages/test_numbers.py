"""Numbers and times as pages show them."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import streamlit as st

from pages.components.numbers import time_text


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("Asia/Seoul", "2026-11-21 05:01"), (None, "2026-11-20 20:01"), ("Mars/Base", "2026-11-20 20:01")],
)
def test_a_time_goes_by_the_clock_of_the_browser(monkeypatch: pytest.MonkeyPatch, zone: str | None, shown: str) -> None:
    monkeypatch.setattr(st, "context", SimpleNamespace(timezone=zone))
    assert time_text(datetime(2026, 11, 20, 20, 1, 59, tzinfo=UTC)) == shown
