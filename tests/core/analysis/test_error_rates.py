"""Error rates from rows, on both databases: what counts, for whom, and that known errors are found again."""

import random
from typing import Any

import pytest
import sqlalchemy as sa

from core.analysis import error_rates
from core.analysis.error_rates import ErrorRates, get_error_rates, refresh_error_rates
from core.analysis.fair_sample import draw_fair_sample, missing
from core.analysis.judged_products import Cell, list_judged_products
from core.analysis.sampling import Part
from core.analysis.verdicts import Verdict
from core.errors import Forbidden
from core.jobs.queue import get_job
from core.jobs.worker import work_until_ended
from core.labeling.settling import settle
from core.people import sign_in_local
from core.runtime import Runtime
from core.types import Actor, utc_now
from db.enums import DecisionKind, Role
from db.people import raise_revision
from db.tables import AcceptedAlternativeRow, CategoryRow
from tests.core.analysis.gold_shelf import Case, Shelf, make_shelf
from tests.roles import ADMIN


def rates(shelf: Shelf, **asked: Any) -> ErrorRates:
    found = get_error_rates(shelf.runtime, ADMIN, **asked)
    assert found is not None
    return found


def vote_counts(shelf: Shelf) -> tuple[int, int, int, int]:
    """(products, votes, wrong products of people, of the model)."""
    sums = rates(shelf).sums.values()
    return (
        int(sum(one.n for one in sums)),
        int(sum(one.n_votes for one in sums)),
        int(sum(one.people_wrong for one in sums)),
        int(sum(one.model_wrong for one in sums)),
    )


@pytest.fixture
def shelf(runtime: Runtime, actor: Actor) -> Shelf:
    return make_shelf(runtime, actor)


def test_known_error_rates_are_found_again(shelf: Shelf) -> None:
    rng = random.Random(15)  # of the seeds whose eight intervals all hold: each misses one time in twenty
    true = {"바지": (0.35, 0.1), "치마": (0.1, 0.3), "청소기": (0.5, 0.5), "선풍기": (0.2, 0.2)}
    others = {"바지": "치마", "치마": "바지", "청소기": "선풍기", "선풍기": "청소기"}
    cases = []
    for name, (people, model) in true.items():
        right, wrong = shelf.leaf[name], shelf.leaf[others[name]]
        for _ in range(160):
            votes = [wrong if rng.random() < people else right for _ in range(2)]
            cases.append(Case(right, votes, wrong if rng.random() < model else right))
    cases += [Case(shelf.leaf["셔츠"], [shelf.leaf["바지"]], shelf.leaf["바지"]) for _ in range(12)]
    shelf.add(cases)
    found = rates(shelf)
    rows = {row.category_id: row for row in found.rows()}
    for name, (people, model) in true.items():
        row = rows[shelf.leaf[name]]
        assert row.people.low <= people <= row.people.high, name
        assert row.model is not None
        assert row.model.low <= model <= row.model.high, name
        assert row.n == 160
    verdicts = {name: rows[shelf.leaf[name]].verdict for name in true}
    assert verdicts == {
        "바지": Verdict.MODEL,
        "치마": Verdict.PEOPLE,
        "청소기": Verdict.BOTH_FAIL,
        "선풍기": Verdict.UNCLEAR,
    }
    small = rows[None]  # too few for its department as well
    assert (small.is_pooled, small.leaf_ids, small.n) == (True, (shelf.leaf["셔츠"],), 12)
    assert (small.verdict, small.people.is_too_few) == (Verdict.TOO_FEW, True)
    assert found.confused(rows[shelf.leaf["바지"]], "people")[0].category_id == shelf.leaf["치마"]
    top = {found.pairs[0].a_id, found.pairs[0].b_id}
    assert top == {shelf.leaf["청소기"], shelf.leaf["선풍기"]}
    by_root = {row.category_id: row for row in found.rows(depth=1)}
    assert by_root[shelf.root["의류"]].n == 332
    people, versions = found.trend(shelf.root["가전"])
    assert people.n == versions[0].model.n == 320


