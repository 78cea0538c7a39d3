"""How well a version knows each category, on held-out products."""

from dataclasses import dataclass

from core.catalogue.taxonomy import load_categories
from core.runtime import Runtime
from core.training.intervals import Rate, rate
from db import model_versions


@dataclass(frozen=True)
class CategoryQuality:
    """Rates of one category, 0..1, higher is better; none where nothing can be said."""

    category_id: int
    path: str
    path_en: str | None
    recall: Rate  # of its held-out products, first answer right: P@1 within the category
    precision: Rate  # of the products answered with it, rightly so
    f1: float | None
    p_at_2: Rate
    p_at_4: Rate
    threshold: float | None  # confidence from which on it is answered surely; none: never, or the version has none
    n_calibration: int | None  # validation rows that chose it, of siblings too where they share it


def list_category_quality(runtime: Runtime, version_id: int) -> list[CategoryQuality]:
    """Those with the most held-out products first; a category that has left the tree is not shown."""
    categories = load_categories(runtime)
    with runtime.sessions.read() as session:
        rows = model_versions.list_category_metrics(session, version_id)
    return [
        CategoryQuality(
            row.category_id,
            categories[row.category_id].path,
            categories[row.category_id].path_en,
            recall=rate(row.n_correct, row.n),
            precision=rate(row.n_correct, row.n_predicted),
            f1=row.f1,
            p_at_2=rate(row.n_correct_at_2, row.n),
            p_at_4=rate(row.n_correct_at_4, row.n),
            threshold=row.threshold,
            n_calibration=row.n_calibration,
        )
        for row in rows
        if row.category_id in categories
    ]
