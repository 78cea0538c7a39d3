"""What somebody wants exported, checked before a job is made of it."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from core.catalogue.products import ProductFilter
from core.errors import N_, InvalidInput

FORMATS = ("csv", "jsonl", "parquet")
LABEL_STUDIO = "label-studio"
STYLES = ("taxonomy", "choices")

# What can be exported -> which narrowings it takes.
KINDS: dict[str, tuple[str, ...]] = {
    "products": ("filter",),
    "labels": ("filter", "person_id", "since", "until"),
    "decisions": ("filter", "campaign_id", "person_id", "since", "until"),
    "predictions": ("filter", "version_id"),
    "snapshot": ("snapshot_id",),
    LABEL_STUDIO: ("filter", "campaign_id", "style", "version_id"),
}
NAMES_PEOPLE = ("labels", "decisions", LABEL_STUDIO)


@dataclass(frozen=True)
class ExportRequest:
    """`since` and `until` are UTC days, both included; `style` is how Label Studio asks: taxonomy or choices."""

    what: str
    format: str = "csv"
    filter: ProductFilter = field(default_factory=ProductFilter)
    campaign_id: int | None = None
    person_id: int | None = None
    since: date | None = None
    until: date | None = None
    version_id: int | None = None  # predictions: none means the version in use
    snapshot_id: int | None = None
    style: str = STYLES[0]

    def to_payload(self) -> dict[str, Any]:
        """As a job keeps it: only what is set."""
        plain: dict[str, Any] = {"what": self.what, "format": self.format}
        for name in KINDS[self.what]:
            value = getattr(self, name)
            if name == "filter":
                value = value.to_dict() or None
            elif isinstance(value, date):
                value = value.isoformat()
            if value is not None:
                plain[name] = value
        return plain

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> "ExportRequest":
        """Raises InvalidInput for what cannot be exported like this."""
        known = cls.__dataclass_fields__
        values = dict(payload)
        for name in values:
            if name not in known:
                raise InvalidInput(N_("An export has no setting '{name}'."), name=name)
        values["filter"] = ProductFilter.from_dict(values.get("filter") or {})
        for name in ("since", "until"):
            if isinstance(values.get(name), str):
                values[name] = _day(name, values[name])
        return cls(**values).checked()

    def checked(self) -> "ExportRequest":
        """Raises InvalidInput for an unknown kind or format, and for a narrowing that would do nothing."""
        if self.what not in KINDS:
            raise InvalidInput(
                N_("'{what}' cannot be exported. It is one of: {kinds}."), what=self.what, kinds=", ".join(KINDS)
            )
        formats = ("json",) if self.what == LABEL_STUDIO else FORMATS
        if self.format not in formats:
            raise InvalidInput(
                N_("{what} is exported as {formats}, not as '{format}'."),
                what=self.what,
                formats=", ".join(formats),
                format=self.format,
            )
        if self.style not in STYLES:
            raise InvalidInput(N_("The style is one of {styles}."), styles=", ".join(STYLES))
        plain = ExportRequest(self.what, self.format)
        for name in self.__dataclass_fields__:
            changed = getattr(self, name) != getattr(plain, name)
            if changed and name not in ("what", "format", *KINDS[self.what]):
                raise InvalidInput(
                    N_("An export of {what} cannot be narrowed by '{name}'. Leave it out."), what=self.what, name=name
                )
        if self.what == "snapshot" and self.snapshot_id is None:
            raise InvalidInput(N_("Say which snapshot: by its number, or by the version that learned from it."))
        return self

    @property
    def first_moment(self) -> datetime | None:
        return datetime.combine(self.since, time(), UTC) if self.since else None

    @property
    def end(self) -> datetime | None:
        """The first moment that is not wanted any more."""
        return datetime.combine(self.until + timedelta(days=1), time(), UTC) if self.until else None


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(N_("'{name}' is a day such as 2026-11-21, not '{text}'."), name=name, text=text) from None
