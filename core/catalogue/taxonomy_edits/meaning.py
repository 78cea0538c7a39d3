"""What a category that was merged, split or retired means today: for whatever still names it."""

from collections.abc import Iterable, Mapping

from core.catalogue.taxonomy import Category


def resolve(categories: Mapping[int, Category], category_id: int) -> int | None:
    """The category that this one means today: itself while it is in use, what it was merged into, else none.

    `categories` is the whole tree by id (`load_categories`). Of a category that was split its default leaf is meant.
    """
    seen: set[int] = set()
    node = categories.get(category_id)
    while node is not None and node.id not in seen:
        if node.merged_into_id is None:
            return node.id if node.retired_at is None else None
        seen.add(node.id)
        node = categories.get(node.merged_into_id)
    return None


def resolve_ranking(
    categories: Mapping[int, Category], ranking: Iterable[tuple[int, float]]
) -> tuple[tuple[int, float], ...]:
    """A model's (category id, probability 0..1), best first, in categories of today.

    Two that were merged are one with the sum of both; one that was retired with nothing in its place is left out.
    """
    found: dict[int, float] = {}
    for category_id, probability in ranking:
        meant = resolve(categories, int(category_id))
        if meant is not None:
            found[meant] = found.get(meant, 0.0) + float(probability)
    return tuple(sorted(found.items(), key=lambda one: -one[1]))
