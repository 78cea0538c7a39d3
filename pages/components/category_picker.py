"""The category picker: type or browse, and get one category of thousands. The search stays on the server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from core.catalogue.search import CategoryHit, find_categories
from core.catalogue.taxonomy import SEPARATOR, Category, Taxonomy, load_taxonomy
from pages.components.context import runtime
from pages.components.words import _, language

_HERE = Path(__file__).parent
_LIMIT = 30
_HEIGHT = 40  # pixels, as in the CSS: kept free from the first moment, so that nothing moves when it appears

# Its assets are files of ours, read once; what comes from a database reaches the browser as data only. Both
# components run the one script, which Streamlit loads once a page because its text is the same.
_SCRIPT = (_HERE / "category_picker.js").read_text("utf-8")
_box_component = st.components.v2.component(
    "shelfwright.category_picker",
    html=(_HERE / "category_picker.html").read_text("utf-8"),
    css=(_HERE / "category_picker.css").read_text("utf-8"),
    js=_SCRIPT,
)
_line_component = st.components.v2.component("shelfwright.category_picker_line", js=_SCRIPT)


def category_picker(
    key: str,
    placeholder: str | None = None,
    browse: bool = True,
    pick_inner: bool = False,
    on_pick: Callable[[int], None] | None = None,
    inner_first: bool = False,
) -> int | None:
    """Draw the picker; the id of the category just picked, in the one run that follows the pick, else None.

    A pick reruns the enclosing fragment (or page); typing reruns only the picker. Only leaves can be picked
    unless `pick_inner`. `on_pick` is called with the id before that run, as other widgets' callbacks are; use
    it or the return value, not both. `browse` shows the tree while nothing is typed; `inner_first` lists leaves last
    of what is found. It sits not in a form.
    """
    with st.container(gap=None):
        result = _box_component(
            key=key,
            data={
                "role": "box",
                "key": key,
                "browse": browse,
                "pick_inner": pick_inner,
                "words": _words(placeholder),
            },
            height=_HEIGHT,
            on_picked_change=lambda: _forward(key, pick_inner, on_pick),
        )
        _line(key, inner_first)
    return _checked(result.get("picked"), pick_inner)


def _words(placeholder: str | None) -> dict[str, str]:
    return {
        "placeholder": placeholder or _("Search a category: any word, part of it, or its initials"),
        "list": _("Categories"),
        "top": _("All categories"),
        "some": _("{shown} of {total}"),
        "all": _("{total} found"),
        "nothing": _("Nothing like this. Try fewer letters, or clear the field to browse."),
        "empty": _("There are no categories yet. Import a taxonomy on the Taxonomy page."),
        "similar": _("similar"),
        "keys": _("↑ ↓ choose · Enter take · ← → levels · Esc leave"),
    }


def _checked(picked: object, pick_inner: bool) -> int | None:
    """What the browser says is only a number until the taxonomy knows it."""
    if not isinstance(picked, int):
        return None
    category = load_taxonomy(runtime()).categories.get(picked)
    if category is None or category.retired_at or not (category.is_leaf or pick_inner):
        return None
    return category.id


def _forward(key: str, pick_inner: bool, on_pick: Callable[[int], None] | None) -> None:
    category_id = _checked(st.session_state[key].get("picked"), pick_inner)
    if on_pick and category_id is not None:
        on_pick(category_id)


@st.fragment
def _line(key: str, inner_first: bool) -> None:
    """Invisible: carries what is typed to the server and the hits back, and reruns nothing else."""
    line = f"{key}.line"
    _line_component(
        key=line,
        data={"role": "line", "key": key, "answer": st.session_state.pop(f"{line}.answer", None)},
        on_request_change=lambda: _answer(line, inner_first),
    )


def _answer(line: str, inner_first: bool) -> None:
    request = st.session_state[line].get("request")
    if isinstance(request, dict) and isinstance(request.get("seq"), int):
        words = request.get("words")
        found = _search(words, inner_first) if isinstance(words, str) else _level(request.get("parent"))
        st.session_state[f"{line}.answer"] = {"seq": request["seq"], **found}


def _search(words: str, inner_first: bool) -> dict[str, Any]:
    found = find_categories(runtime(), words, _LIMIT)
    taxonomy = load_taxonomy(runtime())
    hits = sorted(found.hits, key=lambda hit: inner_first and hit.category.is_leaf)
    items = [_item(taxonomy, hit.category, hit) for hit in hits]
    return {"browsing": False, "items": items, "total": found.n_found, "trail": []}


def _level(parent_id: object) -> dict[str, Any]:
    taxonomy = load_taxonomy(runtime())
    node = taxonomy.categories.get(parent_id) if isinstance(parent_id, int) else None
    items = [_item(taxonomy, child) for child in taxonomy.children.get(node.id if node else None, ())]
    trail: list[dict[str, Any]] = []
    while node:
        trail.insert(0, {"id": node.id, "name": _name(node)})
        node = taxonomy.categories[node.parent_id] if node.parent_id else None
    return {"browsing": True, "items": items, "total": len(items), "trail": trail}


def _name(category: Category) -> str:
    return (category.name_en if language() == "en" else None) or category.name


def _item(taxonomy: Taxonomy, category: Category, hit: CategoryHit | None = None) -> dict[str, Any]:
    """A hit shows its whole path, a node of the level that is browsed its name; in small the other language's."""
    first, second = (category.path, category.path_en) if hit else (category.name, category.name_en)
    if second and language() == "en":
        first, second = second, first
    names = first.split(SEPARATOR) if hit else [first]
    return {
        "id": category.id,
        "above": names[:-1],
        "name": names[-1],
        "other": second if second != first else None,
        "leaf": category.is_leaf,
        "children": len(taxonomy.children.get(category.id, ())),
        "matched": hit.matched.value if hit else None,
    }
