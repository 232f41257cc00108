"""Migrations alone make the schema, and the schema is what the tables say."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from photos_engine import migrations
from photos_engine.errors import SchemaTooNew
from photos_engine.store import Store
from photos_engine.store.migrate import HEAD, read_schema
from photos_engine.store.store import DATABASE_NAME
from photos_engine.store.tables import PHOTO_TEXT_COLUMNS, metadata

FULL_TEXT_TABLES = "photo_text"


def test_head_is_the_newest_revision() -> None:
    (folder,) = migrations.__path__
    assert ScriptDirectory(folder).get_current_head() == HEAD


def test_migrations_make_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path / DATABASE_NAME}")

    def is_ours(name: str | None, kind: str, _parents: object) -> bool:
        return not (kind == "table" and str(name).startswith(FULL_TEXT_TABLES))

    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_ours, "compare_type": True})
        assert compare_metadata(context, metadata) == []
        columns = tuple(row[1] for row in connection.exec_driver_sql("PRAGMA table_info(photo_text)"))
    engine.dispose()
    assert columns == PHOTO_TEXT_COLUMNS


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
