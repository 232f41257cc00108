"""What goes wrong around a library: each has an outcome in one line, nothing is lost, and the next run goes on."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from fakes.analyzer import ColourAnalyzer, install, open_fakes
from fakes.decoding import InProcessPool
from PIL import Image
from sqlalchemy import event

from photos_engine import Decision, IntegrityFailure, PhotosEngine, SchemaTooNew, StoreError, StoreLocked, Unreadable
from photos_engine import library as library_module
from photos_engine import pictures as pictures_module
from photos_engine.salvage import salvage_library
from photos_engine.store import store as store_module
from photos_engine.types import JobRun, Progress

PICTURES = 12


def paint(path: Path, seed: int) -> Path:
    fields = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(fields).resize((320, 240), Image.Resampling.BICUBIC).save(path, quality=90)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for seed in range(PICTURES):
        paint(tmp_path / "pictures" / f"{seed:02}.jpg", seed)
    return tmp_path / "pictures"


@pytest.fixture
def open_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], PhotosEngine]:
    monkeypatch.setattr(pictures_module, "DecodePool", InProcessPool)
    open_fakes(monkeypatch, install(tmp_path / "shipped", ColourAnalyzer.model_name))
    return lambda: PhotosEngine.open(tmp_path / "library", models_folder=tmp_path / "models", batch_size=4)


@pytest.fixture
def engine(open_engine: Callable[[], PhotosEngine]) -> Iterator[PhotosEngine]:
    with open_engine() as engine:
        yield engine


def after(stage: str, act: Callable[[], object]) -> Callable[[Progress], None]:
    """Do something once, when a stage has been told of."""
    done: list[object] = []

    def note(progress: Progress) -> None:
        if progress.stage == stage and not done:
            done.append(act())

    return note


def is_whole(engine: PhotosEngine) -> bool:
    return engine.check().is_clean and engine.status().analysed == PICTURES


def test_a_full_disk_stops_the_run_and_space_lets_it_go_on(engine: PhotosEngine, pictures: Path) -> None:
    sql = engine._store._engine
    sql.dispose()
    with closing(sqlite3.connect(engine._store.database)) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages + 2}")

    event.listen(sql, "connect", limit)
    with pytest.raises(StoreError, match="full"):
        engine.index([pictures])
    event.remove(sql, "connect", limit)
    sql.dispose()
    assert engine._store.check() == []
    assert engine.index([pictures]).failed == ()
    assert is_whole(engine)


def test_a_disk_without_room_for_thumbnails_stops_the_run(
    engine: PhotosEngine, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(library_module, "write_atomically", refuse)
        with pytest.raises(StoreError, match="No space left on device"):
            engine.index([pictures])
    engine.index([pictures])
    assert is_whole(engine)


def test_on_a_full_disk_a_library_is_used_all_the_same(
    engine: PhotosEngine, pictures: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    engine.index([pictures])
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkstemp", refuse)
        assert engine.refresh() == len(engine.memories())
        assert engine.graph.model == ColourAnalyzer.model_name
        assert engine.search("05.jpg").query == "05.jpg"
        assert engine.tidy()["photos"] == PICTURES
        assert {record.message.partition(":")[0] for record in caplog.records} >= {"the graph can't be kept"}
        with pytest.raises(StoreError, match="can't be written anew: No space left on device"):
            engine.check(repair=True)
    engine.check(repair=True)
    assert is_whole(engine)


def test_a_library_that_cannot_be_written_to_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "library"
    folder.mkdir()
    monkeypatch.setattr(os, "access", lambda *_: False)  # for root, who may write everywhere
    with pytest.raises(StoreError, match="can't be written to"):
        PhotosEngine.open(folder)
    assert list(folder.iterdir()) == []


def test_a_database_on_a_drive_turned_read_only_says_so_and_is_read_on(engine: PhotosEngine, pictures: Path) -> None:
    engine.index([pictures])
    sql = engine._store._engine
    sql.dispose()
    database = engine._store.database
    real = sql.dialect.connect

    def read_only(*_: object, **settings: object) -> sqlite3.Connection:
        uri = f"{database.as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, check_same_thread=False)

    sql.dialect.connect = read_only  # type: ignore[method-assign, assignment]
    try:
        assert engine.status().photos == PICTURES
        with pytest.raises(StoreError, match="readonly"):
            engine.decide(pictures / "00.jpg", Decision.FAVOURITE)
    finally:
        sql.dialect.connect = real  # type: ignore[method-assign]
        sql.dispose()
    assert is_whole(engine)


def test_a_database_that_another_program_holds_is_read_and_not_waited_for_forever(
    open_engine: Callable[[], PhotosEngine], pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "BUSY_TIMEOUT_S", 0.2)
    with open_engine() as engine:
        engine.index([pictures])
        with closing(sqlite3.connect(engine._store.database, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            assert engine.status().photos == PICTURES
            with pytest.raises(StoreLocked, match="in use by another process"):
                engine.decide(pictures / "00.jpg", Decision.FAVOURITE)
            other.execute("ROLLBACK")
        engine.decide(pictures / "00.jpg", Decision.FAVOURITE)


def test_a_drive_that_vanishes_during_a_run_takes_no_photo_with_it(engine: PhotosEngine, pictures: Path) -> None:
    engine.index([pictures / "00.jpg"])
    away = pictures.with_name("away")
    report = engine.index([pictures], on_progress=after("scan", lambda: pictures.rename(away)))
    assert report.gone == 0
    assert {failure.error for failure in report.failed} == {Unreadable.code}
    assert engine.status().gone == 0
    report = engine.index([pictures])  # still away
    assert (report.gone, engine.photo(pictures / "00.jpg").is_gone) == (0, False)
    away.rename(pictures)
    assert engine.index([pictures]).failed == ()
    assert is_whole(engine)


def test_single_files_are_gone_over_again_where_they_lie(engine: PhotosEngine, pictures: Path, tmp_path: Path) -> None:
    assert engine.rescan() is None
    lone = paint(tmp_path / "downloads" / "lone.jpg", 50)
    paint(tmp_path / "downloads" / "beside.jpg", 51)
    engine.index([pictures, lone])
    assert engine.roots() == (str(pictures),), "its folder isn't watched for the sake of one file"
    assert rescanned(engine) == (PICTURES + 1, 0, 0, 0)
    paint(lone, 52)
    assert rescanned(engine) == (PICTURES + 1, 0, 1, 0)
    away = lone.parent.rename(tmp_path / "away")
    assert rescanned(engine) == (PICTURES, 0, 0, 0), "a folder that is away takes nothing with it"
    away.rename(lone.parent)
    lone.unlink()
    assert rescanned(engine) == (PICTURES, 0, 0, 1)
    assert rescanned(engine) == (PICTURES, 0, 0, 0)


def rescanned(engine: PhotosEngine) -> tuple[int, int, int, int]:
    report = engine.rescan()
    assert report is not None
    return report.found, report.new, report.changed, report.gone


def test_a_file_that_is_replaced_after_it_was_seen_is_read_again(engine: PhotosEngine, pictures: Path) -> None:
    path = pictures / "05.jpg"

    def replace() -> None:
        fresh = paint(pictures / "fresh.tmp.jpg", 99)
        fresh.replace(path)

    engine.index([pictures], on_progress=after("scan", replace))
    report = engine.index([pictures])
    assert (report.changed, report.analysed) == (1, 0)  # its stamp was the old one's, its content the new one's
    assert engine.index([pictures]).changed == 0
    assert is_whole(engine)


def test_a_file_that_is_cut_off_while_it_is_read_is_read_again_when_it_is_whole(
    engine: PhotosEngine, pictures: Path
) -> None:
    path = pictures / "05.jpg"
    content = path.read_bytes()
    report = engine.index([pictures], on_progress=after("scan", lambda: path.write_bytes(content[:500])))
    assert [failure.path for failure in report.failed] == [path]
    path.write_bytes(content)
    assert engine.index([pictures]).failed == ()
    assert is_whole(engine)


def test_a_clock_that_is_set_back_hides_no_change(engine: PhotosEngine, pictures: Path) -> None:
    path = pictures / "05.jpg"
    engine.index([pictures])
    paint(path, 99)
    os.utime(path, (0, 0))
    assert engine.index([pictures]).changed == 1
    for year, outcome in ((2030, "failed"), (2001, "done")):
        engine.record_job(JobRun("scan", datetime(year, 1, 1, tzinfo=UTC), 1.0, outcome, {}))
    assert [run.outcome for run in engine.status().jobs if run.job == "scan"] == ["done"]


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows has no TZ")
def test_another_time_zone_changes_no_photo(
    engine: PhotosEngine, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        engine.index([pictures])
        before = [(p.photo.id, p.photo.taken.isoformat()) for p in engine.snapshot().photos]
        monkeypatch.setenv("TZ", "America/New_York")
        time.tzset()
        report = engine.index([pictures])
        assert (report.changed, report.new, report.analysed) == (0, 0, 0)
        assert [(p.photo.id, p.photo.taken.isoformat()) for p in engine.snapshot().photos] == before
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_power_cut_leaves_what_was_committed(engine: PhotosEngine, pictures: Path, tmp_path: Path) -> None:
    """The log of a database is cut off anywhere, as if its last pages had never reached the disk."""
    with closing(sqlite3.connect(engine._store.database)) as reader:  # keeps the log from being emptied
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM photo").fetchone()
        engine.index([pictures])
        log = engine._store.database.with_name("library.sqlite-wal")
        size = log.stat().st_size
        counts = []
        for number in range(9):
            cut = tmp_path / f"cut {number}"
            cut.mkdir()
            shutil.copy(engine._store.database, cut)
            (cut / log.name).write_bytes(log.read_bytes()[: size * number // 8])
            with store_module.Store.open(cut) as store, store.read() as unit:
                assert store.check() == []
                counts.append(unit.photos.count())
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, PICTURES)


def test_a_newer_schema_is_refused_untouched(open_engine: Callable[[], PhotosEngine], tmp_path: Path) -> None:
    open_engine().close()
    database = tmp_path / "library" / "library.sqlite"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = {path: path.read_bytes() for path in database.parent.iterdir() if path.is_file()}
    for _ in range(2):
        with pytest.raises(SchemaTooNew, match="schema 9999"):
            open_engine()
    assert database.read_bytes() == before[database]


# --- damage ---


def damage(database: Path, start: int) -> None:
    content = bytearray(database.read_bytes())
    for page in range(start, len(content), 4096):
        content[page : page + 64] = b"\xff" * 64
    database.write_bytes(content)


def decide_on_two(engine: PhotosEngine, pictures: Path) -> None:
    engine.index([pictures])
    engine.decide(pictures / "00.jpg", Decision.FAVOURITE)
    engine.decide(pictures / "01.jpg", Decision.HIDE)
    engine.back_up_decisions()


def test_a_damaged_database_is_made_anew_with_all_that_was_decided(
    open_engine: Callable[[], PhotosEngine], pictures: Path, tmp_path: Path
) -> None:
    with open_engine() as engine:
        decide_on_two(engine, pictures)
        engine._store.compact()
    database = tmp_path / "library" / "library.sqlite"
    damage(database, 4096)
    with pytest.raises((IntegrityFailure, StoreError)), open_engine() as engine:
        engine.photo(pictures / "00.jpg")
    report = salvage_library(tmp_path / "library")
    assert report is not None
    assert report.is_clean
    assert len(list((tmp_path / "library").glob("library.damaged-*.sqlite"))) == 1
    with open_engine() as engine:
        engine.index([pictures])
        assert is_whole(engine)
        assert engine.photo(pictures / "00.jpg").is_favourite
        assert engine.photo(pictures / "01.jpg").is_hidden
    assert salvage_library(tmp_path / "library") is None


def test_what_was_taken_back_does_not_return_where_the_decisions_can_be_read(
    open_engine: Callable[[], PhotosEngine], pictures: Path, tmp_path: Path
) -> None:
    with open_engine() as engine:
        decide_on_two(engine, pictures)
        engine.decide(pictures / "01.jpg", Decision.UNDO)
        engine._store.compact()
    database = tmp_path / "library" / "library.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'analysis'").fetchone()
    content = bytearray(database.read_bytes())
    content[(root - 1) * 4096 : (root - 1) * 4096 + 64] = b"\xff" * 64
    database.write_bytes(content)
    report = salvage_library(tmp_path / "library")
    assert report is not None
    assert report.is_clean
    with open_engine() as engine:
        assert engine.roots() == (str(pictures),)
        engine.rescan()
        assert is_whole(engine)
        assert engine.photo(pictures / "00.jpg").is_favourite
        assert not engine.photo(pictures / "01.jpg").is_hidden


def test_damaged_indexes_are_made_again_and_nothing_is_lost(
    open_engine: Callable[[], PhotosEngine], pictures: Path, tmp_path: Path
) -> None:
    with open_engine() as engine:
        engine.index([pictures])
    database = tmp_path / "library" / "library.sqlite"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(  # an index that doesn't hold what it says
            "UPDATE sqlite_master SET sql = replace(sql, 'ON photo (size_bytes)', 'ON photo (width_px)')"
            " WHERE name = 'ix_photo_size_bytes'"
        )
    report = salvage_library(tmp_path / "library")
    assert report is not None
    assert report.repaired[0] == "database: its indexes were made again"
    with open_engine() as engine:
        assert is_whole(engine)


def test_decisions_come_back_where_the_database_was_deleted(
    open_engine: Callable[[], PhotosEngine], pictures: Path, tmp_path: Path
) -> None:
    with open_engine() as engine:
        engine.index([pictures])
        engine.decide(pictures / "00.jpg", Decision.FAVOURITE)
        assert engine.back_up_decisions() == 1
    for path in (tmp_path / "library").glob("library.sqlite*"):
        path.unlink()
    with open_engine() as engine:
        engine.index([pictures])
        assert engine.photo(pictures / "00.jpg").is_favourite


def test_nothing_of_a_database_that_was_deleted_is_believed(
    open_engine: Callable[[], PhotosEngine], pictures: Path, tmp_path: Path
) -> None:
    with open_engine() as engine:
        engine.index([pictures])
        engine.refresh()
    for path in (tmp_path / "library").glob("library.sqlite*"):
        path.unlink()
    (pictures / "00.jpg").rename(pictures / "zz.jpg")  # keys are given anew, in another order
    with open_engine() as engine:
        engine.index([pictures])
        engine.refresh()
        anew = {group.photo_ids for group in engine.duplicates()}
        assert engine.check().is_clean
    shutil.rmtree(tmp_path / "library")
    with open_engine() as engine:
        engine.index([pictures])
        assert {group.photo_ids for group in engine.duplicates()} == anew


# --- failures ---


def test_a_failure_is_tried_again_only_by_another_decoder(
    engine: PhotosEngine, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = pictures / "broken.jpg"
    broken.write_bytes((pictures / "00.jpg").read_bytes()[:300])
    tried: list[Path] = []
    real = InProcessPool.decode_one

    def note(pool: InProcessPool, request: object) -> object:
        tried.append(request.path)  # type: ignore[attr-defined]
        return real(pool, request)  # type: ignore[arg-type]

    monkeypatch.setattr(InProcessPool, "decode_one", note)
    engine.index([pictures])
    reason = engine.index([pictures]).failed[0].reason
    assert tried.count(broken) == 1
    monkeypatch.setattr(pictures_module, "describe_decoders", lambda *_: "a better one")
    assert engine.index([pictures]).failed[0].reason == reason
    assert engine.index([pictures]).failed[0].reason == reason
    assert tried.count(broken) == 2
    os.utime(broken, (1, 1))
    engine.index([pictures])
    assert tried.count(broken) == 3
    assert len(tried) == PICTURES + 3


def test_other_limits_are_another_decoder(open_engine: Callable[[], PhotosEngine], tmp_path: Path) -> None:
    with open_engine() as engine, PhotosEngine.open(tmp_path / "other", max_megapixels=500) as other:
        assert engine._pictures.decoder != other._pictures.decoder
        assert "pillow" in engine._pictures.decoder
