"""Which leaf of the tree an answer of Label Studio means: by its whole path, else by its name."""

from core.catalogue.rejects import Reason
from core.catalogue.taxonomy import SEPARATOR, clean_path, load_categories
from core.catalogue.values import Bad
from core.errors import N_, InvalidInput
from core.runtime import Runtime

NO_CATEGORY = N_("No leaf of the category tree is called '{value}'. Add it on the Taxonomy page and import again.")
AMBIGUOUS = N_("{n} leaves are called '{value}'. Label with whole paths (a > b > c) in Label Studio.")


class Leaves:
    """From what Label Studio calls a category to the leaf in use."""

    def __init__(self, runtime: Runtime) -> None:
        leaves = [one for one in load_categories(runtime).values() if one.is_leaf and one.retired_at is None]
        self._of_path = {one.path: one.id for one in leaves}
        self._of_name: dict[str, list[int]] = {}
        for one in leaves:
            self._of_name.setdefault(one.name, []).append(one.id)

    def find(self, names: tuple[str, ...]) -> int | Bad:
        """The id of the leaf of this path, or of this name; or why there is none."""
        parts = names[0].split(SEPARATOR) if len(names) == 1 else list(names)
        try:
            path = SEPARATOR.join(clean_path(parts))
        except InvalidInput as error:
            return Bad(Reason(error.template, error.values))
        if path in self._of_path:
            return self._of_path[path]
        alike = self._of_name.get(path, [])
        if len(alike) == 1:
            return alike[0]
        return Bad(
            Reason(AMBIGUOUS, {"n": len(alike), "value": path}) if alike else Reason(NO_CATEGORY, {"value": path})
        )
