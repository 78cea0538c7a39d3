"""A category named on a command line: by id, by path, or by an end of its path."""

from core.catalogue.taxonomy import SEPARATOR, load_categories
from core.errors import InvalidInput, UnknownCategory
from core.runtime import Runtime


def category_of_words(runtime: Runtime, words: str, inner: bool = False) -> int:
    """The category of an id, a whole path, or an end of a path that only one category in use has.

    Only leaves are looked at, unless `inner`. Raises UnknownCategory, InvalidInput where several may be meant.
    """
    if words.isdecimal():
        return int(words)
    wanted = SEPARATOR.join(part.strip() for part in words.split(SEPARATOR.strip()))
    known = [one for one in load_categories(runtime).values() if (inner or one.is_leaf) and one.retired_at is None]
    ends = [one for one in known if f"{SEPARATOR}{one.path}".endswith(f"{SEPARATOR}{wanted}")]
    found = [one for one in ends if one.path == wanted] or ends
    if len(found) > 1:
        paths = "; ".join(f"{one.path} ({one.id})" for one in found[:5])
        raise InvalidInput(f"'{words}' may be any of: {paths}")
    if not found:
        what = "category" if inner else "leaf"
        raise UnknownCategory(f"There is no {what} '{words}'. Look for it: cli.py search-categories WORDS")
    return found[0].id
