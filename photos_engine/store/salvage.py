"""What can be saved of a damaged database: its decisions, and which folders were indexed.

SQLite reads what lies on undamaged pages. All else of a library can be made again from the photos.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from photos_engine.types import Decision, StoredDecision

logger = logging.getLogger(__name__)

_Row = tuple[object, object, object, object]

BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a database, and what must go where it goes."""


@dataclass(frozen=True, slots=True)
class Remains:
    """What was read from a damaged database."""

    decisions: tuple[StoredDecision, ...]
    roots: tuple[str, ...]
    is_complete: bool  # every decision was read


def mend_indexes(database: Path) -> bool:
    """Make the indexes of a database again, whose tables may be whole; returns whether nothing is wrong then."""
    try:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("REINDEX")
            return [row[0] for row in connection.execute("PRAGMA integrity_check")] == ["ok"]
    except sqlite3.DatabaseError as error:
        logger.info("the indexes of %s can't be made again: %s", database, error)
        return False


def read_remains(database: Path) -> Remains:
    """Whatever of a damaged database's decisions and folders can still be read; writes nothing into it."""
    rows, is_complete = list[_Row](), False
    roots: tuple[str, ...] = ()
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            rows, is_complete = _read_decisions(connection)
            roots = _read_roots(connection)
    except sqlite3.DatabaseError as error:
        logger.warning("%s can't be read: %s", database, error)
    return Remains(tuple(_as_decisions(rows)), roots, is_complete)


def _read_decisions(connection: sqlite3.Connection) -> tuple[list[_Row], bool]:
    """The rows that can be read, and whether these are all."""
    statement = "SELECT subject, subject_kind, decision, decided_utc FROM decision NOT INDEXED"
    rows: list[_Row] = []
    cursor = connection.execute(statement)
    try:
        while (row := cursor.fetchone()) is not None:
            rows.append(row)
    except sqlite3.DatabaseError:  # a damaged page, and what follows on it
        return rows, False
    return rows, True


def _read_roots(connection: sqlite3.Connection) -> tuple[str, ...]:
    try:
        found = connection.execute("SELECT value FROM setting WHERE name = 'roots'").fetchone()
        return tuple(map(str, json.loads(found[0]))) if found else ()
    except (sqlite3.DatabaseError, ValueError, TypeError) as error:
        logger.warning("which folders were indexed can't be read: %s", error)
        return ()


def set_aside(database: Path) -> Path:
    """Move a damaged database out of the way, for whoever knows more; returns where it lies now. Raises: OSError."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    target = database.with_name(f"{database.stem}.damaged-{stamp}{database.suffix}")
    for suffix in ("", *BESIDE):
        path = database.with_name(database.name + suffix)
        if path.exists():
            path.replace(target.with_name(target.name + suffix))
    return target


def _as_decisions(rows: Iterable[_Row]) -> Iterator[StoredDecision]:
    for subject, kind, what, when in rows:
        try:
            decided = datetime.fromtimestamp(float(str(when)), UTC)
            yield StoredDecision(str(subject), str(kind), Decision(str(what)), decided)
        except (ValueError, OverflowError, OSError):  # a row that damage made up
            continue
