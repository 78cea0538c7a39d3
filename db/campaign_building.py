"""Filling a campaign's queue: the products in order into a temporary table, from there in chunks into tasks."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.enums import CampaignStatus, ProductOrder
from db.people import insert_for
from db.product_conditions import Conditions, has_label_from, select_products, subtree
from db.product_orders import is_in_share, sort_keys
from db.tables import CampaignRow, PredictionRow, ProductRow, TaskRow, table_of

# A temporary table holds the sorted products, so that the big sort holds up no writer
# and each chunk of tasks is a short transaction.
ranked = sa.Table(
    "ranked_products",
    sa.MetaData(),
    sa.Column("rank", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("product_id", sa.BigInteger, nullable=False),
    sa.Column("overlap", sa.SmallInteger, nullable=False),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True)
class Ranking:
    """Which products a campaign asks, in which order, each of how many people."""

    campaign_id: int
    conditions: Conditions
    order: ProductOrder
    limit: int | None = None  # products in all
    max_per_category: int | None = None  # the first so many of each, by label, else by the model's answer
    by_mall_category: bool = False  # the cap is for each of the malls' own categories instead
    overlap: int = 1
    strata: tuple[dict[str, Any], ...] = ()  # the first that takes a product says its overlap


def rank_products(session: Session, ranking: Ranking) -> tuple[int, int]:
    """Sort what the filter finds and is not queued yet into `ranked_products`, ranks from 0.

    Returns how many products are queued already and how many are ranked. `limit` bounds their sum.
    """
    queued = sa.func.coalesce(sa.func.max(TaskRow.position) + 1, 0)
    own = (TaskRow.campaign_id == ranking.campaign_id, TaskRow.is_gold.is_(False))
    n_queued = session.scalar(sa.select(queued).where(*own)) or 0
    found = found_in_order(ranking)
    if n_queued:
        found = found.where(~sa.exists().where(*own, TaskRow.product_id == found.selected_columns.product_id))
    if ranking.limit is not None:
        found = found.order_by(sa.literal_column("rank")).limit(max(ranking.limit - n_queued, 0))
    drop_ranking(session)
    session.execute(sa.schema.CreateTable(ranked))
    session.execute(sa.insert(ranked).from_select(["rank", "product_id", "overlap"], found))
    return n_queued, session.scalar(sa.select(sa.func.count()).select_from(ranked)) or 0


def found_in_order(ranking: Ranking) -> sa.Select[Any]:
    """rank, product_id, overlap of what the filter finds; with a cap the first so many of each category."""
    keys, downwards = sort_keys(ranking.conditions, ranking.order)
    directed = [key.desc() if downwards else key for key in keys]
    columns = (ProductRow.id.label("product_id"), _overlap(ranking).label("overlap"))
    if ranking.max_per_category is None:
        rank = sa.func.row_number().over(order_by=directed) - 1
        return select_products(ranking.conditions, ranking.order, rank.label("rank"), *columns)
    place = sa.func.row_number().over(partition_by=category_of(ranking), order_by=directed)
    named = [key.label(f"key_{i}") for i, key in enumerate(keys)]
    inner = select_products(ranking.conditions, ranking.order, *columns, place.label("place"), *named).subquery("found")
    order = [inner.c[f"key_{i}"].desc() if downwards else inner.c[f"key_{i}"] for i in range(len(keys))]
    rank = sa.func.row_number().over(order_by=order) - 1
    kept = sa.select(rank.label("rank"), inner.c.product_id, inner.c.overlap)
    return kept.where(inner.c.place <= ranking.max_per_category)


def category_of(ranking: Ranking) -> sa.ColumnElement[Any]:
    """What the cap counts by. Products without any category are one group."""
    if ranking.by_mall_category:
        return sa.func.coalesce(ProductRow.mall_category_id, 0)
    if ranking.conditions.model_version_id is None:
        return sa.func.coalesce(ProductRow.category_id, 0)
    return sa.func.coalesce(ProductRow.category_id, PredictionRow.category_id, 0)


def _overlap(ranking: Ranking) -> sa.ColumnElement[int]:
    if not ranking.strata:
        return sa.literal(ranking.overlap, sa.SmallInteger)
    seed = ranking.conditions.seed
    cases = [(sa.and_(*_taken_by(one, seed + i + 1)), one["overlap"]) for i, one in enumerate(ranking.strata)]
    return sa.case(*cases, else_=ranking.overlap)


def _taken_by(stratum: dict[str, Any], seed: int) -> list[sa.ColumnElement[bool]]:
    """Each share is drawn on its own, so that two of them are not the same products."""
    found: list[sa.ColumnElement[bool]] = [sa.true()]
    if "share" in stratum:
        found.append(is_in_share(ProductRow.id, seed, stratum["share"]))
    if "category_ids" in stratum:
        is_below = ProductRow.category_id.in_(subtree(tuple(stratum["category_ids"])))
        found.append(sa.func.coalesce(is_below, sa.false()))
    if "mall_id" in stratum:
        found.append(sa.func.coalesce(ProductRow.mall_id == stratum["mall_id"], sa.false()))
    if "label_source" in stratum:
        found += has_label_from(stratum["label_source"])
    return found


def drop_ranking(session: Session) -> None:
    session.execute(sa.schema.DropTable(ranked, if_exists=True))


def queue_ranked(session: Session, campaign_id: int, most: int, start: int, stop: int, offset: int) -> bool:
    """Make the tasks of the ranks from `start` up to `stop`, at `offset` + rank. False: no longer being built.

    `most` is the largest overlap of a product.
    """
    tasks = table_of(TaskRow)
    building = sa.select(CampaignRow.id).where(
        CampaignRow.id == campaign_id,
        CampaignRow.status == CampaignStatus.BUILDING,
        CampaignRow.deleted_at.is_(None),
    )
    if session.scalar(building.with_for_update(key_share=True)) is None:
        return False
    n_inserted = 0
    for slot in range(most):
        chunk = (
            sa.select(
                sa.literal(campaign_id, sa.BigInteger),
                ranked.c.product_id,
                sa.literal(slot, sa.SmallInteger),
                (ranked.c.rank + offset),
                sa.literal_column("'open'"),
            )
            .where(ranked.c.rank >= start, ranked.c.rank < stop, ranked.c.overlap > slot)
            .order_by(ranked.c.rank)
        )
        names = ["campaign_id", "product_id", "slot", "position", "status"]
        insert = insert_for(session)(tasks).from_select(names, chunk).on_conflict_do_nothing()
        insert = insert.execution_options(preserve_rowcount=True)
        n_inserted += session.execute(insert).rowcount  # type: ignore[attr-defined]
    counted = sa.update(CampaignRow).where(CampaignRow.id == campaign_id)
    session.execute(
        counted.values(n_tasks=CampaignRow.n_tasks + n_inserted).execution_options(synchronize_session=False)
    )
    return True
