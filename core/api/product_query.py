"""The fields of `ProductFilter` as parameters of an address, and products as they are answered."""

import types
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from core.api.shapes import LARGEST_ID, Cursor, Limit, Shape
from core.catalogue.products import MAX_WORDS, ProductFilter
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

    def wanted(self) -> ProductFilter:
        """The filter that was asked for. Raises InvalidInput."""
        asked = self.model_dump(exclude_none=True, exclude=set(Listing.model_fields), mode="json")
        return ProductFilter.from_dict({name: str(value) for name, value in asked.items()})


def _kind(hint: Any) -> Any:
    """`int | None` -> int."""
    if get_origin(hint) is types.UnionType:
        return next(part for part in get_args(hint) if part is not type(None))
    return hint


_PARAMETERS: dict[str, Any] = {
    name: (_TYPES.get(_kind(hint), _WORDS) | None, None) for name, hint in get_type_hints(ProductFilter).items()
}
ProductQuery: Any = create_model("ProductQuery", __base__=Listing, **_PARAMETERS)


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
