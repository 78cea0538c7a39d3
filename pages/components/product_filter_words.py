"""What a filter of products says, in words: labels of its choices, chips, and the parameters of a link."""

from core.catalogue.products import ProductFilter, filter_names
from core.catalogue.taxonomy import Category, load_categories
from db.enums import ProductOrder
from pages.components.campaign_names import campaign_name
from pages.components.context import actor, runtime
from pages.components.words import N_, _, language

SOURCES = {
    "": N_("Any label"),
    "human": N_("Labeled by people"),
    "gold": N_("Settled by a reviewer"),
    "import": N_("Labeled by import"),
    "none": N_("Without a label"),
    "unchecked": N_("Not yet labeled by people"),
}
ORDERS = {
    ProductOrder.NEWEST: N_("Newest first"),
    ProductOrder.MARGIN: N_("Closest calls first"),
    ProductOrder.DISAGREEMENT: N_("Surest answers first"),
    ProductOrder.RANDOM: N_("Shuffled"),
    ProductOrder.LABEL_QUALITY: N_("Most suspicious labels first"),
    ProductOrder.EXPECTED_GAIN: N_("Probably wrong labels first"),
    ProductOrder.OLDEST: N_("Oldest first"),
}


def percent(fraction: float | None) -> float | None:
    """A fraction 0..1 as a widget shows it."""
    return None if fraction is None else round(fraction * 100, 4)


def _percent_text(fraction: float | None) -> str:
    return "" if fraction is None else f"{percent(fraction):g}"


def chip_texts(wanted: ProductFilter, everything: bool = False) -> dict[str, str]:
    """Name of each set part -> what it asks for, in words; `everything` says what the bar shows, too."""
    tree = load_categories(runtime())
    names = filter_names(runtime(), actor(), wanted)
    texts = {
        "category_ids": _("Label: {names}").format(names=_paths(wanted.category_ids, tree)),
        "predicted_category_ids": _("Model: {names}").format(names=_paths(wanted.predicted_category_ids, tree)),
        "disagrees": _("The model contradicts the label"),
        "hard_to_predict": _("Hard to predict"),
        "confidence_above": _("Confidence from {n} %").format(n=_percent_text(wanted.confidence_above)),
        "confidence_below": _("Confidence below {n} %").format(n=_percent_text(wanted.confidence_below)),
        "margin_below": _("Margin below {n} %").format(n=_percent_text(wanted.margin_below)),
        "margin_above": _("Margin from {n} %").format(n=_percent_text(wanted.margin_above)),
        "random_share": _("A random {n} %").format(n=_percent_text(wanted.random_share)),
        "people_disagree": _("People disagree"),
        "held_out": _("No model learned from it"),
        "any_words": _("One of: {words}").format(words=", ".join(wanted.any_words)),
        "months": _("Months: {months}").format(months=", ".join(map(str, wanted.months))),
        "pair_ids": _("Between: {names}").format(names=_paths(wanted.pair_ids, tree)),
        "edit_id": _("Wanted by change {n} of the category tree").format(n=wanted.edit_id),
        "not_decided_in": _("Not decided in campaign {n}").format(n=", ".join(map(str, wanted.not_decided_in))),
        "registered_from": _("Registered from {day}").format(day=wanted.registered_from),
        "registered_to": _("Registered to {day}").format(day=wanted.registered_to),
        "mall_id": _("Mall: {name}").format(name=names.get("mall_id", wanted.mall_id)),
        "source": _("Source: {name}").format(name=wanted.source),
        "decided_by": _("Decided by {name}").format(name=names.get("decided_by", wanted.decided_by)),
        "campaign_id": _("Campaign: {name}").format(
            name=campaign_name(str(names.get("campaign_id", wanted.campaign_id)))
        ),
        "model_version_id": _("Model version: {name}").format(
            name=names.get("model_version_id", wanted.model_version_id)
        ),
        "seed": _("Shuffle {n}").format(n=wanted.seed),
        "label_issue": _("The label looks wrong"),
    }
    if everything:
        texts["keyword"] = _("Words in the title: {words}").format(words=wanted.keyword)
        texts["label_source"] = source_text(wanted)
    is_set = wanted.to_dict()
    return {name: text for name, text in texts.items() if name in is_set}


def source_text(wanted: ProductFilter) -> str:
    chosen = wanted.label_source or ""
    return _(SOURCES[chosen])


def _paths(ids: tuple[int, ...], tree: dict[int, Category]) -> str:
    names = [_path(tree[id_]) if id_ in tree else str(id_) for id_ in ids[:3]]
    return ", ".join(names) + (" ..." if len(ids) > 3 else "")


def _path(category: Category) -> str:
    return category.path_en if language() == "en" and category.path_en else category.path


def query_of(wanted: ProductFilter, order: ProductOrder) -> dict[str, str]:
    """Parameters of a link to this list."""
    return wanted.to_query() | ({"order": order.value} if order != ProductOrder.NEWEST else {})
