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


def today(categories: Mapping[int, Category], category_ids: Iterable[int]) -> tuple[int, ...]:
    """What these categories mean today, each once; one that means nothing any more stays itself.

    One that was split and lies above its parts stays itself too: with all below it it is what it was.
    """
    found: dict[int, None] = {}
    for category_id in category_ids:
        node = categories.get(category_id)
        meant = resolve(categories, category_id) if node is not None and node.retired_at is not None else category_id
        found[category_id if meant is None else meant] = None
    return tuple(found)


def merged_below(categories: Mapping[int, Category], category_ids: Iterable[int]) -> tuple[int, ...]:
    """Retired categories that mean today one of these or one below them: a model of before answers with them."""
    wanted = set(category_ids)
    found = []
    for node in categories.values() if wanted else ():
        step = categories.get(node.merged_into_id) if node.retired_at and node.merged_into_id else None
        while step is not None:
            if step.id in wanted:
                found.append(node.id)
                break
            step = categories.get(step.parent_id) if step.parent_id is not None else None
    return tuple(id_ for id_ in found if id_ not in wanted)


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
