"""The fields of `ProductFilter` as parameters of an address, and products as they are answered."""

import types
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from core.api.guard import Caller
from core.api.shapes import LARGEST_ID, Cursor, Limit, Shape
from core.catalogue.products import MAX_WORDS, ProductFilter
from core.errors import N_, Forbidden
from core.permissions import Action, may
from db.enums import LabelSource, ProductOrder

_WORDS = Annotated[str, Field(max_length=MAX_WORDS)]
_IDS = Annotated[str, Field(max_length=20_000, pattern=r"^\d+(,\d+)*$", description="Numbers with commas between.")]
_NUMBER = Annotated[int, Field(ge=-LARGEST_ID, le=LARGEST_ID)]
_TYPES: dict[Any, Any] = {tuple[int, ...]: _IDS, int: _NUMBER, float: float, bool: bool, date: date}


class Listing(BaseModel):
    """How a list of products is sorted and paged."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    order: ProductOrder = ProductOrder.NEWEST
    limit: Limit = 50
    cursor: Cursor = None

    def wanted(self, caller: Caller) -> ProductFilter:
        """The filter that was asked for. Raises InvalidInput, Forbidden (gold, by who must not know which is gold)."""
        asked = self.model_dump(exclude_none=True, exclude=set(Listing.model_fields), mode="json")
        return checked_filter(caller, {name: str(value) for name, value in asked.items()})


def checked_filter(caller: Caller, asked: dict[str, Any]) -> ProductFilter:
    """A filter as it was sent. Raises InvalidInput; Forbidden where it asks which products are gold, or what somebody
    else decided, and the caller may not see that."""
    wanted = ProductFilter.from_dict(asked)
    if wanted.label_source == LabelSource.GOLD and not sees_gold(caller):
        raise Forbidden(N_("Which products are gold is for reviewers: gold is what annotators are judged by."))
    asks_for_person = wanted.decided_by not in (None, caller.actor.person_id)
    if asks_for_person and not may(caller.actor, Action.SEE_PEOPLE):
        raise Forbidden(N_("What somebody else decided is for those who may see people's figures."))
    return wanted


def _kind(hint: Any) -> Any:
    """`int | None` -> int."""
    if get_origin(hint) is types.UnionType:
        return next(part for part in get_args(hint) if part is not type(None))
    return hint


_PARAMETERS: dict[str, Any] = {
    name: (_TYPES.get(_kind(hint), _WORDS) | None, None) for name, hint in get_type_hints(ProductFilter).items()
}
ProductQuery: Any = create_model("ProductQuery", __base__=Listing, **_PARAMETERS)


def sees_gold(caller: Caller) -> bool:
    """Whether this person may know that a product is gold, and so could tell a hidden check."""
    return may(caller.actor, Action.REVIEW)


class ProductShape(Shape):
    """A product with its label of now. `label_source` is gold only for who reviews; others read human."""

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


class ListedProductShape(ProductShape):
    """With what the model says: none without a prediction."""

    predicted_category_id: int | None
    confidence: float | None
    margin: float | None
    is_hard_to_predict: bool
    back_off_category_id: int | None


def seen_by(caller: Caller, product: Any) -> Any:
    """The product as this person may see it."""
    return product if sees_gold(caller) else without_gold(product)


def without_gold(product: Any) -> Any:
    """The product as a card shows it: gold reads as any other person's label."""
    return replace(product, label_source=LabelSource.HUMAN) if product.label_source == LabelSource.GOLD else product
