"""What a campaign would ask, before it is made: how many products, and the first of them. Changes nothing."""

from dataclasses import dataclass

from core.catalogue.product_sight import checked_filter, seen_by
from core.catalogue.products import ListedProduct, ProductFilter, count_products, with_version
from core.catalogue.taxonomy import load_categories
from core.labeling.campaigns.building import ranking_of
from core.labeling.campaigns.held_out import are_folds_missing
from core.labeling.campaigns.settings import CampaignSettings, checked_settings
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor
from db import campaign_preview
from db.enums import CampaignKind, CampaignOrder, ProductOrder


@dataclass(frozen=True)
class QueuePreview:
    """Numbers above `at_most` of the call mean 'more than that'. Nothing is counted while no folds are drawn."""

    n_found: int  # products that the filter finds
    n_asked: int  # what the limit and the cap per category leave of them
    rows: tuple[ListedProduct, ...]  # the first, in the order of the queue
    needs_folds: bool = False  # making it draws what is held out first; which products that takes is not known yet


def preview_queue(
    runtime: Runtime,
    actor: Actor,
    kind: CampaignKind,
    filter: ProductFilter,
    order: CampaignOrder,
    settings: CampaignSettings,
    limit: int | None = None,
    n_rows: int = 0,
    at_most: int = 10_000,
) -> QueuePreview:
    """Counts no further than `at_most` products; with `n_rows` all that the filter finds is sorted.

    Above `at_most` products `n_asked` is what the limit alone leaves. Raises InvalidInput (a setting that cannot be),
    NoModelYet, Forbidden.
    """
    authorize(actor, Action.EDIT_CAMPAIGNS)
    settings = checked_settings(settings, kind)
    wanted = with_version(runtime, checked_filter(actor, filter), ProductOrder(order.value))
    if are_folds_missing(runtime, wanted):
        return QueuePreview(0, 0, (), needs_folds=True)
    n_found = n_asked = count_products(runtime, actor, wanted, at_most)
    ranking = ranking_of(0, kind, wanted, order, settings, limit)
    with runtime.sessions.read() as session:
        if settings.max_per_category is not None and n_found <= at_most:
            n_asked = campaign_preview.count_capped(session, ranking, at_most)
        n_asked = n_asked if limit is None else min(n_asked, limit)
        found = campaign_preview.list_first(session, ranking, min(n_rows, n_asked)) if n_rows and n_asked else []
    tree = load_categories(runtime)
    rows = tuple(seen_by(actor, ListedProduct.of(row).in_categories_of_today(tree)) for row in found)
    return QueuePreview(n_found, n_asked, rows)
