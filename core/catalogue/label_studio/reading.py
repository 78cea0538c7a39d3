"""Reads a JSON array of any length an item at a time, and an annotation's result as what the person said."""

import codecs
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.catalogue.exporting.label_studio import FIELD, NOTE, VERDICT
from core.catalogue.files import ByteStream
from core.catalogue.rejects import Reason
from core.catalogue.values import Bad, to_time
from core.errors import N_, UnreadableFile
from core.types import utc_now
from db.enums import DecisionKind

READ_BYTES = 2**18
MAX_ITEM_CHARACTERS = 32 * 2**20
MAX_NOTE_CHARACTERS = 4_000
NO_ARRAY = N_("{file} is no export of Label Studio: it should be a JSON array of tasks (its format 'JSON').")
BROKEN = N_(
    "{file} is cut off or damaged behind task {n}: what follows is no JSON ({reason}). Export it from Label Studio "
    "again, in its format 'JSON', and import that."
)
SEVERAL = N_("{n} categories are chosen; a product has one. Leave one in Label Studio and import again.")
SEVERAL_FIELDS = N_("It is not clear which of the fields {fields} holds the category: name it with --label-field.")
NO_ANSWER = N_("The annotation holds no category: no result of the kind taxonomy or choices.")


class Items:
    """Iterate over it for the items of the array; `fraction` in 0..1 is how far the file is read.

    Raises UnreadableFile for what is no array, and where it breaks off.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.fraction = 0.0

    def __iter__(self) -> Iterator[Any]:
        decoder, n_items = json.JSONDecoder(), 0
        with closing(ByteStream(self._path)) as stream:
            texts = self._texts(stream)
            text = next(texts, "").lstrip()
            if not text.startswith("["):
                raise UnreadableFile(NO_ARRAY, file=self._path.name)
            at = 1
            while True:
                while at < len(text) and text[at] in " \t\r\n,":
                    at += 1
                if text.startswith("]", at):
                    return
                try:
                    item, at = decoder.raw_decode(text, at)
                except (json.JSONDecodeError, RecursionError) as error:
                    more = next(texts, None)
                    if more is None or len(text) - at > MAX_ITEM_CHARACTERS:
                        reason = getattr(error, "msg", "nested too deep")
                        raise UnreadableFile(BROKEN, file=self._path.name, n=n_items, reason=reason) from None
                    text, at = text[at:] + more, 0
                    continue
                n_items += 1
                yield item

    def _texts(self, stream: ByteStream) -> Iterator[str]:
        decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        while block := stream.read(READ_BYTES):
            self.fraction = stream.fraction
            yield decode(block)


@dataclass(frozen=True)
class Said:
    """One annotation. `category` is a path (or a leaf's name alone), none for what nobody could tell."""

    who: tuple[str, ...]  # e-mail, name, number: as far as it is known
    kind: DecisionKind
    category: tuple[str, ...] | None
    note: str | None
    seconds: float | None
    at: datetime
    is_truth: bool


def read_annotation(annotation: dict[str, Any], field: str = "") -> Said | Bad:
    """What an annotation says, or why that is not clear. `field` is the name of the category's control."""
    results = [one for one in annotation.get("result") or [] if isinstance(one, dict)]
    is_cancelled = bool(annotation.get("was_cancelled"))
    category = _category(results, field)
    if isinstance(category, Bad) and not is_cancelled:
        return category
    path = None if is_cancelled or isinstance(category, Bad) else category
    verdicts = [value for one in results if one.get("from_name") == VERDICT for value in _values(one, "choices")]
    is_truth = bool(annotation.get("ground_truth")) and path is not None
    kind = DecisionKind.LABEL
    if path is None:
        is_bad = DecisionKind.BAD_LISTING.value in verdicts
        kind = DecisionKind.BAD_LISTING if is_bad else DecisionKind.CANNOT_TELL
    notes = [str(text) for one in results if one.get("from_name") == NOTE for text in _values(one, "text")]
    note = "\n".join(notes).replace("\0", "").strip()[:MAX_NOTE_CHARACTERS] or None
    seconds = annotation.get("lead_time")
    at = to_time(str(annotation.get("created_at") or ""))
    return Said(
        _who(annotation.get("completed_by")),
        kind,
        path,
        note,
        float(seconds) if isinstance(seconds, int | float) and seconds >= 0 else None,
        at if isinstance(at, datetime) else utc_now(),
        is_truth,
    )


def _values(result: dict[str, Any], kind: str) -> list[Any]:
    value = result.get("value")
    found = value.get(kind) if isinstance(value, dict) else None
    return found if isinstance(found, list) else [found] if found else []


def _category(results: list[dict[str, Any]], field: str) -> tuple[str, ...] | Bad:
    asked = [one for one in results if one.get("type") in ("taxonomy", "choices") and one.get("from_name") != VERDICT]
    names = list(dict.fromkeys(str(one.get("from_name")) for one in asked))
    wanted = field or (names[0] if len(names) == 1 else FIELD)
    chosen = [one for one in asked if one.get("from_name") == wanted]
    if not chosen:
        return Bad(Reason(SEVERAL_FIELDS, {"fields": ", ".join(names)}) if len(names) > 1 else Reason(NO_ANSWER))
    paths = [tuple(map(str, path)) for one in chosen for path in _values(one, "taxonomy") if isinstance(path, list)]
    paths += [(str(text),) for one in chosen for text in _values(one, "choices")]
    distinct = list(dict.fromkeys(paths))
    if len(distinct) > 1:
        return Bad(Reason(SEVERAL, {"n": len(distinct)}))
    return distinct[0] if distinct and distinct[0] else Bad(Reason(NO_ANSWER))


def _who(completed_by: Any) -> tuple[str, ...]:
    """What may be told of the annotator, the surest first."""
    if isinstance(completed_by, dict):
        name = " ".join(str(completed_by.get(part) or "") for part in ("first_name", "last_name")).strip()
        known: tuple[Any, ...] = (completed_by.get("email"), name, completed_by.get("id"))
    else:
        known = (completed_by,)
    return tuple(str(part).strip() for part in known if part not in (None, ""))
