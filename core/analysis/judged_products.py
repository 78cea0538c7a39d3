"""From a number of the error rates down to the products behind it: votes, gold and the model's answer side by side."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from core.analysis.gold_judging import GoldJudged, JudgedVote, Leaves, judge
from core.catalogue.product_sight import sees_who_voted
from core.catalogue.taxonomy import load_categories
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.types import Actor
from db import error_rates, model_versions

CHUNK = 200  # products judged at once
MOST_READ = 4_000  # products looked through for one page: a rare cell goes on with 'Next'


class Cell(StrEnum):
    """Who was wrong."""

    ALL = "all"
    PEOPLE = "people"  # at least one vote
    MODEL = "model"
    BOTH = "both"
    PEOPLE_ONLY = "people_only"
    MODEL_ONLY = "model_only"


@dataclass(frozen=True)
class JudgedProduct:
    """A gold product as the error rates count it. `answer_id` is the model's, none where no model is compared."""

    product_id: int
    title: str
    gold_id: int
    votes: tuple[JudgedVote, ...]
    answer_id: int | None
    model_is_wrong: bool | None
    also_right: frozenset[int]  # 'also fits'


@dataclass(frozen=True)
class JudgedPage:
    """`next_after_id` goes on after the last product looked at; none at the end."""

    products: tuple[JudgedProduct, ...]
    next_after_id: int | None


def list_judged_products(
    runtime: Runtime,
    actor: Actor,
    leaf_ids: tuple[int, ...],
    cell: Cell = Cell.ALL,
    version_id: int | None = None,
    confused_with: int | None = None,
    after_id: int = 0,
    limit: int = 20,
) -> JudgedPage:
    """Gold products of these leaves that the error rates of this version (none: the one in use) count, by id.

    `confused_with` keeps those that were taken for this category by whom the cell names. Names of voters are shown to
    who may see others' work, and are empty for the rest. Raises Forbidden for annotators: they must not learn which
    products check them.
    """
    authorize(actor, Action.SEE_ANALYSIS)
    categories, found = load_categories(runtime), []
    sees_names = sees_who_voted(actor)
    with runtime.sessions.read() as session:
        version_id = version_id or model_versions.find_promoted_id(session)
        leaves = Leaves(categories, error_rates.map_merged(session))
        versions, n_read, ids = [version_id] if version_id else [], 0, _with_merged(session, leaf_ids)
        while n_read < MOST_READ:
            products = error_rates.list_gold(session, after_id, CHUNK, ids)
            n_read += len(products)
            for judged in judge(session, products, leaves, versions, version_id):
                if _counts(judged, version_id) and _is_in(judged, cell, version_id, confused_with):
                    found.append(_product(judged, version_id, actor, sees_names))
                if len(found) == limit:
                    return JudgedPage(tuple(found), judged.product.id)
            if len(products) < CHUNK:
                return JudgedPage(tuple(found), None)
            after_id = products[-1].id
    return JudgedPage(tuple(found), after_id)


def _with_merged(session: Session, leaf_ids: tuple[int, ...]) -> list[int]:
    """Also the categories that became these: a gold label may still name them."""
    found = set(leaf_ids)
    merged = error_rates.map_merged(session)
    while more := {old for old, new in merged.items() if new in found} - found:
        found |= more
    return sorted(found)


def _counts(judged: GoldJudged, version_id: int | None) -> bool:
    """As `measuring` does."""
    if judged.in_bulk:
        return False
    if version_id is None:
        return judged.n_decided > 0
    return judged.n_decided > 0 and judged.is_held_out and version_id in judged.answers


def _is_in(judged: GoldJudged, cell: Cell, version_id: int | None, confused_with: int | None) -> bool:
    people, model = judged.n_wrong > 0, bool(version_id is not None and judged.is_wrong(version_id))
    fits = {
        Cell.ALL: True,
        Cell.PEOPLE: people,
        Cell.MODEL: model,
        Cell.BOTH: people and model,
        Cell.PEOPLE_ONLY: people and not model,
        Cell.MODEL_ONLY: model and not people,
    }[cell]
    if not fits or confused_with is None:
        return fits
    by_people = any(vote.is_wrong and vote.category_id == confused_with for vote in judged.votes)
    by_model = model and version_id is not None and judged.answers[version_id] == confused_with
    if cell in (Cell.PEOPLE, Cell.PEOPLE_ONLY):
        return by_people
    if cell in (Cell.MODEL, Cell.MODEL_ONLY):
        return by_model
    return by_people or by_model


def _product(judged: GoldJudged, version_id: int | None, actor: Actor, sees_names: bool) -> JudgedProduct:
    votes = tuple(vote if sees_names or vote.person_id == actor.person_id else _nameless(vote) for vote in judged.votes)
    answer = None if version_id is None else judged.answers.get(version_id)
    wrong = None if version_id is None else judged.is_wrong(version_id)
    return JudgedProduct(
        judged.product.id, judged.product.title, judged.gold_id, votes, answer, wrong, judged.also_right
    )


def _nameless(vote: JudgedVote) -> JudgedVote:
    return JudgedVote(0, "", vote.kind, vote.category_id, vote.is_wrong, vote.note)
