"""What of products each role may ask for and see: one rule for every way in."""

from collections.abc import Callable
from typing import Any

import pytest

from core.analysis.error_rates import get_error_rates
from core.catalogue.exporting.exporting import start_export
from core.catalogue.exporting.request import ExportRequest
from core.catalogue.product_details import get_product, list_predictions, list_predictions_of
from core.catalogue.product_sight import checked_filter, sees_who_voted
from core.catalogue.products import ProductFilter, count_products, filter_names, list_products
from core.curation.label_issues import list_label_issues
from core.errors import Forbidden
from core.labeling.campaigns import create_campaign
from core.runtime import Runtime
from core.training.compare import compare_versions, list_changed_products
from core.training.registry import list_versions, read_version
from core.types import Actor
from db.enums import CampaignKind, CampaignOrder, LabelSource, Role
from tests.core.labeling.gold import make_gold
from tests.core.labeling.shelf import Shelf, annotator, fill_shelf
from tests.roles import of_role

GOLD = ProductFilter(label_source="gold")


@pytest.fixture
def shelf(sqlite_runtime: Runtime) -> Shelf:
    """Ten products, of which the first is gold."""
    filled = fill_shelf(sqlite_runtime)
    make_gold(sqlite_runtime, filled.products[:1], filled.leaves[1])
    return filled


READERS: tuple[Callable[[Runtime, Actor, int], Any], ...] = (
    lambda runtime, actor, product: list_products(runtime, actor, ProductFilter()),
    lambda runtime, actor, product: count_products(runtime, actor, ProductFilter()),
    lambda runtime, actor, product: get_product(runtime, actor, product),
    lambda runtime, actor, product: list_predictions(runtime, actor, 1),
    lambda runtime, actor, product: list_predictions_of(runtime, actor, product),
    lambda runtime, actor, product: list_versions(runtime, actor),
    lambda runtime, actor, product: read_version(runtime, actor, 1),
    lambda runtime, actor, product: compare_versions(runtime, actor, 1, 1),
    lambda runtime, actor, product: list_changed_products(runtime, actor, 1, 1),
    lambda runtime, actor, product: list_label_issues(runtime, actor),
    lambda runtime, actor, product: get_error_rates(runtime, actor),
)


def test_all_but_annotators_read_products_answers_versions_and_rates(sqlite_runtime: Runtime, shelf: Shelf) -> None:
    for read in READERS:
        with pytest.raises(Forbidden):
            read(sqlite_runtime, of_role(Role.ANNOTATOR), shelf.products[0])
        for role in set(Role) - {Role.ANNOTATOR}:
            read(sqlite_runtime, of_role(role), shelf.products[0])


@pytest.mark.parametrize("role", Role)
def test_gold_is_asked_for_and_seen_by_who_reviews(sqlite_runtime: Runtime, shelf: Shelf, role: Role) -> None:
    actor, gold = of_role(role), shelf.products[0]
    if role in (Role.REVIEWER, Role.OPERATOR, Role.ADMIN):
        assert count_products(sqlite_runtime, actor, GOLD) == 1
        assert get_product(sqlite_runtime, actor, gold).label_source == LabelSource.GOLD
        return
    asks(sqlite_runtime, actor, GOLD)
    if role == Role.ANALYST:
        assert get_product(sqlite_runtime, actor, gold).label_source == LabelSource.HUMAN
        sources = {row.label_source for row in list_products(sqlite_runtime, actor, ProductFilter()).rows}
        assert LabelSource.GOLD not in sources


@pytest.mark.parametrize("role", Role)
def test_what_somebody_else_decided_is_asked_by_who_sees_people(
    sqlite_runtime: Runtime, shelf: Shelf, role: Role
) -> None:
    mina, actor = annotator(sqlite_runtime, "Mina"), of_role(role)
    wanted = ProductFilter(decided_by=mina.person_id, people_disagree=True)
    names = filter_names(sqlite_runtime, actor, wanted)
    if role in (Role.REVIEWER, Role.ADMIN):
        assert count_products(sqlite_runtime, actor, wanted) == 0
        assert names == {"decided_by": "Mina"}
        return
    assert names == {}
    assert not sees_who_voted(actor)
    asks(sqlite_runtime, actor, wanted)
    if role != Role.ANNOTATOR:
        own = ProductFilter(decided_by=actor.person_id)
        assert checked_filter(actor, own) == own


def asks(runtime: Runtime, actor: Actor, wanted: ProductFilter) -> None:
    """By every way in it is forbidden."""
    random = CampaignKind.RANDOM, wanted, CampaignOrder.RANDOM
    for ask in (
        lambda: list_products(runtime, actor, wanted),
        lambda: count_products(runtime, actor, wanted),
        lambda: create_campaign(runtime, actor, "x", *random),
        lambda: start_export(runtime, actor, ExportRequest("products", filter=wanted)),
    ):
        with pytest.raises(Forbidden):
            ask()
