"""Paths that files still say though the tree was edited: renamed, moved and merged categories by their old names."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from db import categories, taxonomy_edits

SEPARATOR = " > "
MAX_STEPS = 20  # renames that one path is followed through

Names = tuple[str, ...]


def follow_edits(session: Session, paths: Mapping[Names, Names]) -> dict[Names, Names]:
    """The values of `paths`, each by the names of today; what no edit touched stays as it is.

    A path that is in use means itself, whatever was called so earlier.
    """
    known = categories.find_by_paths(
        session, {SEPARATOR.join(path[:depth]) for path in paths.values() for depth in range(1, len(path) + 1)}
    )
    odd = {path for path in paths.values() if not _is_plain(path, known)}
    former = _FormerPaths(session) if odd else None
    return {given: former.follow(path) if former and path in odd else path for given, path in paths.items()}


def _is_plain(path: Names, known: Mapping[str, categories.KnownNode]) -> bool:
    nodes = [known.get(SEPARATOR.join(path[:depth])) for depth in range(1, len(path) + 1)]
    return all(node is not None and not (node.is_retired and node.merged_into_id is not None) for node in nodes)


class _FormerPaths:
    """The whole tree and what its categories were called, looked up only when a path is not there as it is."""

    def __init__(self, session: Session) -> None:
        self._nodes = taxonomy_edits.map_nodes(session)
        self._id_of = {node.path: id_ for id_, node in self._nodes.items()}
        self._former = taxonomy_edits.map_former_paths(session)

    def follow(self, path: Names) -> Names:
        for _ in range(MAX_STEPS):
            step = self._step(path)
            if step is None:
                break
            path = step
        return path

    def _step(self, path: Names) -> Names | None:
        """The path after one edit; none when it stands as it is. The longest part that is known decides."""
        for depth in range(len(path), 0, -1):
            key = SEPARATOR.join(path[:depth])
            id_ = self._id_of.get(key)
            if id_ is not None:
                node = self._nodes[id_]
                target = self._nodes.get(node.merged_into_id or 0)
                if not node.is_retired or target is None:
                    return None
                return (*target.path.split(SEPARATOR), *path[depth:])
            renamed = self._nodes.get(self._former.get(key, 0))
            if renamed is not None and not renamed.is_retired:
                return (*renamed.path.split(SEPARATOR), *path[depth:])
            if renamed is not None and renamed.merged_into_id is not None:
                return (*self._nodes[renamed.merged_into_id].path.split(SEPARATOR), *path[depth:])
        return None
