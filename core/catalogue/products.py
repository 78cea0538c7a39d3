"""Products by filter: the same filter fills lists, links and campaigns, so they show the same products."""

import base64
import json
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self, get_args, get_origin, get_type_hints

import sqlalchemy as sa

from core.catalogue.product_sight import checked_filter, seen_by, sees_who_voted
from core.catalogue.taxonomy import Category, load_categories
from core.catalogue.taxonomy_edits.meaning import merged_below, resolve, today
from core.errors import N_, InvalidInput, NoModelYet
from core.runtime import Runtime
from core.types import Actor
from db import model_versions, product_orders, products
from db.enums import LabelSource, NoiseMethod, ProductOrder
from db.product_conditions import Conditions

LABEL_SOURCES = ("import", "human", "gold", "none", "unchecked")
MAX_PAGE = 500
MAX_CATEGORIES = 1_000
MAX_WORDS = 300  # characters of a keyword or a source
MAX_ANY_WORDS = 200  # keywords of which one is enough
LARGEST_ID = 2**63 - 1
MAX_SEED = 2**53 - 1  # the shuffle adds to it: a larger one would not fit PostgreSQL's numbers


@dataclass(frozen=True)
class ProductFilter(Conditions):
    """What products to find. `to_dict` is what a campaign stores, `to_query` what stands in a URL."""

    def to_dict(self) -> dict[str, Any]:
        """Only what is set, as JSON can hold it."""
        return {name: _as_json(value) for name, value in self._set().items()}

    def to_query(self) -> dict[str, str]:
        """Only what is set, as parameters of a URL: ?label_source=human&category_ids=3,8."""
        return {name: _as_text(value) for name, value in self._set().items()}

    def _set(self) -> dict[str, Any]:
        values = {part.name: (getattr(self, part.name), part.default) for part in fields(self)}
        return {name: value for name, (value, default) in values.items() if value != default}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "ProductFilter":
        """Raises InvalidInput for a name or a value that it does not know: half a filter finds the wrong products."""
        unknown = sorted(set(stored) - set(_KINDS))
        if unknown:
            raise InvalidInput(N_("There is no filter '{name}'."), name=unknown[0])
        return _checked(cls(**{name: _parse(name, value) for name, value in stored.items()}))

    @classmethod
    def from_query(cls, parameters: Mapping[str, str]) -> "ProductFilter":
        """What a URL asks for; parameters that are not filters are left to the page. Raises InvalidInput."""
        known = {name: value for name, value in parameters.items() if name in _KINDS and value != ""}
        return _checked(cls(**{name: _parse(name, value) for name, value in known.items()}))


def _kind(hint: Any) -> type:
    """`int | None` -> int, `tuple[int, ...]` -> tuple."""
    if get_origin(hint) is types.UnionType:
        hint = next(part for part in get_args(hint) if part is not type(None))
    return get_origin(hint) or hint


_HINTS = get_type_hints(Conditions)
_KINDS = {name: _kind(hint) for name, hint in _HINTS.items()}
_TEXTS = {name for name, hint in _HINTS.items() if hint == tuple[str, ...]}


def _parse(name: str, value: Any) -> Any:
    kind = _KINDS[name]
    try:
        if kind is bool:
            return str(value).lower() in ("1", "true", "yes")
        if name in _TEXTS:
            return _words(value)
        if kind is tuple:
            parts = value.split(",") if isinstance(value, str) else value
            return tuple(int(part) for part in parts)
        if kind is date:
            return value if isinstance(value, date) else date.fromisoformat(value)
        if kind is str:
            return _word(value) or None
        return kind(value)
    except (TypeError, ValueError):
        raise InvalidInput(N_("The filter '{name}' cannot be '{value}'."), name=name, value=value) from None


def _word(value: Any) -> str:
    return " ".join(str(value).replace("\0", "").split())[:MAX_WORDS]


def _words(value: Any) -> tuple[str, ...]:
    """Each word or phrase once; a comma parts them, also within one of a list, so that a URL says the same."""
    parts = [value] if isinstance(value, str) else value
    return tuple(dict.fromkeys(word for part in parts for piece in str(part).split(",") if (word := _word(piece))))


_FRACTIONS = ("confidence_below", "confidence_above", "margin_below", "margin_above", "random_share")
_IDS = ("category_ids", "predicted_category_ids", "pair_ids", "not_decided_in")


def _checked(found: ProductFilter) -> ProductFilter:
    values = {name: getattr(found, name) for name in _KINDS}
    wrong = [(name, values[name]) for name in _FRACTIONS if values[name] is not None and not 0 <= values[name] <= 1]
    wrong += [("label_source", found.label_source)] if found.label_source not in (None, *LABEL_SOURCES) else []
    numbers = {name: values[name] for name, kind in _KINDS.items() if kind is int}
    wrong += [(name, value) for name, value in numbers.items() if value is not None and abs(value) > LARGEST_ID]
    wrong += [("label_issue", found.label_issue)] if found.label_issue not in (None, *NoiseMethod) else []
    wrong += [("seed", found.seed)] if not 0 <= found.seed <= MAX_SEED else []
    wrong += [("months", month) for month in found.months if not 1 <= month <= 12]
    wrong += [("pair_ids", found.pair_ids)] if found.pair_ids and len(set(found.pair_ids)) != 2 else []
    wrong += [("any_words", f"{len(found.any_words)} words")] if len(found.any_words) > MAX_ANY_WORDS else []
    for name in _IDS:
        ids = values[name]
        too_large = len(ids) > MAX_CATEGORIES or any(abs(id_) > LARGEST_ID for id_ in ids)
        wrong += [(name, f"{len(ids)} ids")] if too_large else []
    for name, value in wrong:
        raise InvalidInput(N_("The filter '{name}' cannot be '{value}'."), name=name, value=value)
    return found


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value


