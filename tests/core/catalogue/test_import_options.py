"""Options of an import: TOML there and back, checked, and the columns that are not given filled in."""

from pathlib import Path

import pytest

from core.catalogue.import_options import ImportOptions, options_from, read_options_file, to_toml
from core.catalogue.import_plan import plan_import
from core.errors import InvalidInput


def test_toml_there_and_back(tmp_path: Path) -> None:
    options = ImportOptions(
        columns={"title": ('na"me',), "category": ("level 1", "수준2")},
        encoding="cp949",
        delimiter="\t",
        separator=" > ",
        decimal_comma=True,
        date_order="dmy",
    )
    path = tmp_path / "import.toml"
    path.write_text(to_toml(options, "나의 몰"), "utf-8")
    assert read_options_file(path) == (options, "나의 몰")


@pytest.mark.parametrize(
    "text", ["title = [", 'colour = "red"', "columns = 3", 'decimal_comma = "yes"', "encoding = 7"]
)
def test_a_bad_options_file_is_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "import.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidInput):
        read_options_file(path)
    with pytest.raises(InvalidInput):
        read_options_file(tmp_path / "gone.toml")


def test_given_columns_win_the_rest_is_proposed_and_empty_means_none(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,title,name,brand,price\n1,a,b,c,2\n", "utf-8")
    given = options_from({"columns": {"title": "name", "brand": []}})
    assert plan_import(path, given).options.columns == {
        "title": ("name",),
        "brand": (),
        "external_id": ("id",),
        "price": ("price",),
    }
    again = plan_import(path, ImportOptions(), given)
    assert again.options.columns["brand"] == ()  # that somebody wanted none is remembered as well


def test_remembered_columns_count_only_where_the_file_has_them(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,title,old name\n1,a,b\n", "utf-8")
    remembered = options_from({"columns": {"title": "old name", "brand": "gone"}})
    assert plan_import(path, ImportOptions(), remembered).options.columns["title"] == ("old name",)
    path.write_text("id,title\n1,a\n", "utf-8")
    assert plan_import(path, ImportOptions(), remembered).options.columns["title"] == ("title",)
