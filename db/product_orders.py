"""Orders of products as columns that a list can be paged by: the same for lists and for campaigns' queues."""

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from db.enums import ProductOrder
from db.tables import LabelIssueRow, PredictionRow, ProductRow

if TYPE_CHECKING:
    from db.product_conditions import Conditions

SORTED_BY_MODEL = {ProductOrder.MARGIN, ProductOrder.DISAGREEMENT, ProductOrder.EXPECTED_GAIN}
SORTED_BY_ID = {ProductOrder.NEWEST, ProductOrder.OLDEST}
N_TOP = 5  # so many answers of the model are kept with a prediction

SHUFFLE_PRIME = 2147483647  # products stay below 2^63; 5 does not divide p - 1, so x^5 hits every place once
_SHARE_SEED = 1_000_003  # a random share of a shuffled list is not its beginning


def _shuffled(product_id: Any, seed: int) -> sa.ColumnElement[int]:
    """A place between 0 and p - 1 for each product, the same in both databases."""
    start = (product_id % SHUFFLE_PRIME * 48271 + seed) % SHUFFLE_PRIME
    square = start * start % SHUFFLE_PRIME
    return square * square % SHUFFLE_PRIME * start % SHUFFLE_PRIME


def is_in_share(product_id: Any, seed: int, share: float) -> sa.ColumnElement[bool]:
    """True for such a share 0..1 of all products, always the same ones for a seed."""
    return _shuffled(product_id, seed + _SHARE_SEED) < round(share * SHUFFLE_PRIME)


def is_in_top(category_id: int) -> sa.ColumnElement[bool]:
    """The category is among the five best answers of the joined prediction."""
    return sa.or_(*(PredictionRow.top[(i, 0)].as_integer() == category_id for i in range(N_TOP)))


def expected_gain() -> sa.ColumnElement[float]:
    """By how much likelier another category is right than the product's label, -1..1, by the joined prediction.

    The best other category's probability less the label's: cleanlab's normalised margin (Northcutt, Jiang and Chuang,
    JAIR 70, 2021; Kuan and Mueller, 2022), turned round and read from the five best answers. A label outside of them
    has probability 0. Where the model says what the label says, or there is no label to be wrong, it is minus the
    prediction's margin. A sure contradiction counts for more than a low probability of the label alone: that is low
    wherever the model knows nothing.
    """
    label = ProductRow.category_id
    of_label = sa.case(
        *(
            (PredictionRow.top[(i, 0)].as_integer() == label, PredictionRow.top[(i, 1)].as_float())
            for i in range(1, N_TOP)
        ),
        else_=0.0,
    )
    contradicts = sa.and_(label.is_not(None), label != PredictionRow.category_id)
    return sa.case((contradicts, PredictionRow.confidence - of_label), else_=-PredictionRow.margin)


def sort_keys(conditions: "Conditions", order: ProductOrder) -> tuple[list[Any], bool]:
    """The columns that make the order unique, and whether it runs downwards."""
    product_id = PredictionRow.product_id if conditions.asks_the_model else ProductRow.id
    match order:
        case ProductOrder.NEWEST:
            return [product_id], True
        case ProductOrder.OLDEST:
            return [product_id], False
        case ProductOrder.MARGIN:
            return [PredictionRow.margin, PredictionRow.product_id], False
        case ProductOrder.DISAGREEMENT:
            return [PredictionRow.confidence, PredictionRow.product_id], True
        case ProductOrder.RANDOM:
            return [_shuffled(ProductRow.id, conditions.seed), ProductRow.id], False
        case ProductOrder.LABEL_QUALITY:
            return [LabelIssueRow.label_quality_score, ProductRow.id], False
        case ProductOrder.EXPECTED_GAIN:
            return [expected_gain(), ProductRow.id], True