def test_only_blind_standing_own_votes_count(shelf: Shelf) -> None:
    right, wrong = shelf.leaf["바지"], shelf.leaf["치마"]
    saw = Case(right, [wrong], right, vote={"is_blind": False, "is_gold_check": True})
    copied = Case(right, [wrong], right, vote={"copied_from_id": 1})
    by_settler = Case(right, [wrong, right], right, settled_by=0)
    blind_check = Case(right, [wrong], right, vote={"is_gold_check": True})
    unsettled = Case(None, [wrong, right], right)
    cannot_tell = Case(right, [None, right], right)
    ids = shelf.add([saw, copied, by_settler, blind_check, unsettled, cannot_tell])
    undone = shelf.add([Case(right, [wrong, right], right)])[0]
    shelf.undo(shelf.decisions(undone)[0])
    assert vote_counts(shelf) == (4, 4, 1, 0)  # by_settler, blind_check (wrong), cannot_tell, undone: one vote each
    found = rates(shelf)
    assert found.left_out == {"no_votes": 2}
    assert int(next(iter(found.sums.values())).n_undecided) == 1
    assert {part.part: (part.n_voted, part.n_settled) for part in found.sampling.parts} == {
        Part.DISPUTED: (3, 2),
        Part.ONE_VOTE: (1, 1),
        Part.ONE_VOTE_MODEL_DIFFERS: (1, 1),
    }
    listed = list_judged_products(shelf.runtime, shelf.actor, (right,))
    assert [one.product_id for one in listed.products] == [ids[2], ids[3], ids[5], undone]


def test_a_second_vote_of_one_person_does_not_count(shelf: Shelf) -> None:
    right, wrong = shelf.leaf["바지"], shelf.leaf["치마"]
    shelf.people[1] = shelf.people[0]
    shelf.add([Case(right, [wrong, right], right)])
    assert vote_counts(shelf) == (1, 1, 1, 0)


def test_the_model_is_judged_only_where_it_cannot_have_learned(shelf: Shelf) -> None:
    right, wrong = shelf.leaf["바지"], shelf.leaf["치마"]
    held_out = Case(right, [right], wrong)
    learned, foldless = Case(right, [wrong], right, fold=4), Case(right, [wrong], right, fold=None)
    unanswered, in_bulk = Case(right, [wrong], None), Case(right, [wrong], right, batch="all of them")
    shelf.add([held_out, learned, foldless, unanswered, in_bulk, Case(right, [], right)])
    assert vote_counts(shelf) == (1, 1, 0, 1)
    assert rates(shelf).left_out == {"may_have_learned": 2, "not_answered": 1, "in_bulk": 1, "no_votes": 1}


def test_another_version_and_the_trend(shelf: Shelf) -> None:
    right, wrong = shelf.leaf["바지"], shelf.leaf["치마"]
    ids = shelf.add([Case(right, [right, wrong], wrong if n < 10 else right) for n in range(40)])
    second = shelf.version()
    with shelf.runtime.sessions.write() as session:
        from db.predictions import upsert_predictions

        upsert_predictions(
            session,
            [
                {"model_version_id": second, "product_id": id_, "category_id": right, "confidence": 1, "margin": 1}
                | {"top": [], "abstained": False, "back_off_category_id": None}
                for id_ in ids
            ],
        )
    people, versions = rates(shelf).trend()
    assert people.value == 0.5
    assert [(one.version_id, one.model.value, one.model.n) for one in versions] == [
        (shelf.version_id, 0.25, 40),
        (second, 0.0, 40),
    ]
    assert rates(shelf, version_id=second).version == "v2"
    _, paired, verdict = rates(shelf, version_id=second).overall()
    assert (paired is not None and paired.model.value, verdict) == (0.0, Verdict.MODEL)


