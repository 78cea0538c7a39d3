"""Rejects as a CSV: nothing in it runs in a spreadsheet, and every value comes back as it was."""

import pytest

from core.catalogue.rejects import neutralised, restored


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("-5 °C bag", "'-5 °C bag"),
        ("'=1+1", "''=1+1"),  # began with an apostrophe itself
        ("''-5", "'''-5"),
        ("'90s jeans", "'90s jeans"),
        ("'", "'"),
        ("\t=1", "'\t=1"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_a_value_comes_back_as_it_was(value: str, written: str) -> None:
    assert neutralised(value) == written
    assert restored(written) == value
