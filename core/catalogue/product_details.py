"""One product, and what versions answer for products: for programs that read them one by one or all."""

from dataclasses import dataclass, fields

import sqlalchemy as sa

from core.catalogue.product_sight import seen_by
from core.catalogue.products import Product
from core.errors import N_, NotFound
from core.permissions import Action, authorize
from core.runtime import Runtime
from core.training.registry import get_version
from core.types import Actor
from db import product_details


@dataclass(frozen=True)
class Prediction:
    """A version's answer for a product. `top` is (category id, probability 0..1), best first."""

    product_id: int
    model_version_id: int
    category_id: int
    confidence: float  # 0..1
    margin: float  # 0..1
    top: tuple[tuple[int, float], ...]
    is_hard_to_predict: bool
    back_off_category_id: int | None  # then the deepest category above that is sure


def get_product(runtime: Runtime, actor: Actor, product_id: int) -> Product:
    """Gold reads as a person's label for who may not know it. Raises Forbidden (annotators), NotFound."""
    authorize(actor, Action.SEE_ANALYSIS)
    with runtime.sessions.read() as session:
        row = product_details.find_product(session, product_id)
    if row is None:
        raise NotFound(N_("There is no product {product_id}."), product_id=product_id)
    product: Product = seen_by(actor, Product.of(row))
    return product


def list_predictions(
    runtime: Runtime, actor: Actor, version_id: int, after_product_id: int | None = None, limit: int = 100
) -> list[Prediction]:
    """What a version answers, by product id. Raises Forbidden (annotators), NotFound (the version)."""
    authorize(actor, Action.SEE_ANALYSIS)
    get_version(runtime, version_id)
    with runtime.sessions.read() as session:
        rows = product_details.list_of_version(session, version_id, after_product_id or 0, limit)
    return [_prediction(row) for row in rows]


def list_predictions_of(
    runtime: Runtime, actor: Actor, product_id: int, before_version_id: int | None = None, limit: int = 100
) -> list[Prediction]:
    """What the versions answer for one product, the newest version first. Raises as `get_product`."""
    get_product(runtime, actor, product_id)
    with runtime.sessions.read() as session:
        rows = product_details.list_of_product(session, product_id, before_version_id, limit)
    return [_prediction(row) for row in rows]


def _prediction(row: sa.RowMapping) -> Prediction:
    read = {part.name: row[part.name] for part in fields(Prediction) if part.name in row}
    top = tuple((int(category), float(probability)) for category, probability in row["top"])
    return Prediction(**{**read, "top": top, "is_hard_to_predict": bool(row["abstained"])})
