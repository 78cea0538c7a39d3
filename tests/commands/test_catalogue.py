"""`cli.py search-categories`: hits for people and for programs."""

import json

import pytest
from typer.testing import CliRunner

from cli import app
from core.catalogue.taxonomy import ensure_categories
from core.errors import InvalidInput
from core.runtime import Runtime
from core.types import utc_now


@pytest.fixture
def shop(sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    monkeypatch.setenv("SHELFWRIGHT_DATA_DIR", str(sqlite_runtime.data_dir))
    path = ("의류", "남성", "바지")
    with sqlite_runtime.sessions.write() as session:
        ensure_categories(session, [path, ("식품", "사과")], utc_now(), {path: ("Clothing", "Men", "Trousers")})
    return sqlite_runtime


def test_hits_as_lines(shop: Runtime) -> None:
    result = CliRunner().invoke(app, ["search-categories", "ㅂㅈ", "남성"])
    assert result.exit_code == 0
    assert "의류 > 남성 > 바지  (Clothing > Men > Trousers)" in result.output


def test_hits_as_json(shop: Runtime) -> None:
    result = CliRunner().invoke(app, ["search-categories", "trousers", "--limit", "1", "--json"])
    facts = json.loads(result.output.splitlines()[-1])
    (hit,) = facts["hits"]
    assert (hit["path"], hit["path_en"], hit["score"]) == ("의류 > 남성 > 바지", "Clothing > Men > Trousers", 1.0)
    assert 0 <= facts["seconds"] < 5


def test_nothing_found(shop: Runtime) -> None:
    result = CliRunner().invoke(app, ["search-categories", "zzzz"])
    assert result.output.strip() == "Nothing like this."


def test_no_words_at_all(shop: Runtime) -> None:
    with pytest.raises(InvalidInput, match="what to look for"):
        CliRunner().invoke(app, ["search-categories", " "], catch_exceptions=False)
