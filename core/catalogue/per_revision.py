"""Something costly made once per revision of the database and shared by all threads of this process."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from core.runtime import Runtime
from db.people import get_revisions
from db.session import Sessions

T = TypeVar("T")


class PerRevision(Generic[T]):
    """`get(runtime)` costs one small query while the revision `name` stands still, else it makes anew.

    What is made must not be changed by those who get it. Nobody waits except for a making.
    """

    def __init__(self, name: str, make: Callable[[Runtime, Session], T]) -> None:
        self._name, self._make = name, make
        self._made: WeakKeyDictionary[Sessions, tuple[int, T]] = WeakKeyDictionary()
        self._making = threading.Lock()

    def get(self, runtime: Runtime) -> T:
        with runtime.sessions.read() as session:
            (number,) = get_revisions(session, self._name)
        made = self._made.get(runtime.sessions)
        if made is not None and made[0] == number:
            return made[1]
        with self._making:
            made = self._made.get(runtime.sessions)
            if made is not None and made[0] >= number:
                return made[1]
            with runtime.sessions.read() as session:
                # The number first: what is read after it is as new or newer, never older.
                (number,) = get_revisions(session, self._name)
                value = self._make(runtime, session)
            self._made[runtime.sessions] = (number, value)
            return value
