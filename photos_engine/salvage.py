"""After damage: a library that opens again, with all that people decided.

The database is the only part of a library that isn't made from another, and of what is in it only the decisions
can't be made again from the photos. So a damaged database is not patched but set aside; what can be read of its
decisions, and the copy that the daemon keeps beside it, go into a new one, and the next run over the
photos does the rest. Where only indexes are damaged they are made again, and nothing is lost at all.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from photos_engine.decisions import keep_backup, read_document
from photos_engine.errors import ConfigError, IntegrityFailure, StoreError
from photos_engine.library import Library
from photos_engine.store import Store
from photos_engine.store.salvage import mend_indexes, read_remains, set_aside
from photos_engine.store.store import DATABASE_NAME
from photos_engine.types import CheckReport, StoredDecision

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
    # What the backup has beyond a table that was read in full has been taken back since.
    backup = [] if remains.is_complete else read_backup(library)
    kept = {(d.subject, d.decision): d for d in (*backup, *remains.decisions)}
    decisions = sorted(kept.values(), key=lambda d: d.decided_utc)
    keep_backup(library.decisions_backup, decisions)  # first: a new database begins with what is in it
    with Store.open(library.folder) as store, store.begin() as unit:
        unit.decisions.restore(decisions)
        if remains.roots:
            unit.set_setting("roots", json.dumps(remains.roots))
    logger.warning("the damaged database lies at %s now", aside)
    return (
        f"database: made anew with {len(kept)} decisions; the photos come back with the next index run ({aside.name})"
    )


def read_backup(library: Library) -> list[StoredDecision]:
    """The decisions that were kept beside the database; none where the file is missing or damaged itself."""
    try:
        return read_document(library.decisions_backup.read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, ConfigError) as error:
        logger.warning("the backup %s can't be read: %s", library.decisions_backup, error)
        return []
