"""Which leaf of the tree an answer of Label Studio means today: by its whole path, else by its name."""

from sqlalchemy.orm import Session

from core.catalogue.former_paths import follow_edits
from core.catalogue.rejects import Reason
from core.catalogue.taxonomy import SEPARATOR, clean_path, load_categories
from core.catalogue.taxonomy_edits.meaning import resolve
from core.catalogue.values import Bad
from core.errors import N_, InvalidInput
from core.runtime import Runtime

NO_CATEGORY = N_("No leaf of the category tree is called '{value}'. Add it on the Taxonomy page and import again.")
AMBIGUOUS = N_("{n} leaves are called '{value}'. Label with whole paths (a > b > c) in Label Studio.")


class Leaves:
    """From what Label Studio calls a category to the leaf in use. Edits of the tree are followed, as for products."""

    def __init__(self, runtime: Runtime, session: Session) -> None:
        self._session = session
        self._tree = load_categories(runtime)
        self._of_path = {one.path: one.id for one in self._tree.values()}
        self._of_name: dict[str, list[int]] = {}
        for one in self._tree.values():
            if self._is_usable(one.id):
                self._of_name.setdefault(one.name, []).append(one.id)
        self._former: dict[tuple[str, ...], int | None] = {}

    def find(self, names: tuple[str, ...]) -> int | Bad:
        """The id of the leaf of this path, or of this name; or why there is none."""
        parts = names[0].split(SEPARATOR) if len(names) == 1 else list(names)
        try:
            cleaned = clean_path(parts)
        except InvalidInput as error:
            return Bad(Reason(error.template, error.values))
        path = SEPARATOR.join(cleaned)
        found = self._of_path.get(path)
        if found is not None and self._is_usable(found):
            return found
        alike = self._of_name.get(path, [])
        if len(alike) == 1:
            return alike[0]
        if alike:
            return Bad(Reason(AMBIGUOUS, {"n": len(alike), "value": path}))
        former = self._follow(cleaned)
        return Bad(Reason(NO_CATEGORY, {"value": path})) if former is None else former

    def today(self, category_id: int | None) -> int | None:
        """What a category of before an edit means today; itself where it means nothing any more."""
        meant = None if category_id is None else resolve(self._tree, category_id)
        return category_id if meant is None else meant

    def _follow(self, path: tuple[str, ...]) -> int | None:
        """The leaf that a path became which was renamed, moved, merged or split."""
        if path not in self._former:
            found = self._of_path.get(SEPARATOR.join(follow_edits(self._session, {path: path})[path]))
            meant = None if found is None else resolve(self._tree, found)
            self._former[path] = meant if meant is not None and self._is_usable(meant) else None
        return self._former[path]

    def _is_usable(self, category_id: int) -> bool:
        node = self._tree.get(category_id)
        return node is not None and node.is_leaf and node.retired_at is None
