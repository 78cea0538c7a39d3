"""Writers take turns; a decision waits for the disk, a lease does not."""

import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.runtime import Runtime
from db.session import Turns


def test_turns_come_in_the_order_of_asking() -> None:
    turns, order, asked = Turns(), [], [threading.Event() for _ in range(5)]

    def ask(i: int) -> None:
        asked[i].set()
        with turns.turn(30):
            order.append(i)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(5)]
    with turns.turn(30):
        for i, thread in enumerate(threads):
            thread.start()
            asked[i].wait()
            while len(turns._waiting) <= i:
                pass
        assert order == []
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_who_waited_too_long_goes_on_without_a_turn_and_disturbs_nobody() -> None:
    turns = Turns()
    with turns.turn(30):
        with turns.turn(0.01):
            pass
        assert turns._taken
    assert not turns._taken
    with turns.turn(0.01):
        assert turns._taken


def test_a_failed_write_gives_its_turn_back(runtime: Runtime) -> None:
    with pytest.raises(ZeroDivisionError), runtime.sessions.write():
        raise ZeroDivisionError
    with runtime.sessions.write() as session:
        assert session.scalar(sa.select(1)) == 1


def test_a_decision_waits_for_the_disk_and_a_lease_does_not(runtime: Runtime) -> None:
    is_sqlite = runtime.sessions.engine.dialect.name == "sqlite"

    def waits(session: Session) -> bool:
        if is_sqlite:
            return session.scalar(sa.text("PRAGMA synchronous")) == 2
        return session.scalar(sa.text("SHOW synchronous_commit")) == "on"

    for _ in range(2):
        with runtime.sessions.write(durable=False) as session:
            assert not waits(session)
        with runtime.sessions.write() as session:
            assert waits(session)
