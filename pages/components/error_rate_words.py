"""Words and marks of the error rates: verdicts, names of rows. A mark is a shape, so that colour is never alone."""

from core.analysis.error_rates import ErrorRates
from core.analysis.verdicts import ErrorRow, Verdict
from core.catalogue.taxonomy import SEPARATOR, Category
from pages.components.numbers import count_text
from pages.components.words import N_, language, ngettext

PEOPLE_MARK, MODEL_MARK = "●", "◆"
VERDICTS = {
    Verdict.MODEL: N_("◆ model is better"),
    Verdict.PEOPLE: N_("● people are better"),
    Verdict.BOTH_FAIL: N_("✕ both fail: ambiguous"),
    Verdict.UNCLEAR: N_("= no clear difference"),
    Verdict.TOO_FEW: N_("… too few to say"),
}


def path_of(category: Category) -> str:
    """In the person's language."""
    return category.path_en if language() == "en" and category.path_en else category.path


def short_path(category: Category) -> str:
    """Its last two names."""
    return SEPARATOR.join(path_of(category).split(SEPARATOR)[-2:])


def row_name(found: ErrorRates, row: ErrorRow) -> str:
    """'Clothing > Shirts', or 'Clothing: 12 small categories' for what is left beside the large ones."""
    if row.category_id is None:
        n = len(row.leaf_ids)
        return ngettext("{n} other small category", "{n} other small categories", n).format(n=count_text(n))
    path = path_of(found.categories[row.category_id])
    return f"{path}: {small_categories(row)}" if row.is_pooled else path


def short_name(found: ErrorRates, row: ErrorRow) -> str:
    """The last two names of its path, for an axis."""
    if row.category_id is None:
        return row_name(found, row)
    path = short_path(found.categories[row.category_id])
    return f"{path}: {small_categories(row)}" if row.is_pooled else path


def small_categories(row: ErrorRow) -> str:
    n = len(row.leaf_ids)
    return ngettext("{n} small category", "{n} small categories", n).format(n=count_text(n))


def mark(row: ErrorRow) -> str:
    """The verdict's sign."""
    return VERDICTS[row.verdict].split(" ")[0]


def points(fraction: float) -> str:
    """-1..1 as '+5.8'."""
    return f"{100 * fraction:+.1f}"
