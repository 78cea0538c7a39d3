"""Editing the tree: choose an act, see in words what it touches, say why, do it, and take it back if it was wrong."""

from collections.abc import Callable
from typing import Any, NamedTuple

import streamlit as st

from core.catalogue.taxonomy import Category, load_categories
from core.catalogue.taxonomy_edits import acts
from core.catalogue.taxonomy_edits.acts import Edit, Preview
from core.catalogue.taxonomy_edits.words import say_edit, say_preview
from core.errors import AppError
from core.permissions import Action, may
from db.enums import TaxonomyEditKind
from pages.components.category_picker import category_picker
from pages.components.context import actor, runtime
from pages.components.taxonomy_results import make_campaign_of, show_result, tell_result
from pages.components.taxonomy_words import sentence
from pages.components.words import N_, _, error_text, escape, language

KEY = "taxonomy.edit"
ACT, PLAN, PROBLEM, REASON, TARGET = (f"{KEY}.{name}" for name in ("act", "plan", "problem", "reason", "target"))
WITH_CAMPAIGN = f"{KEY}.campaign"
ACTS = {
    "add": N_("Add below"),
    "rename": N_("Rename"),
    "move": N_("Move"),
    "merge": N_("Merge"),
    "split": N_("Split up"),
    "retire": N_("Retire"),
}
NEEDS_REASON = {TaxonomyEditKind.MERGE, TaxonomyEditKind.SPLIT, TaxonomyEditKind.RETIRE}


class Asked(NamedTuple):
    """An act with what it was told, and what it would touch."""

    node_id: int | None
    act: str
    told: tuple[Any, ...]
    preview: Preview


LOOK: dict[str, Callable[..., Preview]] = {
    "add": acts.preview_add,
    "rename": acts.preview_rename,
    "move": acts.preview_move,
    "merge": acts.preview_merge,
    "split": acts.preview_split,
    "retire": acts.preview_retire,
}
DO: dict[str, Callable[..., Edit]] = {
    "add": acts.add_category,
    "rename": acts.rename_category,
    "move": acts.move_category,
    "merge": acts.merge_categories,
    "split": acts.split_category,
    "retire": acts.retire_category,
}


def taxonomy_editor(node: Category | None) -> None:
    """For those who may edit the tree; nothing for others. Without a node: a category of the first level."""
    if not may(actor(), Action.EDIT_TAXONOMY):
        return
    show_result()
    if node is not None and node.retired_at is not None:
        return
    with st.expander(
        _("Edit the tree here") if node else _("Add a category of the first level"),
        icon=":material/edit:",
        expanded=_asked(node) is not None or PROBLEM in st.session_state,
    ):
        act = _choose_act(node)
        _fields(node, act)
        if problem := st.session_state.pop(PROBLEM, None):
            st.error(problem, icon=":material/error:")
        asked = _asked(node)
        if asked is not None and asked.act == act:
            _confirm(asked)


def _asked(node: Category | None) -> Asked | None:
    asked: Asked | None = st.session_state.get(PLAN)
    return asked if asked and asked.node_id == (node.id if node else None) else None


def _choose_act(node: Category | None) -> str:
    if node is None:
        return "add"
    names = [name for name in ACTS if name != "split" or node.is_leaf]
    chosen = st.segmented_control(
        _("What to do"),
        names,
        format_func=lambda name: _(ACTS[name]),
        default=names[0],
        required=True,
        key=f"{ACT}.{node.id}",
        on_change=_forget,
    )
    return chosen or names[0]


def _forget() -> None:
    for key in (PLAN, PROBLEM, TARGET):
        st.session_state.pop(key, None)


def _fields(node: Category | None, act: str) -> None:
    key = f"{KEY}.{act}.{node.id if node else 0}"
    if act in ("add", "rename"):
        is_new = act == "add" or node is None
        left, right = st.columns(2)
        name = left.text_input(_("Name"), "" if is_new or not node else node.name, key=f"{key}.name", max_chars=400)
        english = right.text_input(
            _("English name"), "" if is_new or not node else node.name_en or "", key=f"{key}.english", max_chars=400
        )
        told = (name, english or None) if is_new else (name, english)
        _preview_button(node, act, told, is_ready=bool(name.strip()))
    elif act == "split":
        _split_fields(node, key)
    else:
        _target_fields(node, act, key)


