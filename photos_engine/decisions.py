"""A person's decisions as a file: what of a library can't be made again from the photos.

With them goes what merged copies gave their keepers, since the copies may be gone. The file is JSON, to be read in ten
years by a program that isn't this one. Whatever in it makes no sense is refused as a whole, with one line that says
what and where.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from photos_engine.errors import ConfigError, StoreError
from photos_engine.files import write_atomically
from photos_engine.types import Decision, Gathered, PersonRegion, StoredDecision

DECISIONS_FORMAT = 1

_ON_STORIES = frozenset({Decision.FAVOURITE, Decision.HIDE, Decision.FEATURE_LESS, Decision.UNDO})
_CORRECTIONS = frozenset({Decision.NAME, Decision.NOT_SO, Decision.HOME, Decision.TRIP})
DECISIONS_ON: Mapping[str, frozenset[Decision]] = MappingProxyType(
    {
        "photo": frozenset(Decision) - _CORRECTIONS,
        "group": frozenset({Decision.NOT_DUPLICATE, Decision.UNDO}),
        "memory": _ON_STORIES,
        "node": _ON_STORIES | _CORRECTIONS,
    }
)
"""What can be decided about which kind of subject."""


@dataclass(frozen=True, slots=True)
class Irreplaceable:
    """What a person decided, and what photos were given by copies that may be gone; each in the order it was made."""

    decisions: tuple[StoredDecision, ...] = ()
    gathered: tuple[Gathered, ...] = ()

    def __len__(self) -> int:
        return len(self.decisions) + len(self.gathered)


def as_document(kept: Irreplaceable) -> bytes:
    """Decisions, and what was gathered, as the content of a file that `read_document` reads, in the order given."""
    document = {
        "format": DECISIONS_FORMAT,
        "decisions": [{"subject": d.subject, "subject_kind": d.subject_kind, **_as_decided(d)} for d in kept.decisions],
        "gathered": [_as_row(record) for record in kept.gathered],
    }
    return json.dumps(document, indent=1).encode()


def _as_decided(decided: StoredDecision) -> dict[str, Any]:
    said = {"words": decided.words, "photo_ids": list(decided.photo_ids)}
    told = {name: value for name, value in said.items() if value}
    return {"decision": decided.decision.value, "decided_utc": decided.decided_utc.isoformat(), **told}


def _as_row(record: Gathered) -> dict[str, Any]:
    return {
        "keeper_id": record.keeper_id,
        "photo_id": record.photo_id,
        "group_id": record.group_id,
        "rating": record.rating,
        "title": record.title,
        "caption": record.caption,
        "keywords": record.keywords,
        "people": [{"name": person.name, "box": person.box} for person in record.people],
        "decided": [_as_decided(decided) for decided in record.decided],
    }


def read_document(content: bytes) -> Irreplaceable:
    """What a file holds, in its order; no decision is an undo, which leaves nothing to keep.

    Files from before anything was gathered hold decisions alone.

    Raises: ConfigError, in one line that doesn't name the file, for anything malformed.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:  # not JSON, or brackets without end
        raise ConfigError(f"it holds no JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(rows := document.get("decisions"), list):
        raise ConfigError("it holds no decisions")
    if document.get("format") != DECISIONS_FORMAT:
        raise ConfigError(f"its decisions are of format {reprlib.repr(document.get('format'))}, not {DECISIONS_FORMAT}")
    if not isinstance(given := document.get("gathered", []), list):
        raise ConfigError("what it has gathered is no list")
    return Irreplaceable(
        tuple(_read_row(f"decision {number}", row) for number, row in enumerate(rows, start=1)),
        tuple(_read_gathered(f"gathered {number}", row) for number, row in enumerate(given, start=1)),
    )


def keep_backup(path: Path, kept: Irreplaceable) -> bool:
    """Let a file hold all of it, durably; returns whether it had to be written. Raises: StoreError."""
    content = as_document(kept)
    try:
        if (path.exists() and path.read_bytes() == content) or not (kept or path.exists()):
            return False
        write_atomically(path, content)
    except OSError as error:
        raise StoreError(f"decisions can't be backed up to {path}: {error.strerror or error}") from error
    return True


def _read_row(which: str, row: Any) -> StoredDecision:
    _require_text(which, row, "subject", "subject_kind", "decision", "decided_utc")
    subject, kind, word = row["subject"], row["subject_kind"], row["decision"]
    if kind not in DECISIONS_ON:
        raise ConfigError(f"{which}: subject_kind {reprlib.repr(kind)} is none of {', '.join(DECISIONS_ON)}")
    if word not in set(Decision) - {Decision.UNDO}:
        raise ConfigError(f"{which}: {reprlib.repr(word)} is nothing that can be kept")
    if word not in DECISIONS_ON[kind]:
        raise ConfigError(f"{which}: {word} can't be decided about a {kind}")
    try:
        decided = datetime.fromisoformat(row["decided_utc"])
        # Without an offset it is what the field's name says, wherever the file is read.
        decided = decided.astimezone(UTC) if decided.tzinfo else decided.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"{which}: decided_utc {reprlib.repr(row['decided_utc'])} is no time") from error
    words, photo_ids = _text_of(which, "words", row.get("words", "")), row.get("photo_ids", [])
    if not isinstance(photo_ids, list):
        raise ConfigError(f"{which}: photo_ids must be a list")
    of = tuple(_text_of(which, "photo_id", photo_id) for photo_id in photo_ids)
    return StoredDecision(subject, kind, Decision(word), decided, words, of)


