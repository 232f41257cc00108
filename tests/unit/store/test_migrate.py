"""Migrations alone make the schema, and the schema is what the tables say."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from fakes.library import TAGS
from fakes.old_libraries import BEACH, DUMPS, LOST, NEWER, OLDER, load, tables, upgrade_to
from sqlalchemy import create_engine

from photos_engine import migrations
from photos_engine.derived import Derived
from photos_engine.errors import SchemaTooNew, StoreError
from photos_engine.ingest import decode_photo
from photos_engine.library import Library
from photos_engine.store import Store
from photos_engine.store.migrate import HEAD, read_schema
from photos_engine.store.models import ModelState
from photos_engine.store.store import DATABASE_NAME
from photos_engine.store.tables import PHOTO_TEXT_COLUMNS, metadata
from photos_engine.upkeep import check_library

FORMER = sorted(path.stem for path in DUMPS.glob("*.sql"))
FULL_TEXT_TABLES = ("photo_text", "picture_text")


def test_head_is_the_newest_revision() -> None:
    (folder,) = migrations.__path__
    assert ScriptDirectory(folder).get_current_head() == HEAD


def test_migrations_make_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    assert differences(tmp_path / DATABASE_NAME) == []
    assert columns_of(tmp_path / DATABASE_NAME)["photo_text"] == PHOTO_TEXT_COLUMNS


def differences(database: Path) -> list[object]:
    """How the tables of a database differ from those that the code knows."""
    engine = create_engine(f"sqlite:///{database}")

    def is_ours(name: str | None, kind: str, _parents: object) -> bool:
        return not (kind == "table" and str(name).startswith(FULL_TEXT_TABLES))

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_ours, "compare_type": True})
        found: list[object] = compare_metadata(context, metadata)
    engine.dispose()
    return found


@pytest.fixture(params=FORMER)
def former(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The database of a library as a former schema left it."""
    database = tmp_path / DATABASE_NAME
    load(request.param, database)
    return database


def rows_of(database: Path, known: Mapping[str, tuple[str, ...]] | None = None) -> dict[str, list[tuple[object, ...]]]:
    """Every row of some tables and columns, of all if not told."""
    with closing(sqlite3.connect(database)) as connection:
        known = known or columns_of(database)
        return {
            table: sorted(connection.execute(f"SELECT {', '.join(columns)} FROM {table}"), key=repr)
            for table, columns in known.items()
        }


def columns_of(database: Path) -> dict[str, tuple[str, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return {name: columns for name, columns in tables(connection).items() if name != "alembic_version"}


def test_a_library_is_kept_of_every_former_schema() -> None:
    (folder,) = migrations.__path__
    revisions = [script.revision for script in ScriptDirectory(folder).walk_revisions()]
    assert sorted(revisions) == sorted({*FORMER, HEAD})


def test_an_upgrade_keeps_every_row_and_a_copy_of_what_was(former: Path) -> None:
    known, before = columns_of(former), rows_of(former)
    assert all(before.values()), "a table without rows shows nothing"
    schema = read_schema(former)
    with Store.open(former.parent) as store:
        assert read_schema(former) == store.schema == HEAD
        assert store.check() == []
    assert rows_of(former, known) == before
    copy = former.with_suffix(f".schema-{schema}.bak")
    assert read_schema(copy) == schema
    assert rows_of(copy) == before
    assert differences(former) == []


def test_an_upgraded_library_says_what_it_said(former: Path) -> None:
    schema = read_schema(former) or ""
    with Store.open(former.parent) as store, store.read() as unit:
        assert unit.models.states() == {OLDER: ModelState.BEGUN, NEWER: ModelState.ACTIVE}
        assert unit.models.analysed() == {OLDER: 1, NEWER: 3}
        snapshot = unit.snapshot(unit.models.active)
        photos = {p.photo.id: p for p in snapshot.photos}
        beach = photos[BEACH]
        assert beach.photo.is_favourite
        assert (beach.photo.facts.title, beach.photo.place and beach.photo.place.city) == ("The sea", "Lisbon")
        assert beach.photo.facts.rating == (4 if schema >= "0005" else 3)  # with what it was given by a copy
        assert beach.photo.facts.people[0].box == (0.1, 0.2, 0.3, 0.4)
        assert beach.tags == {"beach": 0.9375}
        assert (beach.aesthetics, len(beach.objects)) == ((0.625, 1) if schema >= "0002" else (None, 0))
        assert [row.argmax() for row in snapshot.embeddings] == [int(p.print[0]) for p in snapshot.photos]
        assert unit.photos.search_words("lisbon") == [1]
        assert [m.title for m in unit.memories.all()] == ["Lisbon"]
        assert [group.id for group in unit.groups.all()] == ["similar:1"]
        assert [(f.path.name, f.error) for f in unit.files.failures()] == [("torn.jpg", "decode_error")]
        assert {d.subject for d in unit.decisions.all()} == {BEACH, LOST}
        assert [plan.is_paused for plan in unit.jobs.plans()] == ([True] if schema >= "0004" else [])


def test_what_is_derived_is_made_anew_after_an_upgrade(former: Path) -> None:
    library = Library.open(former.parent)
    with Store.open(former.parent) as store:
        derived = Derived(library, store, TAGS)
        report = check_library(library, store, derived, NEWER, decode=decode_photo, repair=True)
        assert derived.prepare_search(NEWER).keys().tolist() == [1, 2, 3]
        assert {problem.split(":")[0] for problem in report.problems} == {"thumbnails"}  # whose files aren't here


def test_an_upgrade_that_fails_leaves_all_as_it_was(tmp_path: Path) -> None:
    database = tmp_path / DATABASE_NAME
    load("0004", database)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE gathered (in_the_way TEXT)")
    before = rows_of(database)
    with pytest.raises(StoreError, match="gathered"):
        Store.open(tmp_path)
    assert (read_schema(database), rows_of(database)) == ("0004", before)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DROP TABLE gathered")
    with Store.open(tmp_path) as store:
        assert store.schema == HEAD


def test_an_empty_library_of_the_first_schema_has_no_model_yet(tmp_path: Path) -> None:
    upgrade_to("0001", tmp_path / DATABASE_NAME)
    with Store.open(tmp_path) as store, store.read() as unit:
        assert unit.models.is_none_active
        assert unit.models.states() == {}


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    before = (tmp_path / DATABASE_NAME).read_bytes()
    Store.open(tmp_path).close()
    assert (tmp_path / DATABASE_NAME).read_bytes() == before
    assert read_schema(tmp_path / DATABASE_NAME) == HEAD


def test_a_newer_schema_is_refused_untouched(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    database = tmp_path / DATABASE_NAME
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = database.read_bytes()
    with pytest.raises(SchemaTooNew, match="9999"):
        Store.open(tmp_path)
    assert database.read_bytes() == before
