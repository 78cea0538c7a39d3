"""Whose token this is."""

from core.api.guard import CallerHere, guarded_router, needs
from core.api.shapes import Shape
from core.api_tokens import Scope
from db.enums import Role

router = guarded_router("me")


class Me(Shape):
    """The person a token speaks for, and what it may be used for."""

    id: int
    name: str
    role: Role
    scopes: list[Scope]


@router.get("/me")
@needs(Scope.READ)
def get_me(caller: CallerHere) -> Me:
    """Who this token speaks for."""
    return Me(id=caller.actor.person_id, name=caller.actor.name, role=caller.actor.role, scopes=sorted(caller.scopes))