def _read_gathered(which: str, row: Any) -> Gathered:
    _require_text(which, row, "keeper_id", "photo_id", "group_id")
    rating, texts = row.get("rating"), {name: row.get(name) for name in ("title", "caption")}
    if rating is not None and type(rating) is not int:
        raise ConfigError(f"{which}: rating {reprlib.repr(rating)} is no number")
    keywords, people, decided = (row.get(name) for name in ("keywords", "people", "decided"))
    if not (isinstance(keywords, list) and isinstance(people, list) and isinstance(decided, list)):
        raise ConfigError(f"{which}: keywords, people and decided must be lists")
    keeper = {"subject": row["keeper_id"], "subject_kind": "photo"}
    return Gathered(
        keeper_id=row["keeper_id"],
        photo_id=row["photo_id"],
        group_id=row["group_id"],
        rating=rating,
        **{name: None if text is None else _text_of(which, name, text) for name, text in texts.items()},
        keywords=tuple(_text_of(which, "keyword", word) for word in keywords),
        people=tuple(_read_person(which, person) for person in people),
        decided=tuple(_read_row(which, {**some, **keeper} if isinstance(some, dict) else some) for some in decided),
    )


def _read_person(which: str, person: Any) -> PersonRegion:
    if not isinstance(person, dict):
        raise ConfigError(f"{which}: {reprlib.repr(person)} is nobody")
    name, box = _text_of(which, "name", person.get("name")), person.get("box")
    if box is None:
        return PersonRegion(name)
    if not isinstance(box, list) or len(box) != 4 or not all(type(side) in (int, float) for side in box):
        raise ConfigError(f"{which}: {reprlib.repr(box)} is no box")
    left, top, right, bottom = map(float, box)
    return PersonRegion(name, (left, top, right, bottom))


def _require_text(which: str, row: Any, *names: str) -> None:
    if not isinstance(row, dict):
        raise ConfigError(f"{which}: {reprlib.repr(row)} is no record")
    for name in names:
        if not _text_of(which, name, row.get(name)):
            raise ConfigError(f"{which}: {name} must be text, not ''")


def _text_of(which: str, name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{which}: {name} must be text, not {reprlib.repr(value)}")
    try:
        value.encode()  # half a surrogate pair is legal JSON, and no database takes it
    except UnicodeEncodeError as error:
        raise ConfigError(f"{which}: {name} {reprlib.repr(value)} is no text") from error
    return value
