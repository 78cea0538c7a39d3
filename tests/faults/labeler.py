"""A process for the fault tests: acts on the database of the settings, says what it did, then waits to be killed."""

import sqlite3
import sys
import time
from pathlib import Path

from core.labeling.decisions import record_decision
from core.labeling.queue import claim_task
from core.people import sign_in_local
from core.runtime import open_runtime
from core.settings import read_settings
from db.enums import DecisionKind, Role


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main(what: str, campaign: str, category: str) -> None:
    runtime = open_runtime(read_settings())
    if what == "lock":  # like a backup tool that holds the file for a while
        connection = sqlite3.connect(Path(runtime.data_dir) / "shelfwright.db", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        say("locked")
        sys.stdin.readline()
        connection.execute("COMMIT")
        return
    actor = sign_in_local(runtime, "Mia", Role.ANNOTATOR)
    task = claim_task(runtime, actor, int(campaign))
    assert task is not None
    if what == "decide":  # committed, and killed before the answer reaches anybody
        record_decision(runtime, actor, task.id, DecisionKind.LABEL, int(category), f"key-{task.id}")
    if what == "half":  # killed with the transaction open
        with runtime.sessions.write() as session:
            from core.types import utc_now
            from db import decisions, tasks

            tasks.finish_task(session, task.id, actor.person_id, utc_now())
            decisions.lock_product(session, task.product_id, int(category))
            say(task.id)
            time.sleep(600)
    say(task.id)
    time.sleep(600)


if __name__ == "__main__":
    main(*sys.argv[1:])
