"""One category beside the tree: its facts, what became of it, how to decide for it."""

import streamlit as st

from core.catalogue.taxonomy import Category, load_categories
from core.catalogue.taxonomy_edits.meaning import resolve
from core.catalogue.taxonomy_view import list_parts
from pages.components.card_view import category_path
from pages.components.category_flags import category_flags
from pages.components.context import runtime
from pages.components.guidelines_editor import guidelines_editor
from pages.components.taxonomy_examples import taxonomy_examples
from pages.components.words import _, escape, language


def taxonomy_node(node: Category | None) -> None:
    """Facts, what became of it, flags, guidelines and examples; nothing above the roots."""
    if node is None:
        return
    facts = [_("Leaf") if node.is_leaf else _("Inner node"), f"id {node.id}"]
    if node.name_en and language() == "ko":
        facts.append(escape(node.name_en))
    if node.code:
        facts.append(_("code {code}").format(code=escape(node.code)))
    if node.is_catch_all:
        facts.append(_("catch-all"))
    if not node.is_recommended:
        facts.append(_("not suggested"))
    if node.retired_at:
        facts.append(_("retired"))
    st.caption(" · ".join(facts))
    meant = resolve(load_categories(runtime()), node.id)
    parts = list_parts(runtime(), node.id) if node.retired_at and node.is_split else []
    if parts:
        names = ", ".join(f"'{category_path(part)}'" for part in parts)
        st.info(_("It was split into {parts}.").format(parts=escape(names)))
    elif node.retired_at and meant is not None:
        into = category_path(load_categories(runtime())[meant])
        st.info(_("Not in use any more: what says it means '{category}'.").format(category=escape(into)))
    if node.retired_at is None:
        category_flags(node)
        guidelines_editor(node)
    taxonomy_examples(node)
