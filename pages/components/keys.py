"""The keyboard of a page that decides: what the buttons' shortcuts leave open, and the overlay that lists the keys."""

from pathlib import Path

import streamlit as st

from pages.components.words import N_, _

_HERE = Path(__file__).parent
_HTML = "<button type='button'><kbd>?</kbd> <span></span></button><dialog><h2></h2><dl></dl></dialog>"
_component = st.components.v2.component(
    "shelfwright.keys",
    html=_HTML,
    css=(_HERE / "keys.css").read_text("utf-8"),
    js=(_HERE / "keys.js").read_text("utf-8"),
)
_SEARCH = ("/", N_("search a category; arrows and Enter choose, Esc leaves"))
_NOTE = ("Esc", N_("leave the note; it is kept"))
LABEL = (
    ("1 – 9", N_("take this suggestion")),
    ("Enter", N_("accept the first suggestion")),
    _SEARCH,
    ("A", N_("also fits: the next choice is a further category, nothing is decided")),
    ("D", N_("copy the next label to the near-duplicates beside the card")),
    ("S", N_("skip: others get it first, you again at the end")),
    ("F", N_("cannot tell from what is shown")),
    ("B", N_("bad listing: no product, wrong picture, nonsense")),
    ("Z", N_("undo your last decision")),
    _NOTE,
)
REVIEW = (
    ("1 – 9", N_("settle it as this: gold")),
    _SEARCH,
    ("S", N_("later: the next one first")),
    ("F", N_("nobody can tell: set aside, no gold")),
    ("B", N_("bad listing: set aside, no gold")),
    ("Z", N_("undo your last settlement")),
    _NOTE,
)
BULK = (
    ("Ctrl+Enter", N_("decide all that is ticked")),
    ("Tab, Space", N_("go through the products, tick or untick")),
    ("/", N_("search another category for all that is ticked")),
    ("X", N_("reject all: exceptions are decided, the rest come at the end")),
    ("Z", N_("take the whole last lot back")),
    ("Esc", N_("leave a field")),
)


def keyboard(page: str, keys: tuple[tuple[str, str], ...]) -> None:
    """Mount it once on the page, whose widgets' keys begin with `page`. `keys`: as printed, and what each does.

    It presses the button that has the key printed on it, and sends nothing to the server.
    """
    listed = [[key, _(text)] for key, text in (*keys, ("?", N_("this list")))]
    _component(
        key=f"{page}.keys",
        width="content",
        data={"open": _("Keys"), "title": _("Keys of this page"), "keys": listed},
    )