def test_also_fits_and_merged_categories_are_right(shelf: Shelf) -> None:
    right, fits, merged = shelf.leaf["바지"], shelf.leaf["치마"], shelf.leaf["셔츠"]
    ids = shelf.add([Case(right, [fits, merged], fits), Case(right, [shelf.leaf["선풍기"]], merged)])
    with shelf.runtime.sessions.write() as session:
        session.add(
            AcceptedAlternativeRow(
                product_id=ids[0], category_id=fits, person_id=shelf.reviewer.person_id, created_at=utc_now()
            )
        )
        gone = sa.update(CategoryRow).values(retired_at=utc_now())
        session.execute(gone.where(CategoryRow.id == merged).values(merged_into_id=right))
        session.execute(gone.where(CategoryRow.id == shelf.leaf["선풍기"]))
        raise_revision(session, "taxonomy")
    assert vote_counts(shelf) == (1, 2, 0, 0)  # the second product's only vote named what is no category any more
    assert rates(shelf).left_out == {"undecided": 1}


def test_nobody_is_excused_by_their_own_alternative(shelf: Shelf) -> None:
    right, other = shelf.leaf["바지"], shelf.leaf["치마"]
    (id_,) = shelf.add([Case(right, [other], other)])
    with shelf.runtime.sessions.write() as session:
        person = shelf.people[0].person_id
        row = AcceptedAlternativeRow(product_id=id_, category_id=other, person_id=person, created_at=utc_now())
        session.add(row)
    assert vote_counts(shelf) == (1, 1, 1, 0)


def test_without_a_model_people_alone_are_shown(runtime: Runtime, actor: Actor) -> None:
    shelf = make_shelf(runtime, actor, promoted=False)
    right, wrong = shelf.leaf["바지"], shelf.leaf["치마"]
    shelf.add([Case(right, [right, wrong], fold=None) for _ in range(40)])
    found = rates(shelf)
    people, paired, verdict = found.overall()
    assert (found.version, people.value, people.n, paired, verdict) == (None, 0.5, 40, None, Verdict.TOO_FEW)
    assert rates(shelf).trend()[1] == []


def test_an_empty_catalogue_has_no_rates(shelf: Shelf) -> None:
    found = rates(shelf)
    assert (found.n, found.n_gold, found.rows(), found.overall()[0].value) == (0, 0, [], None)


def test_agreed_products_that_nobody_settled_forbid_a_verdict(shelf: Shelf) -> None:
    right, wrong = shelf.leaf["바지"], shelf.leaf["치마"]
    shelf.add([Case(right, [wrong, right], right) for _ in range(60)])
    shelf.add([Case(None, [right, right], right) for _ in range(300)])
    found = rates(shelf)
    assert [part.part for part in found.sampling.neglected()] == [Part.AGREED]
    assert {row.verdict for row in found.rows()} == {Verdict.TOO_FEW}
    assert found.overall()[2] == Verdict.TOO_FEW


