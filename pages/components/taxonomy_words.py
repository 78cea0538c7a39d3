"""Edits of the tree as a page says them: in the person's language, paths too as far as the tree has them."""

from typing import Any

from core.catalogue.taxonomy_view import english_paths
from pages.components.context import runtime
from pages.components.words import _, language


def sentence(template: str, values: dict[str, Any]) -> str:
    """What core said of an edit. A path of before that no category has any more stays as it was."""
    if language() == "en":
        known = english_paths(runtime())
        values = {name: known.get(one, one) if isinstance(one, str) else one for name, one in values.items()}
    return _(template).format(**values)
