"""Who sees whom: everybody themselves, reviewers and admins everybody's figures; counts and pace are right."""

from datetime import timedelta

import pytest

from core.errors import Forbidden
from core.labeling.decisions import record_decision
from core.labeling.queue import claim_task
from core.members import MIN_FOR_SPEED, decisions_per_hour, get_member, list_members, list_names
from core.people import invite, sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import DecisionKind, Role
from tests.core.labeling.shelf import add_campaign, fill_shelf


@pytest.fixture
def mina(runtime: Runtime) -> Actor:
    return sign_in_local(runtime, "미나", Role.ANNOTATOR)


def decide(runtime: Runtime, who: Actor, n: int) -> None:
    shelf = fill_shelf(runtime, n)
    campaign = add_campaign(runtime, shelf)
    for i in range(n):
        task = claim_task(runtime, who, campaign)
        assert task is not None
        record_decision(runtime, who, task.id, DecisionKind.LABEL, shelf.leaves[0], idempotency_key=f"k{i}")


@pytest.mark.parametrize(
    ("role", "names", "sees_figures", "sees_addresses"),
    [
        (Role.ANNOTATOR, ["reader"], False, False),
        (Role.ANALYST, ["reader", "tester", "미나"], False, False),
        (Role.OPERATOR, ["reader", "tester", "미나"], False, False),
        (Role.REVIEWER, ["reader", "tester", "미나"], True, False),
        (Role.ADMIN, ["reader", "tester", "미나"], True, True),
    ],
)
def test_who_sees_what(
    runtime: Runtime, actor: Actor, role: Role, names: list[str], sees_figures: bool, sees_addresses: bool
) -> None:
    invite(runtime, actor, "mina@shop.example", Role.ANNOTATOR, "미나")
    reader = sign_in_local(runtime, "reader", role)
    found = {member.name: member for member in list_members(runtime, reader).members}
    assert sorted(found) == names
    assert found["reader"].scores is not None, "one's own figures are one's own"
    for name in set(names) - {"reader"}:
        assert (found[name].scores is not None) == sees_figures
        assert (found[name].last_seen_at is None) or sees_figures
    if "미나" in found:
        assert (found["미나"].email is not None) == sees_addresses


def test_counts_are_those_of_the_day_counters(runtime: Runtime, actor: Actor, mina: Actor) -> None:
    decide(runtime, mina, 3)
    scores = get_member(runtime, mina).scores
    assert scores is not None
    assert (scores.n_total, scores.n_today, scores.per_hour) == (3, 3, None)
    found = {member.name: member.scores for member in list_members(runtime, actor).members}
    assert found["미나"] == scores
    assert found["tester"] is not None
    assert found["tester"].n_total == 0


def test_the_list_goes_on_behind_the_last_name(runtime: Runtime, actor: Actor) -> None:
    for name in ("a", "b", "c", "d"):
        sign_in_local(runtime, name)
    seen, after = [], None
    while True:
        page = list_members(runtime, actor, after=after, limit=2)
        seen += [member.name for member in page.members]
        if (after := page.next_after) is None:
            break
    assert seen == ["a", "b", "c", "d", "tester"]
    assert [member.name for member in list_members(runtime, actor, words="EST").members] == ["tester"]
    assert not list_members(runtime, actor, words="%").members


def test_the_pace_leaves_breaks_out() -> None:
    now = utc_now()
    steady = [now - timedelta(seconds=10 * i) for i in range(MIN_FOR_SPEED + 1)]
    assert decisions_per_hour(steady) == pytest.approx(360)
    after_lunch = steady + [steady[-1] - timedelta(hours=1) - timedelta(seconds=10 * i) for i in range(5)]
    assert decisions_per_hour(after_lunch) == pytest.approx(360)
    assert decisions_per_hour(steady[:-1]) is None
    assert decisions_per_hour([now] * 50) is None


def test_names_to_choose_from_are_for_who_makes_campaigns(runtime: Runtime, actor: Actor, mina: Actor) -> None:
    operator = sign_in_local(runtime, "operator", Role.OPERATOR)
    assert set(list_names(runtime, operator).values()) == {"tester", "미나", "operator"}
    with pytest.raises(Forbidden):
        list_names(runtime, mina)
