"""What the codes of a file's category column mean: by a taxonomy file, else by the codes the tree itself knows."""

from collections.abc import Mapping
from pathlib import Path

from core.catalogue.columns import looks_like_code
from core.catalogue.import_options import ImportOptions
from core.catalogue.taxonomy import SEPARATOR, Names, load_taxonomy
from core.catalogue.taxonomy_edits.meaning import resolve
from core.runtime import Runtime


def find_codes(runtime: Runtime, options: ImportOptions) -> Mapping[str, Names] | None:
    """Code -> path; None when the category column holds no codes. Raises InvalidInput, UnreadableFile."""
    if options.taxonomy:
        from core.catalogue.taxonomy_importing import read_taxonomy_codes

        return read_taxonomy_codes(Path(options.taxonomy))
    headings = options.columns.get("category", ())
    return _codes_of_tree(runtime) if len(headings) == 1 and looks_like_code(headings[0]) else None


def _codes_of_tree(runtime: Runtime) -> dict[str, Names]:
    """The codes of leaves in use, and of those merged into one; a code that two leaves share says nothing."""
    tree = load_taxonomy(runtime).categories
    paths: dict[str, set[str]] = {}
    merged: dict[str, set[str]] = {}
    for category in tree.values():
        meant = tree.get(resolve(tree, category.id) or 0)
        if category.code and meant is not None and meant.is_leaf:
            found = paths if meant is category else merged
            found.setdefault(category.code, set()).add(meant.path)
    return {code: tuple(min(found).split(SEPARATOR)) for code, found in (merged | paths).items() if len(found) == 1}
