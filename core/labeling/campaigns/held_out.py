"""The test fold for a campaign that asks for it before any training: drawn then, for good, as a training would."""

from core.catalogue.products import ProductFilter
from core.runtime import Runtime
from db import splits


def are_folds_missing(runtime: Runtime, wanted: ProductFilter) -> bool:
    """The filter asks what is held out, and nothing was drawn yet. A look at one row."""
    if not wanted.held_out:
        return False
    with runtime.sessions.read() as session:
        return not splits.has_folds(session)


def draw_if_few(runtime: Runtime, wanted: ProductFilter, few: int) -> bool:
    """Give labeled products their folds if the filter needs them and there are none, 70 µs a product.

    False where more than `few` products have a label: a job is to draw them.
    """
    if not are_folds_missing(runtime, wanted):
        return True
    with runtime.sessions.read() as session:
        is_few = splits.count_labeled(session, few + 1) <= few
    if is_few:
        from core.training.splits import assign_folds

        assign_folds(runtime)
    return is_few
