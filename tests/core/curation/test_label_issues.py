"""Labels that look wrong: found by a job, listed by page, asked about in a campaign, confirmed or refuted by people."""

import pytest
import sqlalchemy as sa

from core.catalogue.products import ProductFilter, list_products
from core.curation.label_issues import (
    JOB,
    create_issue_campaign,
    enqueue_search,
    list_label_issues,
    search_payload,
    summarise_issues,
)
from core.errors import Forbidden, InvalidInput, NotReady
from core.jobs.queue import enqueue, get_job
from core.jobs.worker import run_claimed
from core.labeling.card import get_card
from core.labeling.queue import claim_task
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import label_issues
from db.enums import CampaignKind, JobStatus, NoiseMethod, NoiseVerdict, ProductOrder, Role
from db.tables import JobRow, LabelIssueRow, ProductRow
from tests.core.curation.suspects import add_suspects
from tests.core.training.shelf import add_products, category_id, decide, fill_shelf, make_titles, undo
from tests.roles import ADMIN

METHOD = NoiseMethod.CONFIDENT_LEARNING


def search(runtime: Runtime, actor: Actor, attempt: str = "test") -> dict[str, int]:
    payload = search_payload(actor, "joint", n_folds=4)
    job = run_claimed(runtime, enqueue(runtime, actor, JOB, payload, worker=attempt), attempt, None)
    assert job.status == JobStatus.SUCCEEDED, job.error
    return job.result


def test_a_search_finds_wrong_labels_and_what_is_meant(sqlite_runtime: Runtime, actor: Actor) -> None:
    runtime = sqlite_runtime
    fill_shelf(runtime, 80)
    wrong = add_products(runtime, "가전", make_titles("신발", 10, seed=5))
    trusted = add_products(runtime, None, make_titles("신발", 1, seed=6))[0]
    decide(runtime, actor, trusted, "가전")  # as wrong, but a person's word
    result = search(runtime, actor)
    found = list_label_issues(runtime, ADMIN).rows
    assert result["n_issues"] == len(found) >= 4
    assert {issue.product_id for issue in found} <= set(wrong)
    assert {issue.suggested_category_id for issue in found} == {category_id(runtime, "신발")}
    assert {issue.given_category_id for issue in found} == {category_id(runtime, "가전")}
    assert trusted not in {issue.product_id for issue in found}


def test_a_later_run_replaces_all_but_what_people_decided(runtime: Runtime, actor: Actor) -> None:
    ids = add_suspects(runtime, [0.1, 0.2, 0.3])
    decide(runtime, actor, ids[0], "신발")
    job_id = enqueue_search(runtime, actor)
    with runtime.sessions.write() as session:
        assert label_issues.delete_older(session, METHOD, job_id, limit=1) == 1
        assert label_issues.delete_older(session, METHOD, job_id, limit=5) == 1
        assert label_issues.delete_older(session, METHOD, job_id, limit=5) == 0
    summary = summarise_issues(runtime)
    assert (summary.n_open, summary.confirmed.value, summary.confirmed.n) == (0, 1.0, 1)


def test_a_verdict_on_a_label_that_is_gone_is_replaced(runtime: Runtime, actor: Actor) -> None:
    ids = add_suspects(runtime, [0.1, 0.2])
    with runtime.sessions.write() as session:
        unlabeled = sa.update(ProductRow).where(ProductRow.id == ids[0])
        session.execute(unlabeled.values(category_id=None, label_source=None, labeled_at=None))
    with runtime.sessions.write() as session:
        assert label_issues.delete_older(session, METHOD, enqueue_search(runtime, actor), limit=5) == 2


def test_a_search_is_stored_while_its_whole_list_is(runtime: Runtime, actor: Actor) -> None:
    """A later search that does not come to its end writes over a part of the list: then there is none."""
    ids = add_suspects(runtime, [0.1, 0.2])
    now = utc_now()
    with runtime.sessions.write() as session:
        first, second = (JobRow(kind=JOB, status=JobStatus.DOING, payload={}, created_at=now) for _ in range(2))
        session.add_all([first, second])
        session.flush()
        session.execute(sa.update(LabelIssueRow).values(job_id=first.id))
        first.status, first.result = JobStatus.SUCCEEDED, {"n_issues": 2, "n_judged": 9, "snapshot_id": 5}
        second_id = second.id
    with runtime.sessions.read() as session:
        found = label_issues.list_of_snapshot(session, METHOD, 5)
        assert found
        assert [issue[0] for issue in found] == ids
        assert label_issues.list_of_snapshot(session, METHOD, 4) is None
    with runtime.sessions.write() as session:
        session.execute(sa.update(LabelIssueRow).where(LabelIssueRow.product_id == ids[0]).values(job_id=second_id))
    with runtime.sessions.read() as session:
        assert label_issues.list_of_snapshot(session, METHOD, 5) is None


