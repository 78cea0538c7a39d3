"""Who an annotator of Label Studio is here: as told, else by e-mail address, else by name."""

from collections import Counter
from collections.abc import Mapping

from sqlalchemy.orm import Session

from core.catalogue.rejects import Reason
from core.catalogue.values import Bad
from core.errors import N_, InvalidInput
from core.permissions import ALLOWED, Action, may
from core.runtime import Runtime
from core.types import Actor, utc_now
from db import imports
from db.enums import Role
from db.members import find_by_email
from db.people import ensure_person, find_person
from db.tables import PersonRow

COUNTED = 100_000
NOBODY = N_("'{who}' is nobody here. Say who it is: --people '{who}=Name of a person here'.")
NOT_SAID = N_("It is not said who annotated this. Say who it is: --people '?=Name of a person here'.")
NO_PERSON = N_("There is no person '{name}' here, and only an admin may make one. Ask for an invitation first.")


def find_strangers(runtime: Runtime, run_id: int) -> dict[str, int]:
    """Annotator of this import who is nobody here -> annotations that were rejected for it, the busiest first.

    '?' stands for annotations that do not say whose they are. Of very many the first `COUNTED` are counted.
    """
    with runtime.sessions.read() as session:
        found = imports.list_reason_values(session, run_id, NOBODY, COUNTED)
        unsaid = imports.list_reason_values(session, run_id, NOT_SAID, COUNTED)
    counts = Counter(str(values["who"]) for values in found)
    if unsaid:
        counts["?"] = len(unsaid)
    return dict(counts.most_common())


def parse_people(text: str) -> dict[str, str]:
    """'7=Mina, ann@x.org=Juno' as {"7": "Mina", "ann@x.org": "Juno"}. Raises InvalidInput."""
    people: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        who, sign, name = part.rpartition("=")
        if not sign or not who.strip() or not name.strip():
            raise InvalidInput(N_("'{part}' is not of the form annotator=person, such as 7=Mina."), part=part)
        people[who.strip().casefold()] = " ".join(name.split())
    return people


class People:
    """Finds each annotator once. One who is named and not there is made an annotator, if the actor may do that."""

    def __init__(self, actor: Actor, told: Mapping[str, str]) -> None:
        self._actor, self._told = actor, told
        self._found: dict[tuple[str, ...], tuple[int, bool] | Bad] = {}

    def find(self, session: Session, who: tuple[str, ...]) -> tuple[int, bool] | Bad:
        """(person, whether they may settle), or why that is not known."""
        if who not in self._found:
            self._found[who] = self._look_up(session, who)
        return self._found[who]

    def forget(self) -> None:
        """The transaction was rolled back."""
        self._found.clear()

    def _look_up(self, session: Session, who: tuple[str, ...]) -> tuple[int, bool] | Bad:
        names = [self._told[part.casefold()] for part in (who or ("?",)) if part.casefold() in self._told]
        if names:
            row = find_person(session, names[0])
            if row is None and not may(self._actor, Action.MANAGE_PEOPLE):
                return Bad(Reason(NO_PERSON, {"name": names[0]}))
            return _person(row or ensure_person(session, names[0], Role.ANNOTATOR, utc_now()))
        for part in who:
            row = find_by_email(session, part.lower()) if "@" in part else find_person(session, part)
            if row is not None and not part.isdecimal():
                return _person(row)
        return Bad(Reason(NOBODY, {"who": who[0]}) if who else Reason(NOT_SAID))


def _person(row: PersonRow) -> tuple[int, bool]:
    return row.id, Action.REVIEW in ALLOWED[row.role]
