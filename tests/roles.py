"""Somebody of each role, for tests that ask what a role may see. They are in no database."""

from core.types import Actor
from db.enums import Role

NOBODY_YET = 9_999  # no person of a test has this id


def of_role(role: Role) -> Actor:
    """Somebody of this role who has done nothing."""
    return Actor(NOBODY_YET, f"some {role.value}", role)


ADMIN = of_role(Role.ADMIN)