def test_a_large_catalogue_is_measured_by_a_job(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    right, wrong = shelf.leaf["바지"], shelf.leaf["치마"]
    shelf.add([Case(right, [wrong, right], right) for _ in range(40)])
    live = rates(shelf)
    monkeypatch.setattr(error_rates, "LIVE_DECISIONS", 10)
    assert get_error_rates(shelf.runtime, ADMIN) is None
    for expected in (0, 3):
        job = refresh_error_rates(shelf.runtime, shelf.actor)
        work_until_ended(shelf.runtime, job, lambda *said: None)
        assert get_job(shelf.runtime, job).result["n_gold"] == live.n_gold + (expected > 0)
        kept = rates(shelf)
        assert kept.n_newer == 0
        if not expected:
            assert [(row.n, row.people, row.verdict) for row in kept.rows()] == [
                (row.n, row.people, row.verdict) for row in live.rows()
            ]
        shelf.add([Case(right, [wrong, right], right)])
        assert rates(shelf).n_newer == 3
    annotator = shelf.people[0]
    with pytest.raises(Forbidden):
        refresh_error_rates(shelf.runtime, annotator)


def test_the_products_behind_a_number(shelf: Shelf) -> None:
    right, wrong, third = shelf.leaf["바지"], shelf.leaf["치마"], shelf.leaf["셔츠"]
    ids = shelf.add(
        [
            Case(right, [right, wrong], right),
            Case(right, [right, right], wrong),
            Case(right, [third, wrong], third),
            Case(right, [right, right], right),
        ]
    )

    def listed(cell: Cell, **asked: Any) -> list[int]:
        page = list_judged_products(shelf.runtime, shelf.actor, (right,), cell, **asked)
        return [ids.index(one.product_id) for one in page.products]

    assert listed(Cell.ALL) == [0, 1, 2, 3]
    assert (listed(Cell.PEOPLE), listed(Cell.MODEL), listed(Cell.BOTH)) == ([0, 2], [1, 2], [2])
    assert (listed(Cell.PEOPLE_ONLY), listed(Cell.MODEL_ONLY)) == ([0], [1])
    assert listed(Cell.ALL, confused_with=wrong) == [0, 1, 2]
    assert listed(Cell.PEOPLE, confused_with=third) == [2]
    assert listed(Cell.MODEL, confused_with=wrong) == [1]
    first = list_judged_products(shelf.runtime, shelf.actor, (right,), limit=3)
    assert len(first.products) == 3
    rest = list_judged_products(shelf.runtime, shelf.actor, (right,), after_id=first.next_after_id or 0)
    assert [ids.index(one.product_id) for one in rest.products] == [3]
    assert rest.next_after_id is None
    product = first.products[0]
    assert (product.gold_id, product.answer_id, product.model_is_wrong) == (right, right, False)
    assert [(vote.person, vote.kind, vote.is_wrong) for vote in product.votes] == [
        ("voter 0", DecisionKind.LABEL, False),
        ("voter 1", DecisionKind.LABEL, True),
    ]


def test_names_of_voters_are_for_who_may_see_them(shelf: Shelf) -> None:
    right = shelf.leaf["바지"]
    shelf.add([Case(right, [right], right)])
    analyst = sign_in_local(shelf.runtime, "analyst", Role.ANALYST)
    page = list_judged_products(shelf.runtime, analyst, (right,))
    assert [vote.person for vote in page.products[0].votes] == [""]
    with pytest.raises(Forbidden):
        list_judged_products(shelf.runtime, shelf.people[0], (right,))


def test_a_fair_sample_makes_verdicts_possible(shelf: Shelf) -> None:
    right, wrong = shelf.leaf["바지"], shelf.leaf["치마"]
    shelf.add([Case(right, [wrong, right], right) for _ in range(60)])
    agreed = shelf.add([Case(None, [right, right], right) for _ in range(100)])
    in_bulk = shelf.add([Case(right, [right, right], right, batch="at one stroke") for _ in range(200)])
    shelf.add([Case(None, [right, None], right), Case(None, [right, right], right, fold=3)])
    found = rates(shelf)
    assert not found.may_judge
    sample = draw_fair_sample(shelf.runtime, shelf.actor, found, limit=1000)
    assert set(sample.product_ids) == {*agreed, *in_bulk}
    assert sample.product_ids != tuple(sorted(sample.product_ids))
    again = draw_fair_sample(shelf.runtime, shelf.actor, found, limit=5)
    assert again.product_ids == sample.product_ids[:5]
    assert sample.n_missing == 30
    for product_id in sample.product_ids[: sample.n_missing]:
        settle(shelf.runtime, shelf.reviewer, product_id, right, f"fair-{product_id}")
    found = rates(shelf)
    assert found.may_judge
    assert missing(found) == 0
    people, _, verdict = found.overall()
    assert people.value == pytest.approx((60 / 2 + 0) / 361, abs=0.01)  # as if all 361 voted products were settled
    assert verdict != Verdict.TOO_FEW
    voter = sign_in_local(shelf.runtime, "voter 0")
    admin = Actor(voter.person_id, voter.name, Role.REVIEWER)
    assert draw_fair_sample(shelf.runtime, admin, found).product_ids == ()
    with pytest.raises(Forbidden):
        draw_fair_sample(shelf.runtime, shelf.people[1], found)
