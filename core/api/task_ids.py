"""Tasks under names that tell nothing: numbers in a row would show which card was made for one person alone."""

import hashlib
import os
import re
import secrets
from pathlib import Path

from core.errors import N_, NotFound

ROUNDS = 4  # of a Feistel network: with a keyed hash in each a strong permutation of 64 bits
_HALF = 0xFFFFFFFF
_NAME = re.compile(r"[0-9a-f]{16}")


class TaskIds:
    """A keyed permutation of ids: the same name for a task in every process that has the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def name(self, task_id: int) -> str:
        """16 hexadecimal digits."""
        left, right = task_id >> 32, task_id & _HALF
        for step in range(ROUNDS):
            left, right = right, left ^ self._mix(step, right)
        return f"{left:08x}{right:08x}"

    def id_of(self, name: str) -> int:
        """The task's id. Raises NotFound for what no task is called."""
        if not _NAME.fullmatch(name):
            raise NotFound(N_("There is no task '{name}'."), name=name)
        left, right = int(name[:8], 16), int(name[8:], 16)
        for step in reversed(range(ROUNDS)):
            left, right = right ^ self._mix(step, left), left
        if left >> 31:  # no id is that large: the name was made up
            raise NotFound(N_("There is no task '{name}'."), name=name)
        return left << 32 | right

    def _mix(self, step: int, half: int) -> int:
        said = hashlib.blake2b(half.to_bytes(4), digest_size=4, key=self._key, salt=bytes([step]))
        return int.from_bytes(said.digest())


def open_task_ids(data_dir: Path) -> TaskIds:
    """With the key in the data folder, made on first use; right when two processes ask at once."""
    path = data_dir / "task-names.key"
    fresh = path.with_suffix(f".{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        fresh.touch(mode=0o600)
        fresh.write_bytes(secrets.token_bytes(32))
        try:
            os.link(fresh, path)  # refuses to replace another's
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return TaskIds(path.read_bytes())
