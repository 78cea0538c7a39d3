"""Taxonomy: the tree level by level, how to decide for a category, and taxonomy files."""

import streamlit as st

from core.catalogue.taxonomy_view import Level, get_level
from core.permissions import Action, may
from pages.components.category_flags import catch_all_finder
from pages.components.category_picker import category_picker
from pages.components.context import actor, runtime
from pages.components.messages import show_message
from pages.components.numbers import count_text
from pages.components.taxonomy_editor import taxonomy_editor
from pages.components.taxonomy_history import taxonomy_history
from pages.components.taxonomy_node import taxonomy_node
from pages.components.taxonomy_upload import has_outcome, taxonomy_upload
from pages.components.taxonomy_version import has_plan, taxonomy_version
from pages.components.words import _, escape


def go_to(category_id: int | None) -> None:
    if category_id is None:
        st.query_params.pop("category", None)
    else:
        st.query_params["category"] = str(category_id)


def current_id() -> int | None:
    text = st.query_params.get("category", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def render_empty() -> None:
    st.info(
        _(
            "There are no categories yet. Import a taxonomy file here, or import products that carry their "
            "category: the tree grows with them."
        ),
        icon=":material/account_tree:",
    )
    taxonomy_upload("taxonomy.upload")


def render_trail(level: Level) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        if level.node is None:
            top = _("All categories")
            st.markdown(f"**{top}**")
        else:
            st.button(_("All categories"), key="taxonomy.top", type="tertiary", on_click=go_to, args=(None,))
        for step in level.trail:
            st.markdown("›")
            if level.node and step.id == level.node.id:
                st.markdown(f"**{escape(step.name)}**")
            else:
                st.button(
                    escape(step.name),
                    key=f"taxonomy.step.{step.id}",
                    type="tertiary",
                    on_click=go_to,
                    args=(step.id,),
                )


def render_children(level: Level) -> None:
    """A table of what lies under the node; a click on a cell goes there. Columns without anything are left out."""
    key = f"taxonomy.children.{level.node.id if level.node else 0}"
    rows = [
        {
            _("Category"): branch.category.name,
            _("English name"): branch.category.name_en or "",
            _("Leaves"): branch.n_leaves,
            _("Products"): branch.n_products,
            _("Guidelines"): "✓" if branch.category.guidelines else "",
            _("Catch-all"): "✓" if branch.category.is_catch_all else "",
            _("Not suggested"): "" if branch.category.is_recommended else "✓",
            _("Code"): branch.category.code or "",
        }
        for branch in level.children
    ]
    filled = [name for name in rows[0] if any(row[name] != "" for row in rows)]

    def choose() -> None:
        chosen = st.session_state[key]["selection"]["cells"]
        if chosen:
            go_to(level.children[chosen[0][0]].category.id)

    st.dataframe(
        [{name: row[name] for name in filled} for row in rows],
        key=key,
        hide_index=True,
        on_select=choose,
        selection_mode="single-cell",
        height="content" if len(rows) <= 20 else 640,
        column_config={
            _("Category"): st.column_config.TextColumn(width="medium" if level.node else "large"),
            _("Leaves"): st.column_config.NumberColumn(format="localized"),
            _("Products"): st.column_config.NumberColumn(format="localized"),
        },
    )


def page() -> None:
    show_message()
    level = get_level(runtime(), current_id())
    if level.is_empty:
        render_empty()
        return
    st.caption(
        _("{categories} categories, {leaves} of them leaves; {products} products carry one.").format(
            categories=count_text(level.n_categories),
            leaves=count_text(level.n_leaves),
            products=count_text(level.n_products),
        )
    )
    category_picker("taxonomy.picker", browse=False, pick_inner=True, on_pick=go_to)
    render_trail(level)
    table, side = st.columns([3, 2], gap="medium") if level.node and level.children else (st.container(),) * 2
    with side:
        taxonomy_node(level.node)
    if level.children:
        with table:
            render_children(level)
    taxonomy_editor(level.node)
    taxonomy_history()
    catch_all_finder()
    if not may(actor(), Action.EDIT_TAXONOMY):
        return  # no offers that end in a refusal
    with st.expander(
        _("Import a taxonomy file"), icon=":material/upload_file:", expanded=has_outcome("taxonomy.upload")
    ):
        taxonomy_upload("taxonomy.upload")
    with st.expander(
        _("Take over a new version of the tree"), icon=":material/published_with_changes:", expanded=has_plan()
    ):
        taxonomy_version()


page()
