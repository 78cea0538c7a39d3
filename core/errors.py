"""The error tree. A docstring is the default message, written for the person who meets it.

AppError
├── NotFound
├── Conflict        LeaseLost, AlreadyLabeled, StaleEdit
├── InvalidInput    UnreadableFile, UnknownCategory
├── NotReady        NoModelYet, TooFewLabels
├── Forbidden
├── NotSignedIn
└── JobCancelled

A message is a template in English plus its values, so that a page can say it in Korean:
`raise InvalidInput(N_("Line {line}: the title is empty."), line=3)`.
"""

from typing import Any


def N_(message: str) -> str:  # noqa: N802 - gettext's own name
    """Mark a message for translation where it is written; it is translated where it is shown."""
    return message


class AppError(Exception):
    """Something went wrong that a person can do something about."""

    def __init__(self, template: str | None = None, **values: object) -> None:
        self.template = template or " ".join((type(self).__doc__ or "").split())
        self.values = values
        super().__init__(self.template.format(**values) if values else self.template)

    def to_dict(self) -> dict[str, Any]:
        """Template and values as plain values for JSON; a value that is an error itself stays one."""
        values = {name: _plain(value) for name, value in self.values.items()}
        return {"template": self.template, "values": values}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "AppError":
        """What `to_dict` stored, as an error of this class."""
        values = {
            name: cls.from_dict(value) if isinstance(value, dict) else value for name, value in record["values"].items()
        }
        return cls(record["template"], **values)


def _plain(value: object) -> Any:
    if isinstance(value, AppError):
        return value.to_dict()
    return value if isinstance(value, int | float) else str(value)


class NotFound(AppError):
    """This does not exist (any more)."""


class Conflict(AppError):
    """Somebody else changed this in the meantime. Reload and look again."""


class LeaseLost(Conflict):
    """Your time on this product ran out and it went back into the queue. Nothing was saved for it."""


class AlreadyLabeled(Conflict):
    """This product has been decided already."""


class StaleEdit(Conflict):
    """This was changed after you opened it. Reload to see the change."""


class InvalidInput(AppError):
    """This input cannot be used."""


class UnreadableFile(InvalidInput):
    """This file cannot be read."""


class UnknownCategory(InvalidInput):
    """There is no such category."""


class NotReady(AppError):
    """This cannot be done yet."""


class NoModelYet(NotReady):
    """There is no trained model yet. Train one on the Training page or with `cli.py train`."""


class TooFewLabels(NotReady):
    """There are too few labeled products to train on."""


class Forbidden(AppError):
    """Your role does not allow this."""


class NotSignedIn(AppError):
    """Sign in first."""


class JobCancelled(AppError):
    """The job was cancelled."""
