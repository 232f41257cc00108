"""How a schema comes to be: Alembic migrations, and nothing else.

Opening a library that is already at `HEAD` costs one query; Alembic is imported only when there is
something to upgrade. Before an existing library is upgraded, its database is copied beside itself.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from importlib.resources import as_file, files
from pathlib import Path

from sqlalchemy import Engine

from photos_engine.errors import IntegrityFailure, SchemaTooNew, StoreError

logger = logging.getLogger(__name__)

HEAD = "0007"


def read_schema(database: Path) -> str | None:
    """The revision of a database's schema, None for a database without one.

    Reads only. Raises: IntegrityFailure when the file is no SQLite database.
    """
    if not database.exists() or database.stat().st_size == 0:
        return None
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
                return None
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise IntegrityFailure(f"{database} can't be read as a library's database: {error}") from error
    return None if row is None else str(row[0])


def upgrade(engine: Engine, database: Path) -> None:
    """Bring a database to `HEAD`, or refuse to touch one that is newer.

    Raises: SchemaTooNew, IntegrityFailure, StoreError when the upgrade fails (the old file is kept).
    """
    found = read_schema(database)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise SchemaTooNew(
            f"the library {database.parent} has schema {found}, this version knows {HEAD};"
            " install a newer photos-engine"
        )
    if found is not None:
        backup(database, database.with_suffix(f".schema-{found}.bak"))
    # Imported here: 150 ms that only the first start and upgrades need to pay.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    logger.info("upgrading %s from schema %s to %s", database, found, HEAD)
    with (
        as_file(files("photos_engine.migrations")) as scripts,
        engine.execution_options(photos_engine_writes=True).begin() as connection,
    ):
        config = Config()
        config.set_main_option("script_location", str(scripts))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, HEAD)
        except CommandError as error:
            raise StoreError(f"{database} can't be upgraded to schema {HEAD}: {error}") from error


def backup(database: Path, target: Path) -> None:
    """Copy a database, consistent even while others write to it."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(target)) as destination:
        source.backup(destination)
