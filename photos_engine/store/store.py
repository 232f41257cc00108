"""The store: one SQLite database per library, one unit of work per batch.

`with store.begin() as unit:` commits when the block ends and rolls back when it raises; `with
store.read() as unit:` sees one consistent state for as long as it is open. Writers take SQLite's
write lock at once (BEGIN IMMEDIATE), so that two of them wait for each other and never deadlock.
Write-ahead logging lets readers go on meanwhile; `synchronous=FULL` makes a committed decision
survive a power cut at the price of one fsync a batch.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from sqlalchemy import URL, Connection, Engine, bindparam, create_engine, event, select, text
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError

from photos_engine.errors import IntegrityFailure, StoreError, StoreLocked
from photos_engine.store import tables
from photos_engine.store.analyses import AnalysisRepository
from photos_engine.store.decisions import DecisionRepository
from photos_engine.store.files import FileRepository
from photos_engine.store.gathered import GatheredRepository
from photos_engine.store.groups import GroupRepository
from photos_engine.store.jobs import JobRepository
from photos_engine.store.lookups import LookupRepository
from photos_engine.store.memories import MemoryRepository
from photos_engine.store.migrate import HEAD, upgrade
from photos_engine.store.models import ModelRepository
from photos_engine.store.photos import PhotoRepository
from photos_engine.store.showings import ShowingRepository
from photos_engine.store.stays import StayRepository
from photos_engine.store.texts import TextRepository
from photos_engine.types import AnalysedPhoto, Snapshot

DATABASE_NAME = "library.sqlite"
BUSY_TIMEOUT_S = 30.0


_SETTING = select(tables.setting.c.value).where(tables.setting.c.name == bindparam("name"))


class UnitOfWork:
    """One transaction, and the repositories that speak through it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.files = FileRepository(connection)
        self.photos = PhotoRepository(connection)
        self.analyses = AnalysisRepository(connection)
        self.models = ModelRepository(connection, self.touch)
        self.decisions = DecisionRepository(connection)
        self.groups = GroupRepository(connection)
        self.gathered = GatheredRepository(connection)
        self.texts = TextRepository(connection)
        self.memories = MemoryRepository(connection, self.photos)
        self.showings = ShowingRepository(connection)
        self.stays = StayRepository(connection)
        self.jobs = JobRepository(connection)
        self.lookups = LookupRepository(connection)

    @property
    def revision(self) -> int:
        """A number that grows whenever photos, shown analyses, groups or decisions change."""
        return int(self.setting("revision") or 0)

    @property
    def photos_revision(self) -> int:
        """The revision at which photos, what is known of them or what is seen in them last changed."""
        return int(self.setting("photos_revision") or self.revision)

    def touch(self, *, photos: bool = True) -> None:
        """Say that this unit of work changes what is derived from the store: photos, or only groups and decisions."""
        revision = str(self.revision + 1)
        if not photos and self.setting("photos_revision") is None:
            self.set_setting("photos_revision", str(self.revision))
        self.set_setting("revision", revision)
        if photos:
            self.set_setting("photos_revision", revision)

    def setting(self, name: str) -> str | None:
        """A note about the whole library."""
        return self._connection.scalar(_SETTING, {"name": name})

    def set_setting(self, name: str, value: str) -> None:
        """Keep a note about the whole library."""
        statement = insert(tables.setting).values(name=name, value=value)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value})
        )

    def snapshot(self, model: str, earlier: Snapshot | None = None) -> Snapshot:
        """The present photos that `model` has analysed, in the order of their capture.

        earlier: one of this library, as `snapshot` gave it: photos that are as they were in it are taken over.
        """
        if earlier is not None and earlier.model == model:
            return self._snapshot_after(earlier)
        photos = self.photos.present()
        signals = self.analyses.signals(model)
        stacks = self.groups.stacks()
        chosen = [p for p in photos if p.key in signals]
        analysed = tuple(signals[p.key].of(p, stacks.get(p.id)) for p in chosen)
        embeddings = self.analyses.embeddings(model, np.array([p.key for p in chosen], dtype=np.int64))
        return Snapshot(model, self.revision, analysed, embeddings, self.decisions.all())

    def _snapshot_after(self, earlier: Snapshot) -> Snapshot:
        model, stacks = earlier.model, self.groups.stacks()
        changed = self.photos.changed_since(earlier.revision)
        row_of = {item.photo.key: n for n, item in enumerate(earlier.photos) if item.photo.key not in changed}
        keys = self.analyses.keys_by_time(model)
        fresh = [key for key in keys if key not in row_of]
        photos, signals = self.photos.by_keys(fresh), self.analyses.signals(model, fresh)

        def at_present(key: int) -> AnalysedPhoto:
            if key not in row_of:
                return signals[key].of(photos[key], stacks.get(photos[key].id))
            item = earlier.photos[row_of[key]]
            stack = stacks.get(item.photo.id)
            return item if item.stack == stack else replace(item, stack=stack)

        embeddings = np.empty((len(keys), earlier.embeddings.shape[1]), np.float32)
        is_new = np.array([key not in row_of for key in keys], np.bool_)
        embeddings[~is_new] = earlier.embeddings[[row_of[key] for key in keys if key in row_of]]
        embeddings[is_new] = self.analyses.embeddings(model, np.array(fresh, np.int64))
        return Snapshot(model, self.revision, tuple(map(at_present, keys)), embeddings, self.decisions.all())


