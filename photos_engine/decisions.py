"""A person's decisions as a file: the one thing of a library that can't be made again from the photos.

The file is JSON, to be read in ten years by a program that isn't this one. Whatever in it makes no sense is
refused as a whole, with one line that says what and where.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from photos_engine.errors import ConfigError, StoreError
from photos_engine.files import write_atomically
from photos_engine.types import Decision, StoredDecision

DECISIONS_FORMAT = 1

_ON_STORIES = frozenset({Decision.FAVOURITE, Decision.HIDE, Decision.FEATURE_LESS, Decision.UNDO})
DECISIONS_ON: Mapping[str, frozenset[Decision]] = MappingProxyType(
    {
        "photo": frozenset(Decision),
        "group": frozenset({Decision.NOT_DUPLICATE, Decision.UNDO}),
        "memory": _ON_STORIES,
        "node": _ON_STORIES,
    }
)
"""What can be decided about which kind of subject."""


def as_document(decisions: Iterable[StoredDecision]) -> bytes:
    """Decisions as the content of a file that `read_document` reads, in the order given."""
    rows = [
        {
            "subject": d.subject,
            "subject_kind": d.subject_kind,
            "decision": d.decision.value,
            "decided_utc": d.decided_utc.isoformat(),
        }
        for d in decisions
    ]
    return json.dumps({"format": DECISIONS_FORMAT, "decisions": rows}, indent=1).encode()


def read_document(content: bytes) -> list[StoredDecision]:
    """The decisions that a file holds, in its order; none of them is an undo, which leaves nothing to keep.

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
    return [_read_row(number, row) for number, row in enumerate(rows, start=1)]


def keep_backup(path: Path, decisions: Sequence[StoredDecision]) -> bool:
    """Let a file hold these decisions, durably; returns whether it had to be written. Raises: StoreError."""
    content = as_document(decisions)
    try:
        if (path.exists() and path.read_bytes() == content) or not (decisions or path.exists()):
            return False
        write_atomically(path, content)
    except OSError as error:
        raise StoreError(f"decisions can't be backed up to {path}: {error.strerror or error}") from error
    return True


def _read_row(number: int, row: Any) -> StoredDecision:
    def refuse(reason: str) -> ConfigError:
        return ConfigError(f"decision {number}: {reason}")

    if not isinstance(row, dict):
        raise refuse(f"{reprlib.repr(row)} is no decision")
    for name in ("subject", "subject_kind", "decision", "decided_utc"):
        if not isinstance(row.get(name), str) or not row[name]:
            raise refuse(f"{name} must be text, not {reprlib.repr(row.get(name))}")
    subject, kind, word = row["subject"], row["subject_kind"], row["decision"]
    if kind not in DECISIONS_ON:
        raise refuse(f"subject_kind {reprlib.repr(kind)} is none of {', '.join(DECISIONS_ON)}")
    if word not in set(Decision) - {Decision.UNDO}:
        raise refuse(f"{reprlib.repr(word)} is nothing that can be kept")
    if word not in DECISIONS_ON[kind]:
        raise refuse(f"{word} can't be decided about a {kind}")
    try:
        subject.encode()  # half a surrogate pair is legal JSON, and no database takes it
    except UnicodeEncodeError as error:
        raise refuse(f"subject {reprlib.repr(subject)} is no text") from error
    try:
        decided = datetime.fromisoformat(row["decided_utc"])
        # Without an offset it is what the field's name says, wherever the file is read.
        decided = decided.astimezone(UTC) if decided.tzinfo else decided.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise refuse(f"decided_utc {reprlib.repr(row['decided_utc'])} is no time") from error
    return StoredDecision(subject, kind, Decision(word), decided)
