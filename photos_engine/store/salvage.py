"""What can be saved of a damaged database: its decisions, what was gathered, and which folders were indexed.

SQLite reads what lies on undamaged pages. All else of a library can be made again from the photos.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from photos_engine.decisions import Irreplaceable, as_document, read_document
from photos_engine.errors import ConfigError
from photos_engine.store.gathered import as_record
from photos_engine.types import Decision, Gathered, StoredDecision

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_SETTINGS = ("roots", "taste_forgotten")  # the folders that were indexed, and what the person let be forgotten

BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a database, and what must go where it goes."""


@dataclass(frozen=True, slots=True)
class Remains:
    """What was read from a damaged database."""

    decisions: tuple[StoredDecision, ...] = ()
    gathered: tuple[Gathered, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    has_all_decisions: bool = False
    has_all_gathered: bool = False


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
    """Whatever of a damaged database's decisions, gathered facts and folders can still be read; writes nothing."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            decisions, has_all_decisions = _read_table(connection, "decision", _as_decision)
            gathered, has_all_gathered = _read_table(connection, "gathered", _as_gathered)
            return Remains(decisions, gathered, _read_settings(connection), has_all_decisions, has_all_gathered)
    except sqlite3.DatabaseError as error:
        logger.warning("%s can't be read: %s", database, error)
        return Remains()


def _read_table(
    connection: sqlite3.Connection, table: str, read: Callable[[Mapping[str, Any]], _T]
) -> tuple[tuple[_T, ...], bool]:
    """The rows of a table that can be read, and whether these are all."""
    found: list[_T] = []
    is_complete = False
    try:
        cursor = connection.execute(f"SELECT * FROM {table} NOT INDEXED")
        while (row := cursor.fetchone()) is not None:
            try:
                found.append(read(dict(row)))
            except (
                ValueError,
                TypeError,
                AttributeError,
                OverflowError,
                OSError,
                ConfigError,
            ):  # a row that damage made up
                continue
        is_complete = True
    except sqlite3.DatabaseError as error:  # a damaged page, and what follows on it; a table from before its time
        logger.warning("%s can't be read in full: %s", table, error)
    return tuple(found), is_complete


def _read_settings(connection: sqlite3.Connection) -> dict[str, str]:
    statement = f"SELECT name, value FROM setting WHERE name IN ({', '.join('?' * len(_SETTINGS))})"
    try:
        found = {str(row["name"]): str(row["value"]) for row in connection.execute(statement, _SETTINGS)}
        for value in found.values():
            json.loads(value)
    except (sqlite3.DatabaseError, ValueError) as error:
        logger.warning("which folders were indexed can't be read: %s", error)
        return {}
    return found


def set_aside(database: Path) -> Path:
    """Move a damaged database out of the way, for whoever knows more; returns where it lies now. Raises: OSError."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    target = database.with_name(f"{database.stem}.damaged-{stamp}{database.suffix}")
    for suffix in ("", *BESIDE):
        path = database.with_name(database.name + suffix)
        if path.exists():
            path.replace(target.with_name(target.name + suffix))
    return target


def _as_decision(row: Mapping[str, Any]) -> StoredDecision:
    decided = datetime.fromtimestamp(float(row["decided_utc"]), UTC)
    names = (str(row["subject"]), str(row["subject_kind"]), Decision(row["decision"]))
    if "words" not in row.keys():  # noqa: SIM118  a row isn't a mapping; a library from before decisions had words
        return StoredDecision(*names, decided)
    return StoredDecision(*names, decided, str(row["words"]), tuple(map(str, json.loads(row["photo_ids"]))))


def _as_gathered(row: Mapping[str, Any]) -> Gathered:
    lists = {name: json.loads(row[name]) for name in ("keywords", "people", "decided")}
    texts = {name: str(row[name]) for name in ("keeper_id", "photo_id", "group_id")}
    record = as_record({**row, **texts, **lists})
    (read,) = read_document(as_document(Irreplaceable(gathered=(record,)))).gathered  # which refuses all nonsense
    return read