class Store:
    """A library's database."""

    def __init__(self, engine: Engine, database: Path) -> None:
        self._engine = engine
        self.database = database

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the database in a library's folder, creating or upgrading it as needed.

        Raises: SchemaTooNew, StoreLocked, IntegrityFailure, StoreError.
        """
        database = folder / DATABASE_NAME
        try:
            engine = _create_engine(database)
            with _translated_errors(database):
                upgrade(engine, database)
        except sqlite3.Error as error:
            raise StoreError(f"{database}: {error}") from error
        return cls(engine, database)

    @property
    def schema(self) -> str:
        """The schema's revision."""
        return HEAD

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """A transaction that writes: all of it is stored, or nothing."""
        writing = self._engine.execution_options(photos_engine_writes=True)
        with _translated_errors(self.database), writing.begin() as connection:
            yield UnitOfWork(connection)

    @contextmanager
    def read(self) -> Iterator[UnitOfWork]:
        """A view of one consistent state; what is written through it is refused."""
        with _translated_errors(self.database), self._engine.begin() as connection:
            yield UnitOfWork(connection)

    def check(self) -> list[str]:
        """What SQLite finds wrong with the database: empty for a healthy one."""
        with _translated_errors(self.database), self._engine.connect() as connection:
            problems = [row[0] for row in connection.execute(text("PRAGMA integrity_check")) if row[0] != "ok"]
            problems += [
                f"row {row[1]} of {row[0]} refers to a missing row of {row[2]}"
                for row in connection.execute(text("PRAGMA foreign_key_check"))
            ]
        return problems

    def unused_share(self) -> float:
        """How much of the database's file holds nothing, 0 to 1."""
        with _translated_errors(self.database), self._engine.connect() as connection:
            free, pages = (connection.scalar(text(f"PRAGMA {name}_count")) or 0 for name in ("freelist", "page"))
        return free / max(1, pages)

    def compact(self) -> None:
        """Give the space of deleted rows back to the disk. Raises: StoreLocked."""
        try:
            with closing(sqlite3.connect(self.database, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as connection:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:
            raise StoreLocked(f"{self.database} can't be made smaller now: {error}") from error

    def close(self) -> None:
        """Let go of the database file."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _create_engine(database: Path) -> Engine:
    # Not as text: a `?` or `#` in a folder's name would end the path.
    engine = create_engine(URL.create("sqlite", database=str(database)), connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's BEGIN below, not the driver's own
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("photos_engine_writes", False)
        connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def _translated_errors(database: Path) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if "locked" in str(error.orig) or "busy" in str(error.orig):
            raise StoreLocked(f"{database} is in use by another process: {error.orig}") from error
        raise StoreError(f"{database}: {error.orig}") from error
    except DatabaseError as error:
        raise IntegrityFailure(f"{database} is damaged: {error.orig}") from error
    except DBAPIError as error:
        raise StoreError(f"{database}: {error.orig}") from error
