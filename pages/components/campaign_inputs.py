"""What a ready-made kind of campaign has to be told: the pair, the mall, the new category, the edit of the tree."""

import streamlit as st

from core.catalogue.malls import list_malls
from core.catalogue.taxonomy import load_categories
from core.catalogue.taxonomy_edits.history import PastEdit, list_edits
from core.labeling.campaigns import LOW_CONFIDENCE, Inputs
from db.enums import CampaignKind, TaxonomyEditKind
from pages.components.category_picker import category_picker
from pages.components.context import runtime
from pages.components.numbers import count_text, time_text
from pages.components.words import N_, _, escape, language

LISTED_EDITS = 50
EDITS = {
    TaxonomyEditKind.ADD: N_("added"),
    TaxonomyEditKind.RENAME: N_("renamed"),
    TaxonomyEditKind.MOVE: N_("moved"),
    TaxonomyEditKind.MERGE: N_("merged"),
    TaxonomyEditKind.SPLIT: N_("split"),
    TaxonomyEditKind.RETIRE: N_("retired"),
    TaxonomyEditKind.IMPORT: N_("imported"),
}


def kind_inputs(kind: CampaignKind) -> Inputs:
    """Draws the fields of the kind and returns what they say now; what is missing stays empty."""
    match kind:
        case CampaignKind.LOW_CONFIDENCE:
            percent = st.slider(
                _("Confidence below, %"), 5, 100, round(LOW_CONFIDENCE * 100), 5, key="campaigns.confidence_below"
            )
            return Inputs(confidence_below=percent / 100)
        case CampaignKind.AMBIGUOUS_PAIR:
            left, right = st.columns(2)
            with left:
                one = _category("campaigns.a", _("Category A"), "a", kind)
            with right:
                other = _category("campaigns.b", _("Category B"), "b", kind)
            return Inputs(category_ids=tuple(id_ for id_ in (one, other) if id_ is not None))
        case CampaignKind.MALL_AUDIT:
            return Inputs(mall_id=_mall())
        case CampaignKind.NEW_LEAF:
            leaf = _category("campaigns.leaf", _("The new category"), "leaf", kind)
            words = st.text_input(
                _("Words that its products have in their titles, parted by commas"),
                key="campaigns.words",
                max_chars=1_000,
                placeholder=_("hiking boots, trekking shoes"),
            )
            parts = tuple(text for part in words.split(",") if (text := part.strip()))
            return Inputs(category_ids=() if leaf is None else (leaf,), words=parts)
        case CampaignKind.TAXONOMY_CHANGE:
            return Inputs(edit_id=_edit())
    return Inputs()


def _category(key: str, title: str, parameter: str, kind: CampaignKind) -> int | None:
    """A leaf, chosen once and shown. The URL holds it: a reload finds it, and a link to the page may name it."""
    asked = st.query_params.get(parameter, "")
    category = load_categories(runtime()).get(int(asked)) if asked.isascii() and asked.isdigit() else None
    if category is None:
        st.markdown(f"**{title}**")
    else:
        path = category.path_en if language() == "en" and category.path_en else category.path
        st.markdown(f"**{title}:** {escape(path)}")
    category_picker(key, browse=category is None, on_pick=lambda id_: _keep(parameter, id_, kind))
    return category.id if category else None


def _keep(parameter: str, category_id: int, kind: CampaignKind) -> None:
    st.query_params.update({"new": "kind", "kind": kind.value, parameter: str(category_id)})


def _mall() -> int | None:
    malls = dict(list_malls(runtime()))
    return st.selectbox(
        _("Mall"),
        list(malls),
        index=None,
        format_func=lambda id_: malls[id_],
        key="campaigns.mall",
        placeholder=_("Choose a mall"),
    )


def _edit() -> int | None:
    edits = {edit.id: edit for edit in list_edits(runtime(), LISTED_EDITS) if edit.n_to_review and not edit.undone_at}
    asked = st.query_params.get("edit_id", "")
    ids = list(edits)
    if not ids:
        st.info(_("No change of the category tree wants products looked at again."), icon=":material/info:")
        return None
    return st.selectbox(
        _("Change of the category tree"),
        ids,
        index=ids.index(int(asked)) if asked.isdigit() and int(asked) in edits else 0,
        format_func=lambda id_: _edit_text(edits[id_]),
        key="campaigns.edit",
    )


def _edit_text(edit: PastEdit) -> str:
    category = load_categories(runtime()).get(edit.category_id) if edit.category_id is not None else None
    name = category.path if category else f"#{edit.id}"
    return _("{name}: {what} on {day}, {n} products to look at").format(
        name=name, what=_(EDITS[edit.kind]), day=time_text(edit.created_at), n=count_text(edit.n_to_review)
    )
