"""Edits of the tree in words: templates with their values, so that a page or a terminal can say them."""

from typing import Any

from core.catalogue.taxonomy_edits.edit import Preview
from core.catalogue.taxonomy_edits.impact import Impact
from core.errors import N_
from db.enums import TaxonomyEditKind

Sentence = tuple[str, dict[str, Any]]

KINDS = {
    TaxonomyEditKind.ADD: N_("Add"),
    TaxonomyEditKind.RENAME: N_("Rename"),
    TaxonomyEditKind.MOVE: N_("Move"),
    TaxonomyEditKind.MERGE: N_("Merge"),
    TaxonomyEditKind.SPLIT: N_("Split"),
    TaxonomyEditKind.RETIRE: N_("Retire"),
    TaxonomyEditKind.IMPORT: N_("New version"),
}


def say_edit(kind: TaxonomyEditKind, words: dict[str, Any]) -> Sentence:
    """What an edit does or did, in one sentence."""
    match kind:
        case TaxonomyEditKind.ADD if words.get("parent"):
            return N_("'{name}' below '{parent}'"), words
        case TaxonomyEditKind.ADD:
            return N_("'{name}' as a category of the first level"), words
        case TaxonomyEditKind.RENAME if words["name"] == words["name_before"]:
            before, after = words.get("name_en_before") or "–", words.get("name_en") or "–"
            return N_("'{path}' is called '{after}' in English instead of '{before}'"), {
                "path": words["path"],
                "before": before,
                "after": after,
            }
        case TaxonomyEditKind.RENAME:
            return N_("'{path}' is called '{name}'"), words
        case TaxonomyEditKind.MOVE if words.get("parent"):
            return N_("'{path}' lies below '{parent}'"), words
        case TaxonomyEditKind.MOVE:
            return N_("'{path}' is a category of the first level"), words
        case TaxonomyEditKind.MERGE:
            return N_("'{path}' becomes a part of '{into}'"), words
        case TaxonomyEditKind.SPLIT:
            return N_("'{path}' becomes {leaves}"), {**words, "leaves": ", ".join(words["leaves"])}
        case TaxonomyEditKind.RETIRE if words.get("into"):
            return N_("'{path}' is retired; '{into}' takes over what it had"), words
        case TaxonomyEditKind.RETIRE:
            return N_("'{path}' is retired, {n_categories} categories in all"), words
        case _:
            return N_("a new version of the tree"), {}


def say_preview(shown: Preview) -> list[Sentence]:
    """What an edit would touch, a sentence each; nothing is said of what is not there."""
    carries = shown.kind in (TaxonomyEditKind.MERGE, TaxonomyEditKind.SPLIT, TaxonomyEditKind.RETIRE)
    said = [*_say_labels(shown.impact, carries)]
    for name, n in shown.parts:
        said.append((N_("Of these {n} go to '{leaf}'."), {"n": f"{n:,}", "leaf": name}))
    if shown.n_to_review:
        said.append((N_("{n} products want a person to look at them again."), {"n": f"{shown.n_to_review:,}"}))
    if shown.n_renamed_paths > 1:
        said.append((N_("The paths of {n} categories change."), {"n": f"{shown.n_renamed_paths:,}"}))
    return said + _say_work(shown.impact) + (_say_model(shown.impact) if carries else [])


def _say_labels(impact: Impact, carries: bool) -> list[Sentence]:
    if not impact.n_products:
        return [(N_("No product is labeled with it."), {})]
    counts = {name: f"{impact.by_source.get(name, 0):,}" for name in ("import", "human", "gold")}
    values = {
        "n": f"{impact.n_products:,}",
        "imported": counts["import"],
        "human": counts["human"],
        "gold": counts["gold"],
    }
    if carries:
        return [
            (N_("{n} products keep their label's source: {imported} imported, {human} by people, {gold} gold."), values)
        ]
    return [
        (N_("{n} products are labeled with it or below: {imported} imported, {human} by people, {gold} gold."), values)
    ]


def _say_work(impact: Impact) -> list[Sentence]:
    facts = [
        (impact.exclusion_rules, N_("{n} exclusion rules speak of it.")),
        (impact.mall_categories, N_("Malls file these products under {n} categories of their own.")),
        (impact.examples, N_("{n} example products belong to it.")),
        (impact.alternatives, N_("{n} products fit it as well, beside their label.")),
        (impact.label_issues, N_("{n} label issues speak of it.")),
    ]
    said: list[Sentence] = [(template, {"n": f"{n:,}"}) for n, template in facts if n]
    if impact.open_tasks:
        values = {"n": f"{impact.open_tasks:,}", "campaigns": f"{impact.campaigns:,}"}
        said.append((N_("{n} open tasks in {campaigns} campaigns stay as they are."), values))
    if impact.campaign_filters:
        said.append((N_("Campaigns that name it: {names}."), {"names": ", ".join(impact.campaign_filters)}))
    return said


def _say_model(impact: Impact) -> list[Sentence]:
    if impact.version is None or not (impact.head_classes or impact.predictions):
        return []
    values = {
        "version": impact.version,
        "n": f"{impact.head_classes:,}",
        "thresholds": f"{impact.thresholds:,}",
        "predictions": f"{impact.predictions:,}",
    }
    return [
        (
            N_(
                "The model {version} knows {n} of these categories ({thresholds} with a threshold) and answers with "
                "them for {predictions} products: its answers are read in the categories of today; the next training "
                "goes on from them."
            ),
            values,
        )
    ]