def test_issues_are_paged_by_key_most_suspicious_first(runtime: Runtime, actor: Actor) -> None:
    ids = add_suspects(runtime, [0.3, 0.1, 0.2, 0.1])
    pages, cursor = [], None
    for _ in range(2):
        page = list_label_issues(runtime, ADMIN, METHOD, limit=2, cursor=cursor)
        pages.append([issue.product_id for issue in page.rows])
        cursor = page.next_cursor
    assert pages == [[ids[1], ids[3]], [ids[2], ids[0]]]
    assert cursor is None
    with pytest.raises(InvalidInput):
        list_label_issues(runtime, ADMIN, METHOD, cursor="bm9uZQ==")


def test_what_people_decide_confirms_or_refutes(runtime: Runtime, actor: Actor) -> None:
    ids = add_suspects(runtime, [0.1, 0.2, 0.3, 0.4, 0.5])
    decide(runtime, actor, ids[0], "신발")
    decide(runtime, actor, ids[1], "바지")
    decide(runtime, actor, ids[2], None)  # nobody could tell: neither
    undone = decide(runtime, actor, ids[3], "가전")
    undo(runtime, actor, undone)
    summary = summarise_issues(runtime)
    assert (summary.confirmed.value, summary.confirmed.n) == (0.5, 2)
    assert 0 < summary.confirmed.low < 0.5 < summary.confirmed.high < 1
    assert summary.n_open == 2
    assert [issue.product_id for issue in list_label_issues(runtime, ADMIN).rows] == ids[3:]


def test_a_label_that_changed_by_import_is_no_issue_any_more(runtime: Runtime, actor: Actor) -> None:
    ids = add_suspects(runtime, [0.1, 0.2])
    with runtime.sessions.write() as session:
        new = category_id_in(session, runtime)
        session.execute(sa.update(ProductRow).where(ProductRow.id == ids[0]).values(category_id=new))
    assert [issue.product_id for issue in list_label_issues(runtime, ADMIN).rows] == [ids[1]]


def category_id_in(session: object, runtime: Runtime) -> int:
    from core.catalogue.taxonomy import load_categories

    return next(id_ for id_, node in load_categories(runtime).items() if node.name == "신발")


def test_a_campaign_asks_about_the_most_suspicious_first_and_says_why(runtime: Runtime, actor: Actor) -> None:
    ids = add_suspects(runtime, [0.3, 0.1, 0.2])
    decide(runtime, actor, ids[2], "신발")
    campaign = create_issue_campaign(runtime, actor, METHOD, "Label issues")
    assert (campaign.kind, campaign.n_tasks) == (CampaignKind.LABEL_ISSUES, 2)
    task = claim_task(runtime, actor, campaign.id)
    assert task is not None
    card = get_card(runtime, task)
    assert card.product.id == ids[1]
    assert card.issue is not None
    assert card.issue.given_category_id == category_id(runtime, "바지")
    assert card.issue.suggested_category_id == category_id(runtime, "신발")
    assert card.issue.label_quality_score == pytest.approx(0.1)
    assert create_issue_campaign(runtime, actor, METHOD, "Label issues").name == "Label issues 2"


def test_products_can_be_filtered_by_method(runtime: Runtime, actor: Actor) -> None:
    by_search = add_suspects(runtime, [0.2, 0.1])
    by_selfie = add_suspects(runtime, [0.1], NoiseMethod.SELFIE, NoiseVerdict.REFURBISHED)
    add_suspects(runtime, [0.9], NoiseMethod.SELFIE, NoiseVerdict.CLEAN)
    wanted = ProductFilter.from_query({"label_issue": "selfie"})
    assert [row.id for row in list_products(runtime, ADMIN, wanted).rows] == by_selfie
    sorted_by_quality = list_products(runtime, ADMIN, ProductFilter(), ProductOrder.LABEL_QUALITY).rows
    assert [row.id for row in sorted_by_quality] == by_search[::-1]
    first = list_products(runtime, ADMIN, ProductFilter(), ProductOrder.LABEL_QUALITY, limit=1)
    second = list_products(
        runtime, ADMIN, ProductFilter(), ProductOrder.LABEL_QUALITY, limit=1, cursor=first.next_cursor
    )
    assert [row.id for row in first.rows + second.rows] == by_search[::-1]
    with pytest.raises(InvalidInput):
        ProductFilter.from_query({"label_issue": "guess"})


def test_who_may_and_what_is_refused(runtime: Runtime, actor: Actor) -> None:
    annotator = Actor(actor.person_id, actor.name, Role.ANNOTATOR)
    with pytest.raises(Forbidden):
        enqueue_search(runtime, annotator)
    with pytest.raises(InvalidInput):
        enqueue_search(runtime, actor, n_folds=1)
    with pytest.raises(InvalidInput):
        enqueue_search(runtime, actor, encoder="oracle")
    with pytest.raises(NotReady):
        create_issue_campaign(runtime, actor, METHOD, "Label issues")
    assert enqueue_search(runtime, actor) == enqueue_search(runtime, actor)


def test_a_search_without_labels_fails_in_words(runtime: Runtime, actor: Actor) -> None:
    job_id = enqueue(runtime, actor, JOB, search_payload(actor), worker="me")
    assert run_claimed(runtime, job_id, "me", None).status == JobStatus.FAILED
    assert "too few to train on" in (get_job(runtime, job_id).error or "")
