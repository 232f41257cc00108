"""After damage: a library that opens again, with all that people decided.

The database is the only part of a library that isn't made from another. Of what is in it only the decisions, and what
photos were given by their copies, can't be made again from the photos. So a damaged database is not patched but set
aside; what can be read of them, and the copy that the daemon keeps beside it, go into a new one, and the next run over
the photos does the rest. Where only indexes are damaged they are made again, and nothing is lost at all.
"""

from __future__ import annotations

import logging
from itertools import chain
from pathlib import Path

from photos_engine.decisions import Irreplaceable, keep_backup, read_document
from photos_engine.errors import ConfigError, IntegrityFailure, StoreError
from photos_engine.library import Library
from photos_engine.store import Store, UnitOfWork
from photos_engine.store.salvage import Remains, mend_indexes, read_remains, set_aside
from photos_engine.store.store import DATABASE_NAME
from photos_engine.types import CheckReport

logger = logging.getLogger(__name__)


def salvage_library(folder: Path) -> CheckReport | None:
    """Mend a library whose database is damaged; None where it isn't. Raises: StoreError, StoreLocked."""
    library = Library.open(folder)
    with library.exclusive():
        problems = _problems(folder)
        if not problems:
            return None
        database = folder / DATABASE_NAME
        mended = "database: its indexes were made again" if mend_indexes(database) else _make_anew(library, database)
    found = tuple(f"database: {problem}" for problem in problems)
    return CheckReport(("database",), found, (mended,) * len(found))


def _problems(folder: Path) -> list[str]:
    try:
        with Store.open(folder) as store:
            return store.check()
    except IntegrityFailure as error:
        return [str(error)]


def _make_anew(library: Library, database: Path) -> str:
    remains = read_remains(database)
    try:
        aside = set_aside(database)
    except OSError as error:
        raise StoreError(f"{database} can't be moved out of the way: {error.strerror or error}") from error
    kept = _join(remains, read_backup(library))
    keep_backup(library.decisions_backup, kept)  # first: a new database begins with what is in it
    with Store.open(library.folder) as store, store.begin() as unit:
        restore(unit, kept)
        for name, value in remains.settings.items():
            unit.set_setting(name, value)
    logger.warning("the damaged database lies at %s now", aside)
    number = len(kept.decisions)
    return f"database: made anew with {number} decisions; the photos come back with the next index run ({aside.name})"


def _join(remains: Remains, backup: Irreplaceable) -> Irreplaceable:
    """What could be read, and of the backup what goes beyond it.

    Nothing where a table was read in full: what the backup has beyond that has been taken back since.
    """
    older, given = (
        () if remains.has_all_decisions else backup.decisions,
        () if remains.has_all_gathered else backup.gathered,
    )
    decisions = {(d.subject, d.decision): d for d in (*older, *remains.decisions)}
    return Irreplaceable(
        tuple(sorted(decisions.values(), key=lambda d: d.decided_utc)),
        tuple(dict.fromkeys((*given, *remains.gathered))),
    )


def read_kept(unit: UnitOfWork) -> Irreplaceable:
    """All of a library that can't be made again from its photos."""
    return Irreplaceable(unit.decisions.all(), tuple(chain.from_iterable(unit.gathered.all().values())))


def restore(unit: UnitOfWork, kept: Irreplaceable) -> int:
    """Let a library have it, beside its own; returns how much of it is new."""
    new = unit.decisions.restore(kept.decisions) + unit.gathered.add(kept.gathered)
    for keeper_id in {record.keeper_id for record in kept.gathered}:
        if (key := unit.photos.key_of(keeper_id)) is not None:
            unit.photos.rewrite_words(key)
    return new


def read_backup(library: Library) -> Irreplaceable:
    """What was kept beside the database; nothing where the file is missing or damaged itself."""
    try:
        return read_document(library.decisions_backup.read_bytes())
    except FileNotFoundError:
        return Irreplaceable()
    except (OSError, ConfigError) as error:
        logger.warning("the backup %s can't be read: %s", library.decisions_backup, error)
        return Irreplaceable()
