"""Which older categories a category comes of, so that a training that begins warm goes on through edits of the tree."""

from collections.abc import Iterable

from core.runtime import Runtime
from db.category_lineage import list_lineage


def find_descent(runtime: Runtime, class_ids: Iterable[int]) -> dict[int, list[int]]:
    """Category id -> the ids that merges, splits and new versions of the tree made it from, over any number of edits.

    An edit that was undone counts both ways: a version may have been trained while it held.
    """
    with runtime.sessions.read() as session:
        edges = list_lineage(session)
    sources: dict[int, list[int]] = {}
    for source, target in edges:
        sources.setdefault(target, []).append(source)
    descent = {class_id: _ancestors(class_id, sources) for class_id in class_ids if class_id in sources}
    return {class_id: found for class_id, found in descent.items() if found}


def _ancestors(class_id: int, sources: dict[int, list[int]]) -> list[int]:
    found: dict[int, None] = {}
    waiting = list(sources[class_id])
    while waiting:
        source = waiting.pop()
        if source != class_id and source not in found:
            found[source] = None
            waiting += sources.get(source, [])
    return sorted(found)
