"""Rows for the tests of hidden checks and lots: gold products, near-duplicates, settings of a campaign."""

from typing import Any

from core.labeling.settling import settle
from core.people import sign_in_local
from core.runtime import Runtime
from db.enums import Role
from db.tables import CampaignRow, ProductSplitRow
from tests.core.labeling.shelf import Shelf, change_row


def make_gold(runtime: Runtime, products: list[int], category: int) -> None:
    """A reviewer nobody else is settles them."""
    reviewer = sign_in_local(runtime, "Rita", Role.REVIEWER)
    for product in products:
        settle(runtime, reviewer, product, category, f"gold-{product}")


def set_campaign(runtime: Runtime, campaign: int, **values: Any) -> None:
    change_row(runtime, CampaignRow, campaign, **values)


def group(runtime: Runtime, products: list[int], key: str = "g") -> None:
    """Make them near-duplicates of one another."""
    with runtime.sessions.write() as session:
        session.add_all(ProductSplitRow(product_id=product, group_key=key, fold=3) for product in products)


def leaf(shelf: Shelf, place: int) -> int:
    return shelf.leaves[place]
