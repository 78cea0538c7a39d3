"""Exclusion rules: added and ended by who may, never changed, previewed, applied as they are stored."""

import json
import unicodedata

import numpy as np
import pytest
import sqlalchemy as sa

from core.catalogue.taxonomy import ensure_categories
from core.curation.applying import apply_rules
from core.curation.exclusion_files import import_rules, write_rules
from core.curation.exclusions import add_rule, end_rule, list_rules, preview_rule
from core.errors import Conflict, Forbidden, InvalidInput, NotFound, UnknownCategory
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import KeywordMatch, Role, RuleAction
from db.people import raise_revision
from db.tables import AuditRow, CategoryRow, ExclusionRuleRow
from tests.core.training.answers import put_in_fold
from tests.core.training.shelf import add_products, category_id

WORD, ROW = RuleAction.DROP_WORD, RuleAction.DROP_ROW
WHOLE, SUBSTRING = KeywordMatch.WHOLE_WORD, KeywordMatch.SUBSTRING


@pytest.fixture
def trousers(runtime: Runtime) -> int:
    return category_id(runtime, "바지")


def rule(keyword: str, action: RuleAction = WORD, match: KeywordMatch = WHOLE, category: int = 1, id_: int = 1) -> dict:
    plain = {"id": id_, "category_id": category, "keyword": keyword, "action": action.value, "match": match.value}
    return json.loads(json.dumps(plain))  # as a version keeps it


def treated(rules: list[dict], titles: list[str]) -> list[str | None]:
    """What is left of each title of category 2 below 1; none where the row is dropped."""
    applied = apply_rules(rules, titles, [(1, 2)], np.zeros(len(titles), np.int64))
    left = dict(zip(applied.kept.tolist(), applied.titles, strict=True))
    return [left.get(row) for row in range(len(titles))]


def test_a_rule_has_an_author_and_a_life_span(runtime: Runtime, actor: Actor, trousers: int) -> None:
    added = add_rule(runtime, actor, trousers, unicodedata.normalize("NFD", "  여성　의류 "), WORD, WHOLE)
    assert added.keyword == "여성 의류"
    assert list_rules(runtime) == [added]
    assert (added.category, added.author, added.ended_at) == ("상품 > 바지", "tester", None)
    end_rule(runtime, actor, added.id)
    end_rule(runtime, actor, added.id)
    assert list_rules(runtime) == []
    (ended,) = list_rules(runtime, in_force_only=False)
    assert (ended.ended_by, ended.created_at) == ("tester", added.created_at)
    assert ended.ended_at is not None
    again = add_rule(runtime, actor, trousers, "여성 의류", WORD, WHOLE)
    assert again.id != added.id
    with runtime.sessions.read() as session:
        audits = session.scalars(sa.select(AuditRow.action).where(AuditRow.entity == "exclusion_rule")).all()
        assert session.scalar(sa.select(sa.func.count()).select_from(ExclusionRuleRow)) == 2
    assert audits == ["add", "end", "add"]


def test_what_cannot_be_a_rule_is_refused(runtime: Runtime, actor: Actor, trousers: int) -> None:
    for keyword in ("", "   ", "!?", "※", "-" * 5):
        with pytest.raises(InvalidInput, match="needs a letter or a digit"):
            add_rule(runtime, actor, trousers, keyword, WORD, WHOLE)
    with pytest.raises(InvalidInput, match="at most 100"):
        add_rule(runtime, actor, trousers, "가" * 101, WORD, WHOLE)
    with pytest.raises(UnknownCategory):
        add_rule(runtime, actor, 9_999, "여성", WORD, WHOLE)
    with runtime.sessions.write() as session:
        session.execute(sa.update(CategoryRow).where(CategoryRow.id == trousers).values(retired_at=utc_now()))
        raise_revision(session, "taxonomy")
    with pytest.raises(UnknownCategory, match="retired"):
        add_rule(runtime, actor, trousers, "여성", WORD, WHOLE)
    with pytest.raises(NotFound):
        end_rule(runtime, actor, 77)
    assert list_rules(runtime) == []