def _as_text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "1" if value is True else str(_as_json(value))


@dataclass(frozen=True)
class Product:
    """A product with its current label. `image` is a reference to be checked, never a trusted path."""

    id: int
    source: str
    external_id: str
    title: str
    brand: str | None
    mall: str | None
    mall_category: str | None
    price: Decimal | None
    registered_at: datetime | None
    image: str | None
    category_id: int | None
    label_source: LabelSource | None
    labeled_at: datetime | None

    @classmethod
    def of(cls, row: sa.RowMapping) -> Self:
        """From a row of `db.products`."""
        return cls(**{part.name: row[part.name] for part in fields(cls) if part.name in row})


@dataclass(frozen=True)
class ListedProduct(Product):
    """With what the model says: none without a prediction."""

    predicted_category_id: int | None = None
    confidence: float | None = None
    margin: float | None = None
    abstained: bool | None = None  # 'hard to predict'
    back_off_category_id: int | None = None  # then the deepest category that the model is sure of

    @property
    def is_hard_to_predict(self) -> bool:
        return bool(self.abstained)

    def in_categories_of_today(self, tree: Mapping[int, Category]) -> "ListedProduct":
        """What the model said before categories were merged or split, as it is meant now."""
        said = (self.predicted_category_id, self.back_off_category_id)
        meant = [resolve(tree, id_) if id_ is not None else None for id_ in said]
        return (
            self
            if said == tuple(meant)
            else replace(self, predicted_category_id=meant[0], back_off_category_id=meant[1])
        )


@dataclass(frozen=True)
class ProductPage:
    """`next_cursor` goes on after the last row; none at the end."""

    rows: tuple[ListedProduct, ...]
    next_cursor: str | None


def list_products(
    runtime: Runtime,
    actor: Actor,
    wanted: ProductFilter,
    order: ProductOrder = ProductOrder.NEWEST,
    limit: int = 50,
    cursor: str | None = None,
) -> ProductPage:
    """A page of products, paged by key: the hundredth page costs what the first does.

    Gold reads as a person's label for who may not know it. Raises Forbidden (`checked_filter`), NoModelYet when filter
    or order ask a model and none is in use, InvalidInput for a cursor of another list.
    """
    wanted = with_version(runtime, checked_filter(actor, wanted), order)
    after = _read_cursor(cursor, order) if cursor else None
    limit = max(1, min(limit, MAX_PAGE))
    with runtime.sessions.read() as session:
        found = products.list_products(session, wanted, order, limit + 1, after)
    tree = load_categories(runtime)
    rows = tuple(seen_by(actor, ListedProduct.of(row).in_categories_of_today(tree)) for row, _ in found[:limit])
    return ProductPage(rows, _write_cursor(order, found[limit - 1][1]) if len(found) > limit else None)


def count_products(runtime: Runtime, actor: Actor, wanted: ProductFilter, at_most: int = 10_000) -> int:
    """How many products match; `at_most` + 1 means more than that (show '10,000+'). Raises as `list_products`."""
    wanted = with_version(runtime, checked_filter(actor, wanted), ProductOrder.NEWEST)
    with runtime.sessions.read() as session:
        return products.count_products(session, wanted, at_most + 1)


def filter_names(runtime: Runtime, actor: Actor, wanted: ProductFilter) -> dict[str, str]:
    """What people call the things the filter names by id: {"mall_id": "Shop", "decided_by": "Mina"}.

    Somebody else's name is left out for who may not see what others decided.
    """
    if wanted.decided_by != actor.person_id and not sees_who_voted(actor):
        wanted = replace(wanted, decided_by=None)
    with runtime.sessions.read() as session:
        return products.find_names(session, wanted)


def with_version(runtime: Runtime, wanted: ProductFilter, order: ProductOrder) -> ProductFilter:
    """The filter with categories of today and the model version named: the one in use, unless it names one.

    Raises NoModelYet.
    """
    wanted = _in_categories_of_today(runtime, wanted)
    if wanted.model_version_id is not None:
        return wanted
    with runtime.sessions.read() as session:
        version = model_versions.find_promoted_id(session)
    if version is None and (wanted.asks_the_model or order in product_orders.SORTED_BY_MODEL):
        raise NoModelYet()
    return replace(wanted, model_version_id=version)


def _in_categories_of_today(runtime: Runtime, wanted: ProductFilter) -> ProductFilter:
    """A category that was merged means what it became; what a model said of it counts there too."""
    if not (wanted.category_ids or wanted.predicted_category_ids or wanted.pair_ids):
        return wanted
    tree = load_categories(runtime)
    predicted = today(tree, wanted.predicted_category_ids)
    return replace(
        wanted,
        category_ids=today(tree, wanted.category_ids),
        pair_ids=today(tree, wanted.pair_ids),
        predicted_category_ids=(*predicted, *merged_below(tree, predicted)),
    )


def _write_cursor(order: ProductOrder, place: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([order.value, *place]).encode()).decode()


def _read_cursor(cursor: str, order: ProductOrder) -> list[Any]:
    try:
        name, *place = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError):
        name, place = None, []
    n_keys = 1 if order in product_orders.SORTED_BY_ID else 2
    fits = all(isinstance(key, int | float) and abs(key) <= LARGEST_ID for key in place)
    if name != order.value or len(place) != n_keys or not fits:
        raise InvalidInput(N_("This page of the list cannot be found. Start again from its first page."))
    return place
