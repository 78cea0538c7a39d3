"""A new version of the whole tree: two files, what would become of what, and the button that does it."""

import re
import tempfile
from pathlib import Path
from typing import Any

import streamlit as st

from core.catalogue.files import FORMATS
from core.catalogue.taxonomy_importing import TaxonomyOptions
from core.catalogue.taxonomy_versions.apply import apply_version
from core.catalogue.taxonomy_versions.plan import Change, VersionPlan, plan_version
from core.errors import AppError
from core.permissions import Action, may
from pages.components.context import actor, runtime
from pages.components.file_field import speak_in_file_fields
from pages.components.messages import say
from pages.components.numbers import count_text
from pages.components.words import N_, _, error_text, escape

PLAN = "taxonomy.version.plan"
SHOWN = 200
KINDS = {
    "moved": (N_("Moved or renamed"), N_("Under another path. Labels and rules stay with them.")),
    "merged": (N_("Merged"), N_("Their products go to the category they become.")),
    "split": (N_("Split"), N_("They became several. They stay in use until people have decided their products again.")),
    "refined": (
        N_("No leaf any more"),
        N_("They get categories below them. Their products wait in a leaf of the same name until people decide."),
    ),
    "dropped": (N_("Dropped"), N_("Not in the new version, and no product has them. They are retired.")),
    "unmapped": (
        N_("Unmapped"),
        N_("Not in the new version, but products have them and no row of the mapping says where to. They stay in use."),
    ),
}


def taxonomy_version() -> None:
    """Files first; then the comparison with a reason and the act. Nothing is changed before that."""
    if not may(actor(), Action.EDIT_TAXONOMY):
        st.caption(_("Your role does not allow changing the taxonomy."))
        return
    st.caption(
        _(
            "The file of the whole new tree, and a mapping with an old and a new category a row (such as src and dst). "
            "You see what becomes of every category before anything is changed, and it can be undone."
        )
    )
    speak_in_file_fields()
    with st.form("taxonomy.version.form", border=False):
        left, right = st.columns(2)
        types = [*(name[1:] for name in FORMATS), "gz"]
        tree = left.file_uploader(_("New version of the tree"), type=types, key="taxonomy.version.tree")
        mapping = right.file_uploader(_("Mapping from old to new (optional)"), type=types, key="taxonomy.version.map")
        pressed = st.form_submit_button(_("Compare"), icon=":material/difference:", type="primary")
    if pressed and tree is None:
        st.warning(_("Choose the file of the new tree first."))
    elif pressed:
        with st.spinner(_("Comparing")):
            st.session_state[PLAN] = _compare(tree, mapping)
    if PLAN in st.session_state:
        _show(*st.session_state[PLAN])


def has_plan() -> bool:
    """Whether two versions are being compared in this session."""
    return PLAN in st.session_state


def _compare(tree: Any, mapping: Any) -> tuple[str, VersionPlan | str]:
    with tempfile.TemporaryDirectory(prefix="shelfwright-") as folder:
        try:
            tree_file = _kept(Path(folder) / "tree", tree)
            mapping_file = _kept(Path(folder) / "mapping", mapping) if mapping else None
            return tree.name, plan_version(runtime(), actor(), tree_file, mapping_file, TaxonomyOptions())
        except AppError as error:
            return tree.name, error_text(error)


def _kept(folder: Path, upload: Any) -> Path:
    folder.mkdir()
    path = folder / re.sub(r"[^\w.\- ]", "_", Path(upload.name).name)[-80:]
    path.write_bytes(upload.getbuffer())
    return path


def _show(file_name: str, plan: VersionPlan | str) -> None:
    if isinstance(plan, str):
        st.error(escape(plan), icon=":material/error:")
        return
    counts = plan.counts
    named = [(_(label), counts[kind]) for kind, (label, _help) in KINDS.items()]
    numbers = [(_("Unchanged"), counts["kept"]), (_("New"), counts["added"]), *named]
    st.markdown(" · ".join(f"{label} **{count_text(n)}**" for label, n in numbers))
    for kind, (label, help_text) in KINDS.items():
        changes: tuple[Change, ...] = getattr(plan, kind)
        if changes:
            with st.expander(f"{_(label)} ({count_text(len(changes))})", expanded=kind in ("unmapped", "split")):
                st.caption(_(help_text))
                _table(changes)
    if plan.added:
        new = _("New")
        with st.expander(f"{new} ({count_text(len(plan.added))})"):
            st.dataframe([{_("Category"): " > ".join(path)} for path in plan.added[:SHOWN]], hide_index=True)
    if plan.rejects:
        st.warning(_("{n} rows cannot be used.").format(n=count_text(len(plan.rejects))), icon=":material/warning:")
        st.dataframe(
            [
                {
                    _("Line"): reject.line,
                    _("Column"): reject.column or "",
                    _("Value"): reject.value or "",
                    _("Reason"): _(reject.reason.template).format(**reject.reason.values),
                }
                for reject in plan.rejects[:SHOWN]
            ],
            hide_index=True,
        )
    with st.form("taxonomy.version.apply", border=False):
        st.text_input(_("Reason"), key="taxonomy.version.reason", max_chars=2_000)
        left, right = st.columns([1, 3])
        left.form_submit_button(
            _("Take this version over"),
            type="primary",
            on_click=_apply,
            args=(file_name, plan),
            key="taxonomy.version.do",
        )
        right.form_submit_button(_("Leave it"), on_click=_forget, key="taxonomy.version.leave")


def _table(changes: tuple[Change, ...]) -> None:
    rows = [
        {
            _("Category"): change.path,
            _("Becomes"): " | ".join(change.targets),
            _("Products"): change.n_products,
        }
        for change in changes[:SHOWN]
    ]
    st.dataframe(rows, hide_index=True)
    if len(changes) > SHOWN:
        st.caption(_("The first {n} are shown.").format(n=SHOWN))


def _forget() -> None:
    st.session_state.pop(PLAN, None)


def _apply(file_name: str, plan: VersionPlan) -> None:
    try:
        edit = apply_version(runtime(), actor(), plan, file_name, reason=st.session_state["taxonomy.version.reason"])
    except AppError as error:
        say(error_text(error))
        return
    _forget()
    say(
        _("The new version is taken over: {n} products relabeled, {m} to look at again.").format(
            n=count_text(edit.n_products), m=count_text(edit.n_to_review)
        )
    )