def _split_fields(node: Category | None, key: str) -> None:
    text = st.text_area(
        _("New leaves, one a line: name | English name: words in titles"),
        key=f"{key}.leaves",
        height=120,
        placeholder=_("Jeans | Jeans: jeans, denim\nOther trousers"),
        help=_(
            "A product whose title has a word of one leaf goes there. The one line without words takes all others. "
            "Korean words are found anywhere in a title, others as whole words."
        ),
    )
    below = st.toggle(_("Keep the category above the new leaves"), key=f"{key}.below")
    _preview_button(node, "split", (acts.parse_leaves(text), below), is_ready=bool(text.strip()))


def _target_fields(node: Category | None, act: str, key: str) -> None:
    words = {
        "move": _("Below which category?"),
        "merge": _("Into which category?"),
        "retire": _("Who takes over its products? (not needed when it has none)"),
    }
    inner_first = act == "move" or (node is not None and not node.is_leaf)  # leaves would mostly be refused
    category_picker(f"{key}.picker", words[act], browse=False, pick_inner=True, on_pick=_pick, inner_first=inner_first)
    target = load_categories(runtime()).get(st.session_state.get(TARGET) or 0)
    if target is not None:
        st.markdown(_("Chosen: {category}").format(category=f"**{escape(_path(target))}**"))
    with st.container(horizontal=True):
        _preview_button(node, act, (target.id if target else None,), is_ready=act == "retire" or target is not None)
        if act == "move" and node is not None and node.parent_id is not None:
            st.button(
                _("Make it a category of the first level"),
                key=f"{key}.top",
                on_click=_look,
                args=(node.id, act, (None,)),
            )


def _pick(category_id: int) -> None:
    st.session_state[TARGET] = category_id
    st.session_state.pop(PLAN, None)


def _preview_button(node: Category | None, act: str, told: tuple[Any, ...], is_ready: bool) -> None:
    st.button(
        _("See what it touches"),
        key=f"{KEY}.look.{act}",
        icon=":material/visibility:",
        on_click=_look,
        args=(node.id if node else None, act, told),
        disabled=not is_ready,
    )


def _look(node_id: int | None, act: str, told: tuple[Any, ...]) -> None:
    st.session_state.pop(PLAN, None)
    try:
        shown = LOOK[act](runtime(), node_id, *told)
    except AppError as error:
        st.session_state[PROBLEM] = escape(error_text(error))
    else:
        st.session_state[PLAN] = Asked(node_id, act, told, shown)


def _confirm(asked: Asked) -> None:
    with st.container(border=True):
        st.markdown(f"**{escape(sentence(*say_edit(asked.preview.kind, asked.preview.words)))}**")
        st.markdown("\n".join(f"- {escape(sentence(*said))}" for said in say_preview(asked.preview)))
        is_needed = asked.preview.kind in NEEDS_REASON
        label = _("Why? It stays in the history.") if is_needed else _("Why? (may stay empty)")
        st.text_input(label, key=REASON, max_chars=2_000)
        if asked.act == "split" and may(actor(), Action.EDIT_CAMPAIGNS):
            st.checkbox(
                _("Make the campaign at once"),
                value=True,
                key=WITH_CAMPAIGN,
                help=_("Of the products that want a person to look at them again, if there are any."),
            )
        with st.container(horizontal=True):
            st.button(_("Do it"), key=f"{KEY}.do", type="primary", icon=":material/check:", on_click=_do)
            st.button(_("Leave it"), key=f"{KEY}.leave", on_click=_forget)


def _do() -> None:
    asked: Asked = st.session_state[PLAN]
    reason = st.session_state.get(REASON, "")
    try:
        edit = DO[asked.act](runtime(), actor(), asked.node_id, *asked.told, reason=reason, token=asked.preview.token)
    except AppError as error:
        st.session_state[PROBLEM] = escape(error_text(error))
        return
    _forget()
    st.session_state[REASON] = ""
    tell_result(edit)
    if asked.act == "split" and st.session_state.get(WITH_CAMPAIGN):
        make_campaign_of(edit)


def _path(category: Category) -> str:
    return category.path_en if language() == "en" and category.path_en else category.path