def test_the_same_rule_twice_is_one(runtime: Runtime, actor: Actor, trousers: int) -> None:
    add_rule(runtime, actor, trousers, "Women", WORD, WHOLE)
    with pytest.raises(Conflict):
        add_rule(runtime, actor, trousers, "ＷＯＭＥＮ", WORD, WHOLE)
    add_rule(runtime, actor, trousers, "women", ROW, WHOLE)
    assert len(list_rules(runtime)) == 2


def test_an_annotator_may_not(runtime: Runtime, actor: Actor, trousers: int) -> None:
    added = add_rule(runtime, actor, trousers, "여성", WORD, WHOLE)
    annotator = sign_in_local(runtime, "somebody", Role.ANNOTATOR)
    with pytest.raises(Forbidden):
        add_rule(runtime, annotator, trousers, "남성", WORD, WHOLE)
    with pytest.raises(Forbidden):
        end_rule(runtime, annotator, added.id)
    assert [one.keyword for one in list_rules(runtime)] == ["여성"]


def test_a_preview_counts_training_rows_and_warns(runtime: Runtime, actor: Actor, trousers: int) -> None:
    ids = add_products(runtime, "바지", ["여성 청바지", "남성 청바지", "여성 면바지"])
    add_products(runtime, "신발", ["여성 운동화", "여성 구두"])
    put_in_fold(runtime, ids[2:], 0)  # held out: rules leave it alone
    found = preview_rule(runtime, trousers, "여성", WORD, WHOLE)
    assert (found.n_rows, found.n_touched, found.emptied) == (2, 1, [])
    assert found.samples == [("여성 청바지", "청바지")]
    with runtime.sessions.write() as session:
        root = ensure_categories(session, [("상품",)], utc_now())[("상품",)]
    found = preview_rule(runtime, root, "여성", ROW, WHOLE)
    assert (found.n_rows, found.n_touched, found.emptied) == (4, 3, ["상품 > 신발"])
    assert ("여성 청바지", None) in found.samples
    with pytest.raises(InvalidInput):
        preview_rule(runtime, trousers, " ", WORD, WHOLE)


def test_rules_touch_their_subtree_only() -> None:
    titles = ["여성 바지"]
    assert treated([rule("여성", category=1)], titles) == treated([rule("여성", category=2)], titles) == ["바지"]
    assert treated([rule("여성", category=3)], titles) == titles


def test_untouched_titles_stay_as_they_are() -> None:
    titles = ["  Nike  ＡＩＲ ", unicodedata.normalize("NFD", "남성")]
    assert treated([rule("여성")], titles) == titles


def test_the_order_of_rules_does_not_matter() -> None:
    rules = [rule("여성", id_=1), rule("여성 의류", id_=2), rule("여성 의류 세일", ROW, id_=3)]
    titles = ["여성 의류 세일 1", "새 여성 의류", "새 여성 모자"]
    assert treated(rules, titles) == treated(rules[::-1], titles) == [None, "새", "새 모자"]


def test_a_title_of_nothing_but_excluded_words_is_dropped() -> None:
    applied = apply_rules([rule("여성")], ["[여성]", "여성 옷", "!!"], [(1,)], np.zeros(3, np.int64))
    assert applied.kept.tolist() == [1, 2]
    assert (applied.n_dropped, applied.n_emptied, applied.n_changed) == (1, 1, 1)
    assert applied.rows_of_rule == {1: 2}


def test_rules_go_out_to_a_file_and_come_back(runtime: Runtime, actor: Actor, trousers: int) -> None:
    add_rule(runtime, actor, trousers, 'a "b", c', ROW, SUBSTRING)
    text = write_rules(list_rules(runtime))
    done = import_rules(
        runtime, actor, "\ufeff" + text + "상품>바지,여성,,\n없는 곳,여성,,\n상품 > 바지,!,,\n상품 > 바지,x,burn,\n"
    )
    assert (done.n_added, done.n_known) == (1, 1)
    assert [line for line, _ in done.problems] == [4, 5, 6]
    assert {(one.keyword, one.action, one.match) for one in list_rules(runtime)} == {
        ('a "b", c', ROW, SUBSTRING),
        ("여성", WORD, WHOLE),
    }
    with pytest.raises(InvalidInput, match="category, keyword"):
        import_rules(runtime, actor, "word\nx\n")
