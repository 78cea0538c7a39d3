"""Products: found by the filter that lists and campaigns use, or one by its id."""

from typing import Annotated, Any

from fastapi import Query, Request, Response

from core.api.guard import CallerHere, guarded_router, needs
from core.api.product_query import ListedProductShape, ProductQuery, ProductShape
from core.api.shapes import IdInPath, Page, make_page
from core.api_tokens import Scope
from core.catalogue.product_details import get_product
from core.catalogue.products import list_products

router = guarded_router("products")


@router.get("/products", response_model=Page[ListedProductShape])
@needs(Scope.READ)
def find_products(
    caller: CallerHere, request: Request, response: Response, query: Annotated[ProductQuery, Query()]
) -> dict[str, Any]:
    """Products that all given parameters fit; categories mean themselves and all below them."""
    found = list_products(caller.runtime, caller.actor, query.wanted(), query.order, query.limit, query.cursor)
    return make_page(request, response, list(found.rows), found.next_cursor)


@router.get("/products/{product_id}", response_model=ProductShape)
@needs(Scope.READ)
def find_product(caller: CallerHere, product_id: IdInPath) -> Any:
    """One product with its label of now."""
    return get_product(caller.runtime, caller.actor, product_id)
