"""Migrations alone make the schema, and the schema is what the tables say."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from fakes.photos import make_decoded, make_signals
from sqlalchemy import create_engine

from photos_engine import migrations
from photos_engine.errors import SchemaTooNew
from photos_engine.store import Store
from photos_engine.store.migrate import HEAD, read_schema
from photos_engine.store.models import ModelState
from photos_engine.store.store import DATABASE_NAME
from photos_engine.store.tables import PHOTO_TEXT_COLUMNS, metadata
from photos_engine.types import Decision, FileStamp

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


@pytest.fixture
def first_library(tmp_path: Path) -> Path:
    """A library as the first schema left it: every row that a present one has, in the columns of then."""
    present, old = tmp_path / "present", tmp_path / "old"
    present.mkdir()
    old.mkdir()
    with Store.open(present) as store, store.begin() as unit:
        for name, model in (("a", "ansa-1"), ("b", "ansa-1"), ("b", "earlier-0")):
            key, _ = unit.photos.save(f"/{name}.jpg", make_decoded(name), None)
            unit.files.record_image(f"/{name}.jpg", FileStamp(1, 2), key)
            unit.analyses.add(model, [(key, make_signals(ord(name), aesthetics=0.5))])
        unit.decisions.add(make_decoded("a").content_hash, "photo", Decision.FAVOURITE)
        unit.touch()
    upgrade_to("0001", old / DATABASE_NAME)
    with closing(sqlite3.connect(old / DATABASE_NAME)) as connection, connection:
        connection.execute("ATTACH ? AS present", (str(present / DATABASE_NAME),))
        for name in (*metadata.tables, "photo_text"):
            columns = ", ".join(f'"{row[1]}"' for row in connection.execute(f"PRAGMA main.table_info({name})"))
            if columns:  # a table of then
                connection.execute(f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM present.{name}")
    return old


def upgrade_to(revision: str, database: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_a_library_of_the_first_schema_keeps_all_and_says_whose_it_is(first_library: Path) -> None:
    with Store.open(first_library) as store:
        assert read_schema(store.database) == store.schema == HEAD
        with store.read() as unit:
            assert unit.models.states() == {"ansa-1": ModelState.ACTIVE, "earlier-0": ModelState.BEGUN}
            assert unit.models.analysed() == {"ansa-1": 2, "earlier-0": 1}
            snapshot = unit.snapshot(unit.models.active)
        assert store.check() == []
    assert [p.photo.path.name for p in snapshot.photos if p.photo.is_favourite] == ["a.jpg"]
    assert {(p.objects, p.aesthetics) for p in snapshot.photos} == {((), None)}
    by_name = {p.photo.path.stem: row for p, row in zip(snapshot.photos, snapshot.embeddings, strict=True)}
    for name, row in by_name.items():
        assert float(row @ make_signals(ord(name)).embedding) > 0.9999


def test_an_upgrade_keeps_a_copy_of_what_was(first_library: Path) -> None:
    Store.open(first_library).close()
    copy = (first_library / DATABASE_NAME).with_suffix(".schema-0001.bak")
    assert read_schema(copy) == "0001"


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
