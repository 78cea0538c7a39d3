"""Predictions: what a version answers for all products, or all versions for one."""

from typing import Annotated, Any

from fastapi import Query, Request, Response

from core.api.guard import CallerHere, guarded_router, needs
from core.api.shapes import Cursor, Id, Limit, Page, Shape, page_by_id
from core.api_tokens import Scope
from core.catalogue.product_details import list_predictions, list_predictions_of
from core.errors import N_, InvalidInput
from core.serving.scoring import resolve_version

router = guarded_router("predictions")


class PredictionShape(Shape):
    """A version's answer for a product. `top`: [category id, probability], best first."""

    product_id: int
    model_version_id: int
    category_id: int
    confidence: float
    margin: float
    top: list[tuple[int, float]]
    is_hard_to_predict: bool
    back_off_category_id: int | None


@router.get("/predictions", response_model=Page[PredictionShape])
@needs(Scope.READ)
def find_predictions(
    caller: CallerHere,
    request: Request,
    response: Response,
    model_version_id: Annotated[Id | None, Query(description="Whose answers; none: the version in use.")] = None,
    product_id: Annotated[Id | None, Query(description="Of one product, by all versions.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Answers of a version by product id; with `product_id` those of all versions, the newest first."""
    if product_id is not None:
        if model_version_id is not None:
            raise InvalidInput(N_("Ask for a product or for a model version, not for both."))
        listed = f"predictions of {product_id}"
        return page_by_id(
            request,
            response,
            listed,
            limit,
            cursor,
            lambda n, after: list_predictions_of(caller.runtime, caller.actor, product_id, after, n),
            lambda row: row.model_version_id,
        )
    version = resolve_version(caller.runtime, model_version_id)
    return page_by_id(
        request,
        response,
        f"predictions by {version.id}",
        limit,
        cursor,
        lambda n, after: list_predictions(caller.runtime, caller.actor, version.id, after, n),
        lambda row: row.product_id,
    )
