"""What the codes of a file's category column mean: by a taxonomy file, else by the codes the tree itself knows."""

from collections.abc import Mapping
from pathlib import Path

from core.catalogue.columns import looks_like_code
from core.catalogue.import_options import ImportOptions
from core.catalogue.taxonomy import SEPARATOR, Names, load_taxonomy
from core.runtime import Runtime


def find_codes(runtime: Runtime, options: ImportOptions) -> Mapping[str, Names] | None:
    """Code -> path; None when the category column holds no codes. Raises InvalidInput, UnreadableFile."""
    if options.taxonomy:
        from core.catalogue.taxonomy_importing import read_taxonomy_codes

        return read_taxonomy_codes(Path(options.taxonomy))
    headings = options.columns.get("category", ())
    return _codes_of_tree(runtime) if len(headings) == 1 and looks_like_code(headings[0]) else None


def _codes_of_tree(runtime: Runtime) -> dict[str, Names]:
    """The codes of leaves in use; one that two leaves share says nothing."""
    paths: dict[str, list[str]] = {}
    for category in load_taxonomy(runtime).categories.values():
        if category.code and category.is_leaf and category.retired_at is None:
            paths.setdefault(category.code, []).append(category.path)
    return {code: tuple(found[0].split(SEPARATOR)) for code, found in paths.items() if len(found) == 1}
