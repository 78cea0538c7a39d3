"""The keyboard of the labeling page: what the buttons' shortcuts leave open, and the overlay that lists the keys."""

from pathlib import Path

import streamlit as st

from pages.components.words import _

_HERE = Path(__file__).parent
_HTML = "<button type='button'><kbd>?</kbd> <span></span></button><dialog><h2></h2><dl></dl></dialog>"
_component = st.components.v2.component(
    "shelfwright.keys",
    html=_HTML,
    css=(_HERE / "keys.css").read_text("utf-8"),
    js=(_HERE / "keys.js").read_text("utf-8"),
)


def keyboard() -> None:
    """Mount it once on the page. It sends nothing to the server."""
    _component(
        key="label.keys",
        width="content",
        data={
            "open": _("Keys"),
            "title": _("Keys of this page"),
            "keys": [
                ["1 – 9", _("take this suggestion")],
                ["Enter", _("accept the first suggestion")],
                ["/", _("search a category; arrows and Enter choose, Esc leaves")],
                ["A", _("also fits: the next choice is a further category, nothing is decided")],
                ["D", _("copy the next label to the near-duplicates beside the card")],
                ["S", _("skip: others get it first, you again at the end")],
                ["F", _("cannot tell from what is shown")],
                ["B", _("bad listing: no product, wrong picture, nonsense")],
                ["Z", _("undo your last decision")],
                ["Esc", _("leave the note; it is kept")],
                ["?", _("this list")],
            ],
        },
    )
