"""The pages there are, and who finds which in the menu. A new page is one line here."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.permissions import Action, may
from pages.components.context import ACTOR_KEY
from pages.components.role_words import role_text
from pages.components.words import N_, _

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage


@dataclass(frozen=True)
class Entry:
    """A page: its file in `pages`, its title, its icon, and the right that opens it (none: everybody)."""

    name: str
    title: str
    icon: str
    action: Action | None = None


SECTIONS: dict[str, tuple[Entry, ...]] = {
    N_("Work"): (
        Entry("overview", N_("Overview"), "dashboard"),
        Entry("label", N_("Label"), "label", Action.LABEL),
        Entry("review", N_("Review"), "gavel", Action.REVIEW),
        Entry("bulk", N_("Many at once"), "grid_view", Action.LABEL),
        Entry("campaigns", N_("Campaigns"), "format_list_numbered", Action.EDIT_CAMPAIGNS),
    ),
    N_("Catalogue"): (
        Entry("products", N_("Products"), "inventory_2", Action.SEE_ANALYSIS),
        Entry("taxonomy", N_("Taxonomy"), "account_tree"),
        Entry("import_data", N_("Import"), "upload_file", Action.IMPORT),
        Entry("exports", N_("Export"), "download", Action.EXPORT),
    ),
    N_("Model"): (
        Entry("training", N_("Training"), "model_training", Action.SEE_ANALYSIS),
        Entry("experiment", N_("Experiment"), "science", Action.SEE_ANALYSIS),
        Entry("compare", N_("Compare"), "compare_arrows", Action.SEE_ANALYSIS),
        Entry("error_rates", N_("People and model"), "balance", Action.SEE_ANALYSIS),
    ),
    N_("Team"): (
        Entry("people", N_("People"), "group"),
        Entry("audit", N_("Audit trail"), "history", Action.SEE_AUDIT),
    ),
}
WITHOUT_HEADING = ("label", "review")  # their cards need the height


class Navigation:
    """The menu as drawn for who is here, and the page they asked for."""

    def __init__(self, is_shown: bool = True) -> None:
        """Every page has its address, also those that the menu leaves out: who follows a link is told why."""
        self._entries: dict[str, Entry] = {}
        pages = {_(section): [self._page(entry) for entry in entries] for section, entries in SECTIONS.items()}
        self.page: StreamlitPage = st.navigation(pages, position="sidebar" if is_shown else "hidden", expanded=True)
        self.entry = self._entries[self.page.title]

    def _page(self, entry: Entry) -> "StreamlitPage":
        title = _(entry.title)
        self._entries[title] = entry
        return st.Page(
            f"pages/{entry.name}.py",
            title=title,
            icon=f":material/{entry.icon}:",
            default=entry.name == "overview",
            visibility="visible" if _is_open(entry) else "hidden",
        )

    def run(self) -> None:
        """The page, or a sentence for whom it is not."""
        is_open = _is_open(self.entry)
        if not is_open or self.entry.name not in WITHOUT_HEADING:
            st.subheader(self.page.title, anchor=False)
        if is_open:
            self.page.run()
            return
        role = role_text(st.session_state[ACTOR_KEY].role)
        st.info(_("Your role ({role}) does not include this page. An admin can change that.").format(role=role))


def _is_open(entry: Entry) -> bool:
    """Before somebody signed in everything is in the menu: each page asks for the name first."""
    actor = st.session_state.get(ACTOR_KEY)
    return entry.action is None or actor is None or may(actor, entry.action)


def may_open(name: str) -> bool:
    """Whether the page of this file is for who is here: for links that would lead to a refusal."""
    return any(_is_open(entry) for entries in SECTIONS.values() for entry in entries if entry.name == name)
