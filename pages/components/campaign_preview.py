"""What a new campaign would ask, as the form stands: how many products, and the first of them."""

import streamlit as st

from core.catalogue.products import ProductFilter
from core.labeling.campaigns import CampaignSettings, QueuePreview, Recipe, preview_queue
from core.types import Actor
from db.enums import CampaignKind, CampaignOrder
from pages.components.context import actor, revision, runtime
from pages.components.numbers import count_text
from pages.components.product_table import COUNTED, REVISIONS
from pages.components.words import _


def queue_preview(kind: CampaignKind, recipe: Recipe, limit: int | None, n_rows: int = 0) -> QueuePreview:
    """`preview_queue`, at most 30 seconds old. Raises as it does."""
    query = recipe.filter.to_dict()
    return _preview(actor(), kind, query, recipe.order, recipe.settings, limit, n_rows, revision(*REVISIONS))


@st.cache_data(ttl=30, max_entries=50, show_spinner=False)
def _preview(
    who: Actor,
    kind: CampaignKind,
    query: dict[str, object],
    order: CampaignOrder,
    settings: CampaignSettings,
    limit: int | None,
    n_rows: int,
    revisions: tuple[int, ...],
) -> QueuePreview:
    wanted = ProductFilter.from_dict(query)
    return preview_queue(runtime(), who, kind, wanted, order, settings, limit, n_rows, COUNTED)


def asked_text(seen: QueuePreview) -> str:
    """'1,234 products', or 'up to 300 of 10,000+ products' where a limit or a cap leaves fewer."""
    found = f"{count_text(COUNTED)}+" if seen.n_found > COUNTED else count_text(seen.n_found)
    if seen.n_asked < seen.n_found:
        return _("up to {n} of {found} products").format(n=count_text(seen.n_asked), found=found)
    return _("{n} products").format(n=found)
